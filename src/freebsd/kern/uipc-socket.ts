import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import {
  EAFNOSUPPORT,
  EALREADY,
  ECONNABORTED,
  EINVAL,
  EISCONN,
  ENOBUFS,
  ENOTCONN,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  EWOULDBLOCK,
} from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { Vnet } from '../net/vnet.js';
import type { Subsystem } from '../subsystem.js';
import { Credentials } from './kern-prot.js';
import { Malloc } from './malloc.js';
import { Mutexes } from './mutex.js';
import { SleepQueues } from './sleepqueue.js';
import { SxLocks } from './sx.js';
import { AcceptFilters } from './uipc-accf.js';
import { Domains } from './uipc-domain.js';
import { Sockbufs } from './uipc-sockbuf.js';
import { SocketStates } from './uipc-sockstate.js';

/** Sockets (sys/kern/uipc_socket.c), between who has one and the protocol that it is of. */
export class Sockets implements Subsystem {
  private readonly sockets = new Set<Ptr>();
  private generation = 0;

  constructor(private readonly k: FreebsdKernel) {}

  private get type() {
    return this.k.struct('socket');
  }

  readonly exports = {
    socreate: (family: number, place: Ptr, type: number, protocol: number, cred: Ptr, thread: Ptr) =>
      this.createAt(place, { family, type, protocol }, cred, thread),
    soclose: (so: Ptr) => this.close(so),
    soreserve: (so: Ptr, send: number, receive: number) => this.reserve(so, send, receive),
    sorele_locked: (so: Ptr) => this.release(so),
    sobind: (so: Ptr, address: Ptr, thread: Ptr) => this.call(so, 'pr_bind', so, address, thread),
    soconnect: (so: Ptr, address: Ptr, thread: Ptr) => this.connect(so, address, thread),
    soaccept: (so: Ptr, place: Ptr) => this.accept(so, place),
    sodisconnect: (so: Ptr) => this.disconnect(so),
    soshutdown: (so: Ptr, how: number) => this.shutdown(so, how),
    soiolock: (so: Ptr, sx: Ptr, flags: number) => this.ioLock(so, sx, flags),
    soiounlock: (sx: Ptr) => this.k.get(SxLocks).locks.releaseExclusive(sx),
    sosend: (so: Ptr, address: Ptr, uio: Ptr, top: Ptr, control: Ptr, flags: number, thread: Ptr) =>
      this.call(so, 'pr_sosend', so, address, uio, top, control, flags, thread),
    soreceive: (so: Ptr, address: Ptr, uio: Ptr, place: Ptr, control: Ptr, flags: Ptr) =>
      this.call(so, 'pr_soreceive', so, address, uio, place, control, flags),
    sodupsockaddr: (address: Ptr) => this.duplicate(address),
  };

  /** Calls the protocol, within the socket's network stack. */
  *call(so: Ptr, member: string, ...args: readonly number[]): Sleepable<number> {
    const { k } = this;
    const protocol = this.type.get(so, 'so_proto');
    const body = k.struct('protosw').call(protocol, member, ...args);
    return yield* k.get(Vnet).within(this.type.get(so, 'so_vnet'), body);
  }

  private *createAt(
    place: Ptr,
    what: { readonly family: number; readonly type: number; readonly protocol: number },
    cred: Ptr,
    thread: Ptr,
  ): Sleepable<number> {
    const { family, type, protocol } = what;
    const result = yield* this.create(family, type, protocol, cred, thread);
    if (typeof result === 'object') this.k.space.storePtr(place, result.so);
    return typeof result === 'object' ? 0 : result;
  }

  /** socreate(9): an error number, or the socket. */
  *create(
    family: number,
    type: number,
    protocol: number,
    cred: Ptr,
    thread: Ptr,
  ): Sleepable<number | { readonly so: Ptr }> {
    const { k } = this;
    const domains = k.get(Domains);
    const proto = domains.find(family, type, protocol);
    if (proto === undefined) {
      if (domains.family(family) === undefined) return EAFNOSUPPORT;
      return protocol === 0 ? EPROTOTYPE : EPROTONOSUPPORT;
    }
    const so = this.alloc(type, proto, cred, k.get(Vnet).current || k.get(Vnet).vnet0);
    const error = yield* this.call(so, 'pr_attach', so, protocol, thread);
    if (error === 0) return { so };
    yield* this.destroy(so);
    return error;
  }

  /** soalloc(), and what socreate() and sonewconn() fill in alike. */
  alloc(type: number, proto: Ptr, cred: Ptr, vnet: Ptr): Ptr {
    const { k } = this;
    const so = k.slab.allocateBytes(this.type.size, true);
    const mutex = (member: string, name: string): void =>
      k.get(Mutexes).init(this.type.addr(so, member), k.constantString(name), k.macro('MTX_DEF'));
    mutex('so_lock', 'socket');
    mutex('so_snd_mtx', 'so_snd');
    mutex('so_rcv_mtx', 'so_rcv');
    for (const [member, name] of [
      ['so_snd_sx', 'so_snd_sx'],
      ['so_rcv_sx', 'so_rcv_sx'],
    ])
      k.get(SxLocks).init(this.type.addr(so, member), k.constantString(name), 0);
    this.type.set(so, 'so_snd.sb_sel', this.type.addr(so, 'so_wrsel'));
    this.type.set(so, 'so_rcv.sb_sel', this.type.addr(so, 'so_rdsel'));
    this.type.set(so, 'so_snd.sb_mtx', this.type.addr(so, 'so_snd_mtx'));
    this.type.set(so, 'so_rcv.sb_mtx', this.type.addr(so, 'so_rcv_mtx'));
    this.type.set(so, 'so_vnet', vnet);
    this.type.set(so, 'so_type', type);
    this.type.set(so, 'so_proto', proto);
    this.type.set(so, 'so_cred', k.get(Credentials).hold(cred));
    this.type.set(so, 'so_count', 1);
    this.type.set(so, 'so_gencnt', ++this.generation);
    k.struct('vnet').set(vnet, 'vnet_sockcnt', k.struct('vnet').get(vnet, 'vnet_sockcnt') + 1);
    this.sockets.add(so);
    k.origins.note(so);
    return so;
  }

  /** The last reference goes: the protocol is told, and what is in the buffers and queues goes too. */
  *close(so: Ptr): Sleepable<number> {
    const { k, states } = this;
    const protosw = k.struct('protosw');
    const proto = this.type.get(so, 'so_proto');
    const connected = states.has(so, 'so_state', 'SS_ISCONNECTED');
    const error = connected ? yield* this.disconnect(so) : 0;
    if (protosw.get(proto, 'pr_close') !== 0) yield* this.call(so, 'pr_close', so);
    if (states.isListening(so)) yield* this.abortQueued(so);
    yield* this.detach(so);
    return error === ENOTCONN ? 0 : error;
  }

  /** Connections that nobody will accept any more. */
  private *abortQueued(head: Ptr): Sleepable<void> {
    const { states } = this;
    for (const queue of ['sol_incomp', 'sol_comp'] as const)
      for (const so of states.queued(head, queue)) {
        states.dequeue(so, queue);
        yield* this.abort(so);
      }
  }

  /** soabort(). */
  *abort(so: Ptr): Sleepable<void> {
    const { k } = this;
    if (k.struct('protosw').get(this.type.get(so, 'so_proto'), 'pr_abort') !== 0)
      yield* this.call(so, 'pr_abort', so);
    yield* this.detach(so);
  }

  private get states(): SocketStates {
    return this.k.get(SocketStates);
  }

  private *detach(so: Ptr): Sleepable<void> {
    const { k } = this;
    const protosw = k.struct('protosw');
    if (protosw.get(this.type.get(so, 'so_proto'), 'pr_detach') !== 0) yield* this.call(so, 'pr_detach', so);
    yield* this.destroy(so);
  }

  *destroy(so: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.sockets.delete(so)) return;
    // What a listening socket has is where buffers were.
    if (this.states.isListening(so)) yield* k.get(AcceptFilters).detach(so);
    else for (const member of ['so_snd', 'so_rcv']) yield* k.get(Sockbufs).flush(this.type.addr(so, member));
    const vnet = this.type.get(so, 'so_vnet');
    k.struct('vnet').set(vnet, 'vnet_sockcnt', k.struct('vnet').get(vnet, 'vnet_sockcnt') - 1);
    for (const member of ['so_lock', 'so_snd_mtx', 'so_rcv_mtx'])
      k.get(Mutexes).destroy(this.type.addr(so, member));
    for (const member of ['so_snd_sx', 'so_rcv_sx']) k.get(SxLocks).locks.destroy(this.type.addr(so, member));
    k.get(Credentials).free(this.type.get(so, 'so_cred'));
    k.origins.forget(so);
    k.slab.free(so);
  }

  /** sorele_locked(): gives back a reference, and the lock. */
  private *release(so: Ptr): Sleepable<void> {
    const refs = this.type.get(so, 'so_count') - 1;
    this.type.set(so, 'so_count', refs);
    this.k.get(Mutexes).unlock(this.type.addr(so, 'so_lock'));
    if (refs === 0) yield* this.detach(so);
  }

  *disconnect(so: Ptr): Sleepable<number> {
    if (!this.states.has(so, 'so_state', 'SS_ISCONNECTED')) return ENOTCONN;
    if (this.states.has(so, 'so_state', 'SS_ISDISCONNECTING')) return EALREADY;
    return yield* this.call(so, 'pr_disconnect', so);
  }

  /** soconnect(): what is connected already is only left for another peer where the protocol has no connections. */
  *connect(so: Ptr, address: Ptr, thread: Ptr): Sleepable<number> {
    const { states } = this;
    if (states.has(so, 'so_state', 'SS_ISCONNECTED') || states.has(so, 'so_state', 'SS_ISCONNECTING')) {
      if (this.hasFlag(so, 'PR_CONNREQUIRED') || (yield* this.disconnect(so)) !== 0) return EISCONN;
    }
    this.type.set(so, 'so_error', 0);
    return yield* this.call(so, 'pr_connect', so, address, thread);
  }

  /** soaccept(): the peer's address, of a connection that was taken off its queue. */
  *accept(so: Ptr, place: Ptr): Sleepable<number> {
    return yield* this.call(so, 'pr_accept', so, place);
  }

  /** getpeername(2) as far as the protocol tells it. */
  *peerAddress(so: Ptr, place: Ptr): Sleepable<number> {
    if (!this.states.has(so, 'so_state', 'SS_ISCONNECTED')) return ENOTCONN;
    return yield* this.call(so, 'pr_peeraddr', so, place);
  }

  hasFlag(so: Ptr, flag: string): boolean {
    const { k } = this;
    return (k.struct('protosw').get(this.type.get(so, 'so_proto'), 'pr_flags') & k.macro(flag)) !== 0;
  }

  /** shutdown(2). */
  *shutdown(so: Ptr, how: number): Sleepable<number> {
    const { k, states } = this;
    const [read, write] = [k.macro('SHUT_RD'), k.macro('SHUT_WR')];
    if (how !== read && how !== write && how !== k.macro('SHUT_RDWR')) return EINVAL;
    if (states.isListening(so)) {
      if (how !== write) {
        this.type.set(so, 'so_error', ECONNABORTED);
        yield* states.wakeListener(so);
      }
      return 0;
    }
    const isConnected = ['SS_ISCONNECTED', 'SS_ISCONNECTING', 'SS_ISDISCONNECTING'].some((flag) =>
      states.has(so, 'so_state', flag),
    );
    if (!isConnected && this.type.get(so, 'so_type') !== k.macro('SOCK_DGRAM')) return ENOTCONN;
    if (how !== write) {
      yield* states.cannot(so, 'so_rcv');
      yield* k.get(Sockbufs).flush(this.type.addr(so, 'so_rcv'));
    }
    const error = how === read ? 0 : yield* this.call(so, 'pr_shutdown', so);
    k.get(SleepQueues).wakeAll(this.type.addr(so, 'so_timeo'));
    return error === 0 && !isConnected ? ENOTCONN : error;
  }

  /** The right to move data in one direction: one thread at a time has it. */
  *ioLock(so: Ptr, sx: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    if (this.states.isListening(so)) return ENOTCONN;
    const locks = k.get(SxLocks);
    if (flags & k.macro('SBL_WAIT')) yield* locks.xlock(sx);
    else if (!locks.locks.tryExclusive(sx)) return EWOULDBLOCK;
    if (!this.states.isListening(so)) return 0;
    locks.locks.releaseExclusive(sx);
    return ENOTCONN;
  }

  /** Whether anything waits or comes to be read, or the end of it: soreadable(). */
  isReadable(so: Ptr): boolean {
    if (this.states.isListening(so))
      return this.states.firstOf(so, 'sol_comp') !== 0 || this.type.get(so, 'so_error') !== 0;
    const there = this.type.get(so, 'so_rcv.sb_acc');
    const isEnd = (this.type.get(so, 'so_rcv.sb_state') & this.k.macro('SBS_CANTRCVMORE')) !== 0;
    return (
      (there > 0 && there >= this.type.get(so, 'so_rcv.sb_lowat')) ||
      isEnd ||
      this.type.get(so, 'so_error') !== 0
    );
  }

  /** Whether a write would not wait: sowriteable(). */
  isWritable(so: Ptr): boolean {
    const { k } = this;
    const isEnd = (this.type.get(so, 'so_snd.sb_state') & k.macro('SBS_CANTSENDMORE')) !== 0;
    if (isEnd || this.type.get(so, 'so_error') !== 0) return true;
    const isReady = this.states.has(so, 'so_state', 'SS_ISCONNECTED') || !this.hasFlag(so, 'PR_CONNREQUIRED');
    const space = k.get(Sockbufs).space(this.type.addr(so, 'so_snd'));
    return isReady && space >= this.type.get(so, 'so_snd.sb_lowat');
  }

  reserve(so: Ptr, send: number, receive: number): number {
    const sockbufs = this.k.get(Sockbufs);
    const snd = this.type.addr(so, 'so_snd');
    const rcv = this.type.addr(so, 'so_rcv');
    if (!sockbufs.reserve(snd, send) || !sockbufs.reserve(rcv, receive)) return ENOBUFS;
    if (this.type.get(so, 'so_rcv.sb_lowat') === 0) this.type.set(so, 'so_rcv.sb_lowat', 1);
    if (this.type.get(so, 'so_snd.sb_lowat') === 0) this.type.set(so, 'so_snd.sb_lowat', 2048);
    return 0;
  }

  /** sodupsockaddr(): of type M_SONAME. */
  duplicate(address: Ptr): Ptr {
    const { k } = this;
    const bytes = k.struct('sockaddr').get(address, 'sa_len');
    const copy = k.get(Malloc).malloc(bytes, k.variable('M_SONAME'), k.macro('M_WAITOK'));
    k.space.writable(copy, bytes).set(k.space.readable(address, bytes));
    return copy;
  }

  freeAddress(address: Ptr): void {
    this.k.get(Malloc).free(address, this.k.variable('M_SONAME'));
  }

  /** All that there are. */
  get all(): readonly Ptr[] {
    return [...this.sockets];
  }

  *holds(): Generator<Holding> {
    for (const at of this.sockets) {
      const proto = this.type.get(at, 'so_proto');
      yield { kind: 'socket', at, uses: [proto], by: this.k.origins.of(at), name: () => '' };
    }
  }
}
