import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EDESTADDRREQ, EFAULT, EINVAL, EMSGSIZE, ENOTCONN, EPIPE, EWOULDBLOCK } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { SxLocks } from './sx.js';
import { MbufChains } from './uipc-mbuf.js';
import { MbufUio } from './uipc-mbuf-uio.js';
import { Sockbufs } from './uipc-sockbuf.js';
import { Sockets } from './uipc-socket.js';
import { SocketStates } from './uipc-sockstate.js';

/** What is sent: from `uio`, or `top`, which is a chain of mbufs. */
interface Sending {
  readonly so: Ptr;
  readonly address: Ptr;
  readonly uio: Ptr;
  readonly control: Ptr;
  readonly flags: number;
  readonly thread: Ptr;
}

/** send(2) down to the protocol (sosend_generic(), sosend_dgram() in sys/kern/uipc_socket.c). */
export class SocketSend implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    sosend_generic: (so: Ptr, address: Ptr, uio: Ptr, top: Ptr, control: Ptr, flags: number, thread: Ptr) =>
      this.send({ so, address, uio, control, flags, thread }, top),
    sosend_dgram: (so: Ptr, address: Ptr, uio: Ptr, top: Ptr, control: Ptr, flags: number, thread: Ptr) =>
      this.send({ so, address, uio, control, flags, thread }, top),
  };

  private get type() {
    return this.k.struct('socket');
  }

  /** What the protocol has not taken is freed. */
  private *send(what: Sending, top: Ptr): Sleepable<number> {
    const { k } = this;
    const { so, flags } = what;
    const sockets = k.get(Sockets);
    const isEor = (flags & k.macro('MSG_EOR')) !== 0;
    const rest = { top, control: what.control };
    let error = 0;
    if (this.residual(what, top) < 0 || (this.type.get(so, 'so_type') === k.macro('SOCK_STREAM') && isEor))
      error = EINVAL;
    const sx = this.type.addr(so, 'so_snd_sx');
    if (error === 0)
      error = yield* sockets.ioLock(so, sx, flags & k.macro('MSG_DONTWAIT') ? 0 : k.macro('SBL_WAIT'));
    if (error === 0) {
      error = yield* this.locked(what, rest);
      k.get(SxLocks).locks.releaseExclusive(sx);
    }
    if (rest.top !== 0) yield* k.get(Mbufs).freem(rest.top);
    if (rest.control !== 0) yield* k.get(Mbufs).freem(rest.control);
    return error;
  }

  private residual({ uio }: Sending, top: Ptr): number {
    return uio !== 0 ? this.k.struct('uio').get(uio, 'uio_resid') : this.k.get(MbufChains).length(top);
  }

  /** Pieces of what there is room for, until all is with the protocol. */
  private *locked(what: Sending, rest: { top: Ptr; control: Ptr }): Sleepable<number> {
    const { k } = this;
    const { so, uio, flags } = what;
    const atomic = rest.top !== 0 || k.get(Sockets).hasFlag(so, 'PR_ATOMIC');
    let resid = this.residual(what, rest.top);
    do {
      const room = yield* this.room(what, rest, resid, atomic);
      if ('errno' in room) return room.errno;
      const bits = flags & k.macro('MSG_EOR') ? k.macro('M_EOR') : 0;
      if (uio !== 0) {
        const header = atomic ? k.macro('M_PKTHDR') : 0;
        rest.top = yield* k.get(MbufUio).fromUio(uio, k.macro('M_WAITOK'), room.bytes, 0, header | bits);
        if (rest.top === 0) return EFAULT;
        resid = k.struct('uio').get(uio, 'uio_resid');
      } else {
        const mbuf = k.struct('mbuf');
        mbuf.set(rest.top, 'm_flags', mbuf.get(rest.top, 'm_flags') | bits);
        resid = 0;
      }
      const { top, control } = rest;
      rest.top = 0;
      rest.control = 0;
      const { address, thread } = what;
      const error = yield* k
        .get(Sockets)
        .call(so, 'pr_send', so, this.sendFlags(flags, resid), top, address, control, thread);
      if (error !== 0) return error;
    } while (resid > 0);
    return 0;
  }

  private sendFlags(flags: number, resid: number): number {
    const { k } = this;
    if (flags & k.macro('MSG_OOB')) return k.enumValue('PRUS_OOB');
    return resid > 0 ? k.enumValue('PRUS_MORETOCOME') : 0;
  }

  /** Waits for room where there is none: how much there is, or an error number. */
  private *room(
    { so, address, flags }: Sending,
    { control }: { readonly control: Ptr },
    resid: number,
    atomic: boolean,
  ): Sleepable<{ readonly bytes: number } | { readonly errno: number }> {
    const { k, type } = this;
    const states = k.get(SocketStates);
    const sb = type.addr(so, 'so_snd');
    const controls = control === 0 ? 0 : k.struct('mbuf').get(control, 'm_len');
    for (;;) {
      if (type.get(so, 'so_snd.sb_state') & k.macro('SBS_CANTSENDMORE')) return { errno: EPIPE };
      const error = type.get(so, 'so_error');
      if (error !== 0) {
        type.set(so, 'so_error', 0);
        return { errno: error };
      }
      if (!states.has(so, 'so_state', 'SS_ISCONNECTED')) {
        const needs = k.get(Sockets).hasFlag(so, 'PR_CONNREQUIRED');
        const implied = k.get(Sockets).hasFlag(so, 'PR_IMPLOPCL');
        if (needs && !implied && !(resid === 0 && controls !== 0)) return { errno: ENOTCONN };
        if ((!needs || implied) && address === 0) return { errno: needs ? ENOTCONN : EDESTADDRREQ };
      }
      const most = type.get(so, 'so_snd.sb_hiwat');
      if ((atomic && resid > most) || controls > most) return { errno: EMSGSIZE };
      const space = k.get(Sockbufs).space(sb) + (flags & k.macro('MSG_OOB') ? 1024 : 0);
      const isShort = space < resid + controls;
      if (!isShort || !(atomic || space < type.get(so, 'so_snd.sb_lowat') || space < controls))
        return { bytes: space - controls };
      const now = flags & (k.macro('MSG_NBIO') | k.macro('MSG_DONTWAIT'));
      if (now !== 0 || states.has(so, 'so_state', 'SS_NBIO')) return { errno: EWOULDBLOCK };
      const waited = yield* k.get(Sockbufs).wait(sb);
      if (waited !== 0) return { errno: waited };
    }
  }
}
