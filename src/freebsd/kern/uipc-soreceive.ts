import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOTCONN, EOPNOTSUPP, EWOULDBLOCK } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { SxLocks } from './sx.js';
import { Uio } from './uio.js';
import { MbufCopies } from './uipc-mbuf-copy.js';
import { Sockbufs } from './uipc-sockbuf.js';
import { Sockets } from './uipc-socket.js';
import { SocketStates } from './uipc-sockstate.js';

/** What is received, and where it goes: 0 for what nobody wants. */
interface Receiving {
  readonly so: Ptr;
  readonly addressAt: Ptr;
  readonly uio: Ptr;
  /** Where a chain of mbufs is to go, instead of bytes to the uio. */
  readonly chainAt: Ptr;
  readonly controlAt: Ptr;
}

/** How far a call is. */
interface Progress {
  /** MSG_PEEK and so on, and what is told in the end. */
  flags: number;
  /** Where the next mbuf of the chain that is given goes. */
  tail: Ptr;
}

/** recv(2) from the protocol's buffer (soreceive_generic() in sys/kern/uipc_socket.c). */
export class SocketReceive implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    soreceive_generic: (so: Ptr, addressAt: Ptr, uio: Ptr, chainAt: Ptr, controlAt: Ptr, flagsAt: Ptr) =>
      this.receive({ so, addressAt, uio, chainAt, controlAt }, flagsAt),
    soreceive_dgram: (so: Ptr, addressAt: Ptr, uio: Ptr, chainAt: Ptr, controlAt: Ptr, flagsAt: Ptr) =>
      this.receive({ so, addressAt, uio, chainAt, controlAt }, flagsAt),
    soreceive_stream: (so: Ptr, addressAt: Ptr, uio: Ptr, chainAt: Ptr, controlAt: Ptr, flagsAt: Ptr) =>
      this.receive({ so, addressAt, uio, chainAt, controlAt }, flagsAt),
  };

  private get type() {
    return this.k.struct('socket');
  }

  private *receive(what: Receiving, flagsAt: Ptr): Sleepable<number> {
    const { k } = this;
    const { so } = what;
    for (const place of [what.addressAt, what.chainAt, what.controlAt])
      if (place !== 0) k.space.storePtr(place, 0);
    const given = flagsAt === 0 ? 0 : k.space.load32(flagsAt) & ~k.macro('MSG_EOR');
    // No protocol here has data out of band.
    if (given & k.macro('MSG_OOB')) return EOPNOTSUPP;
    const sx = this.type.addr(so, 'so_rcv_sx');
    const wait = given & k.macro('MSG_DONTWAIT') ? 0 : k.macro('SBL_WAIT');
    const busy = yield* k.get(Sockets).ioLock(so, sx, wait);
    if (busy !== 0) return busy;
    const progress: Progress = { flags: given, tail: what.chainAt };
    const error = yield* this.locked(what, progress);
    k.get(SxLocks).locks.releaseExclusive(sx);
    if (error === 0 && flagsAt !== 0) k.space.store32(flagsAt, k.space.load32(flagsAt) | progress.flags);
    return error;
  }

  private *locked(what: Receiving, progress: Progress): Sleepable<number> {
    const { k, type } = this;
    const { so, uio } = what;
    const uios = k.struct('uio');
    const wanted = uios.get(uio, 'uio_resid');
    for (;;) {
      const there = yield* this.await(what, progress);
      if (there !== 'data') return there;
      const isRecord = k.get(Sockets).hasFlag(so, 'PR_ADDR');
      let error = isRecord ? yield* this.takeAddress(what, progress) : 0;
      const controls = yield* this.takeControl(what, progress);
      if (error === 0) error = yield* this.takeData(what, progress);
      if (error !== 0) return error;
      yield* this.drained(so, progress);
      const got = isRecord || controls || wanted === 0 || uios.get(uio, 'uio_resid') < wanted;
      const isOver = (type.get(so, 'so_rcv.sb_state') & k.macro('SBS_CANTRCVMORE')) !== 0;
      if (got || isOver || progress.flags & k.macro('MSG_EOR')) return 0;
    }
  }

  /** Waits until something can be taken: `data`, 0 at the end of it all, or an error number. */
  private *await({ so, uio }: Receiving, { flags }: Progress): Sleepable<'data' | number> {
    const { k, type } = this;
    const states = k.get(SocketStates);
    const sb = type.addr(so, 'so_rcv');
    const resid = (): number => k.struct('uio').get(uio, 'uio_resid');
    for (;;) {
      const first = type.get(so, 'so_rcv.sb_mb');
      if (first !== 0 && this.isEnough(so, first, resid(), flags)) return 'data';
      const error = type.get(so, 'so_error');
      if (error !== 0) {
        if (first !== 0) return 'data';
        if ((flags & k.macro('MSG_PEEK')) === 0) type.set(so, 'so_error', 0);
        return error;
      }
      if (type.get(so, 'so_rcv.sb_state') & k.macro('SBS_CANTRCVMORE')) return first === 0 ? 0 : 'data';
      const known = ['SS_ISCONNECTING', 'SS_ISCONNECTED', 'SS_ISDISCONNECTING', 'SS_ISDISCONNECTED'];
      const isNew = !known.some((flag) => states.has(so, 'so_state', flag));
      if (isNew && k.get(Sockets).hasFlag(so, 'PR_CONNREQUIRED')) return ENOTCONN;
      if (resid() === 0) return 0;
      const now = flags & (k.macro('MSG_DONTWAIT') | k.macro('MSG_NBIO'));
      if (now !== 0 || states.has(so, 'so_state', 'SS_NBIO')) return EWOULDBLOCK;
      const waited = yield* k.get(Sockbufs).wait(sb);
      if (waited !== 0) return waited;
    }
  }

  /** Less than is wanted is enough where it is a whole record, where the low water mark is reached, or for who does not wait. */
  private isEnough(so: Ptr, first: Ptr, wanted: number, flags: number): boolean {
    const { k, type } = this;
    const available = type.get(so, 'so_rcv.sb_acc');
    const mbuf = k.struct('mbuf');
    return (
      (flags & k.macro('MSG_DONTWAIT')) !== 0 ||
      available >= wanted ||
      available >= type.get(so, 'so_rcv.sb_lowat') ||
      mbuf.get(first, 'm_nextpkt') !== 0 ||
      k.get(Sockets).hasFlag(so, 'PR_ATOMIC')
    );
  }

  private isPeek({ flags }: Progress): boolean {
    return (flags & this.k.macro('MSG_PEEK')) !== 0;
  }

  /** The address that a record begins with. */
  private *takeAddress({ so, addressAt }: Receiving, progress: Progress): Sleepable<number> {
    const { k, type } = this;
    const first = type.get(so, 'so_rcv.sb_mb');
    if (addressAt !== 0)
      k.space.storePtr(addressAt, k.get(Sockets).duplicate(k.struct('mbuf').get(first, 'm_data')));
    if (this.isPeek(progress)) return 0;
    k.get(Sockbufs).unlink(type.addr(so, 'so_rcv'), first);
    yield* k.get(Mbufs).free(first);
    return 0;
  }

  /** Control messages in front of data: whether there were any. */
  private *takeControl({ so, controlAt }: Receiving, progress: Progress): Sleepable<boolean> {
    const { k, type } = this;
    if (this.isPeek(progress)) return false;
    const mbuf = k.struct('mbuf');
    const isControl = (m: Ptr): boolean => m !== 0 && mbuf.get(m, 'm_type') === k.macro('MT_CONTROL');
    let place = controlAt;
    let found = false;
    for (let m = type.get(so, 'so_rcv.sb_mb'); isControl(m); m = type.get(so, 'so_rcv.sb_mb')) {
      const isLast = mbuf.get(m, 'm_next') === 0;
      k.get(Sockbufs).unlink(type.addr(so, 'so_rcv'), m);
      found = true;
      if (place === 0) yield* k.get(Mbufs).freem(m);
      else {
        k.space.storePtr(place, m);
        place = mbuf.addr(m, 'm_next');
      }
      if (isLast) break;
    }
    return found;
  }

  /** Data of the first record, until there is no more of it or nobody wants more. */
  private *takeData(what: Receiving, progress: Progress): Sleepable<number> {
    const { k, type } = this;
    const { so, uio } = what;
    const mbuf = k.struct('mbuf');
    const uios = k.struct('uio');
    const isPeek = this.isPeek(progress);
    const atomic = k.get(Sockets).hasFlag(so, 'PR_ATOMIC');
    const isData = (m: Ptr): boolean => m !== 0 && mbuf.get(m, 'm_type') === k.macro('MT_DATA');
    let m = type.get(so, 'so_rcv.sb_mb');
    while (isPeek && m !== 0 && !isData(m)) m = mbuf.get(m, 'm_next');
    while (isData(m) && uios.get(uio, 'uio_resid') > 0) {
      const isLast = mbuf.get(m, 'm_next') === 0;
      const length = mbuf.get(m, 'm_len');
      const isEor = (mbuf.get(m, 'm_flags') & k.macro('M_EOR')) !== 0;
      const count = Math.min(length, uios.get(uio, 'uio_resid'));
      const next = mbuf.get(m, 'm_next');
      const error = yield* this.move(what, progress, m, count);
      if (error !== 0) {
        if (atomic && !isPeek) yield* k.get(Sockbufs).dropRecord(type.addr(so, 'so_rcv'));
        return error;
      }
      if (count < length) break;
      m = next;
      if (isEor) progress.flags |= k.macro('MSG_EOR');
      if (isEor || (isLast && (atomic || !(yield* this.more(what, progress))))) break;
      if (isLast) m = type.get(so, 'so_rcv.sb_mb');
    }
    if (!atomic || m === 0 || !isData(m)) return 0;
    progress.flags |= k.macro('MSG_TRUNC');
    if (!isPeek) yield* k.get(Sockbufs).dropRecord(type.addr(so, 'so_rcv'));
    return 0;
  }

  /** MSG_WAITALL: whether, after a wait perhaps, more follows of what is one stream. */
  private *more({ so, uio }: Receiving, progress: Progress): Sleepable<boolean> {
    const { k, type } = this;
    if (this.isPeek(progress) || (progress.flags & k.macro('MSG_WAITALL')) === 0) return false;
    while (k.struct('uio').get(uio, 'uio_resid') > 0) {
      yield* this.drained(so, progress);
      if (type.get(so, 'so_rcv.sb_mb') !== 0) return true;
      if (type.get(so, 'so_error') !== 0) return false;
      if (type.get(so, 'so_rcv.sb_state') & k.macro('SBS_CANTRCVMORE')) return false;
      if ((yield* k.get(Sockbufs).wait(type.addr(so, 'so_rcv'))) !== 0) return false;
    }
    return false;
  }

  /** The first bytes of an mbuf go where they are wanted, and out of the buffer. */
  private *move(what: Receiving, progress: Progress, m: Ptr, count: number): Sleepable<number> {
    const { k, type } = this;
    const { so, uio, chainAt } = what;
    const mbuf = k.struct('mbuf');
    const sockbufs = k.get(Sockbufs);
    const sb = type.addr(so, 'so_rcv');
    const whole = count === mbuf.get(m, 'm_len');
    if (chainAt === 0) {
      const error = yield* k.get(Uio).move(mbuf.get(m, 'm_data'), count, uio);
      if (error !== 0 || this.isPeek(progress)) return error;
      if (whole) yield* sockbufs.dropFirst(sb, m);
      else sockbufs.shorten(sb, m, count);
      return 0;
    }
    const uios = k.struct('uio');
    uios.set(uio, 'uio_resid', uios.get(uio, 'uio_resid') - count);
    if (this.isPeek(progress)) return 0;
    if (whole) {
      sockbufs.unlink(sb, m);
      this.chain(progress, m);
      return 0;
    }
    this.chain(progress, yield* k.get(MbufCopies).copym(m, 0, count, k.macro('M_WAITOK')));
    sockbufs.shorten(sb, m, count);
    return 0;
  }

  private chain(progress: Progress, m: Ptr): void {
    this.k.space.storePtr(progress.tail, m);
    progress.tail = this.k.struct('mbuf').addr(m, 'm_next');
  }

  /** The protocol is told that there is room again. */
  private *drained(so: Ptr, progress: Progress): Sleepable<void> {
    const { k } = this;
    if (this.isPeek(progress) || progress.flags & k.macro('MSG_SOCALLBCK')) return;
    if (k.get(Sockets).hasFlag(so, 'PR_WANTRCVD'))
      yield* k.get(Sockets).call(so, 'pr_rcvd', so, progress.flags);
  }
}
