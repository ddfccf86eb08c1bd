import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import type { Holding } from '../../kernel/modules/holding.js';
import {
  EAFNOSUPPORT,
  EINVAL,
  ENOBUFS,
  ENOTCONN,
  EPIPE,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  EWOULDBLOCK,
} from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { Vnet } from '../net/vnet.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { Credentials } from './kern-prot.js';
import { Mutexes } from './mutex.js';
import { SleepQueues } from './sleepqueue.js';
import { SxLocks } from './sx.js';
import { Domains } from './uipc-domain.js';
import { Sockbufs } from './uipc-sockbuf.js';

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
    soconnect: (so: Ptr, address: Ptr, thread: Ptr) => this.call(so, 'pr_connect', so, address, thread),
    solisten: (so: Ptr, backlog: number, thread: Ptr) => this.call(so, 'pr_listen', so, backlog, thread),
    soaccept: (so: Ptr, place: Ptr) => this.call(so, 'pr_accept', so, place),
    sodisconnect: (so: Ptr) => this.disconnect(so),
    sosend: (so: Ptr, address: Ptr, uio: Ptr, top: Ptr, control: Ptr, flags: number, thread: Ptr) =>
      this.call(so, 'pr_sosend', so, address, uio, top, control, flags, thread),
    soreceive: (so: Ptr, address: Ptr, uio: Ptr, place: Ptr, control: Ptr, flags: Ptr) =>
      this.call(so, 'pr_soreceive', so, address, uio, place, control, flags),
    sosend_generic: (so: Ptr, address: Ptr, uio: Ptr, top: Ptr, control: Ptr, flags: number, thread: Ptr) =>
      this.sendTop(so, { address, uio, top, control, flags, thread }),
    sosend_dgram: (so: Ptr, address: Ptr, uio: Ptr, top: Ptr, control: Ptr, flags: number, thread: Ptr) =>
      this.sendTop(so, { address, uio, top, control, flags, thread }),
    soreceive_generic: (so: Ptr, _address: Ptr, uio: Ptr, place: Ptr) => this.receiveChain(so, uio, place),
    soreceive_dgram: (so: Ptr, _address: Ptr, uio: Ptr, place: Ptr) => this.receiveChain(so, uio, place),
    sosetopt: (so: Ptr, option: Ptr) => this.call(so, 'pr_ctloutput', so, option),
    sogetopt: (so: Ptr, option: Ptr) => this.call(so, 'pr_ctloutput', so, option),
    sooptcopyin: (option: Ptr, to: Ptr, most: number, least: number) => this.copyin(option, to, most, least),
    sooptcopyout: (option: Ptr, from: Ptr, length: number) => this.copyout(option, from, length),
    sodupsockaddr: (address: Ptr) => this.duplicate(address),
    soisconnecting: (so: Ptr) => this.setState(so, 'SS_ISCONNECTING'),
    soisconnected: (so: Ptr) => this.setState(so, 'SS_ISCONNECTED'),
    soisdisconnecting: (so: Ptr) => this.setState(so, 'SS_ISDISCONNECTING'),
    soisdisconnected: (so: Ptr) => this.setState(so, 'SS_ISDISCONNECTED'),
    socantrcvmore: (so: Ptr) => this.cannot(so, 'so_rcv', 'SBS_CANTRCVMORE'),
    socantsendmore: (so: Ptr) => this.cannot(so, 'so_snd', 'SBS_CANTSENDMORE'),
    sorwakeup_locked: (so: Ptr) => this.wakeLocked(so, 'so_rcv'),
    sowwakeup_locked: (so: Ptr) => this.wakeLocked(so, 'so_snd'),
    soupcall_set: (so: Ptr, which: number, upcall: Ptr, arg: Ptr) => this.setUpcall(so, which, upcall, arg),
    soupcall_clear: (so: Ptr, which: number) => this.setUpcall(so, which, 0, 0),
  };

  private *call(so: Ptr, member: string, ...args: readonly number[]): Sleepable<number> {
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
    const so = this.alloc(type, proto, cred);
    const error = yield* this.call(so, 'pr_attach', so, protocol, thread);
    if (error === 0) return { so };
    yield* this.destroy(so);
    return error;
  }

  private alloc(type: number, proto: Ptr, cred: Ptr): Ptr {
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
    const vnet = k.get(Vnet).current || k.get(Vnet).vnet0;
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

  /** The last reference goes: the protocol is told, and what is in the buffers goes too. */
  *close(so: Ptr): Sleepable<number> {
    const { k } = this;
    const protosw = k.struct('protosw');
    const proto = this.type.get(so, 'so_proto');
    const connected = (this.type.get(so, 'so_state') & k.macro('SS_ISCONNECTED')) !== 0;
    const error = connected ? yield* this.disconnect(so) : 0;
    if (protosw.get(proto, 'pr_close') !== 0) yield* this.call(so, 'pr_close', so);
    yield* this.detach(so);
    return error === ENOTCONN ? 0 : error;
  }

  private *detach(so: Ptr): Sleepable<void> {
    const { k } = this;
    const protosw = k.struct('protosw');
    if (protosw.get(this.type.get(so, 'so_proto'), 'pr_detach') !== 0) yield* this.call(so, 'pr_detach', so);
    yield* this.destroy(so);
  }

  private *destroy(so: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.sockets.delete(so)) return;
    for (const member of ['so_snd', 'so_rcv']) yield* k.get(Sockbufs).flush(this.type.addr(so, member));
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

  private *disconnect(so: Ptr): Sleepable<number> {
    const state = this.type.get(so, 'so_state');
    if ((state & this.k.macro('SS_ISCONNECTED')) === 0) return ENOTCONN;
    return yield* this.call(so, 'pr_disconnect', so);
  }

  private reserve(so: Ptr, send: number, receive: number): number {
    const sockbufs = this.k.get(Sockbufs);
    const snd = this.type.addr(so, 'so_snd');
    const rcv = this.type.addr(so, 'so_rcv');
    if (!sockbufs.reserve(snd, send) || !sockbufs.reserve(rcv, receive)) return ENOBUFS;
    if (this.type.get(so, 'so_rcv.sb_lowat') === 0) this.type.set(so, 'so_rcv.sb_lowat', 1);
    if (this.type.get(so, 'so_snd.sb_lowat') === 0) this.type.set(so, 'so_snd.sb_lowat', 2048);
    return 0;
  }

  /** A chain of mbufs goes to the protocol as it is. */
  private *sendTop(
    so: Ptr,
    {
      address,
      uio,
      top,
      control,
      flags,
      thread,
    }: Readonly<Record<'address' | 'uio' | 'top' | 'control' | 'flags' | 'thread', number>>,
  ): Sleepable<number> {
    const { k } = this;
    if (uio !== 0) throw new Unimplemented('sosend_generic', 'data that is not in mbufs');
    const sends = this.type.get(so, 'so_snd.sb_state') & k.macro('SBS_CANTSENDMORE');
    if (sends) {
      yield* k.get(Mbufs).freem(top);
      return EPIPE;
    }
    const oob = flags & k.macro('MSG_OOB') ? k.enumValue('PRUS_OOB') : 0;
    return yield* this.call(so, 'pr_send', so, oob, top, address, control, thread);
  }

  /** The first record that waits, without its address: EWOULDBLOCK where there is none. */
  private *receiveChain(so: Ptr, uio: Ptr, place: Ptr): Sleepable<number> {
    if (place === 0)
      throw new Unimplemented('soreceive_generic', `data to a struct uio at 0x${uio.toString(16)}`);
    const record = yield* this.receive(so);
    this.k.space.storePtr(place, record);
    return record === 0 ? EWOULDBLOCK : 0;
  }

  /** As recv(2), without waiting: a chain of mbufs, 0 where nothing waits. */
  *receive(so: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const record = k.get(Sockbufs).take(this.type.addr(so, 'so_rcv'));
    if (record === 0) return 0;
    if (k.struct('mbuf').get(record, 'm_type') !== k.macro('MT_SONAME')) return record;
    return yield* k.get(Mbufs).free(record);
  }

  /** Where it is only said what a state is, its wakeups follow. */
  private *setState(
    so: Ptr,
    state: 'SS_ISCONNECTING' | 'SS_ISCONNECTED' | 'SS_ISDISCONNECTING' | 'SS_ISDISCONNECTED',
  ) {
    const { k } = this;
    const all = ['SS_ISCONNECTING', 'SS_ISCONNECTED', 'SS_ISDISCONNECTING', 'SS_ISDISCONNECTED'];
    const mask = all.reduce((bits, name) => bits | k.macro(name), 0);
    this.type.set(so, 'so_state', (this.type.get(so, 'so_state') & ~mask) | k.macro(state));
    if (state === 'SS_ISDISCONNECTED') {
      yield* this.cannot(so, 'so_rcv', 'SBS_CANTRCVMORE');
      yield* this.cannot(so, 'so_snd', 'SBS_CANTSENDMORE');
    }
    k.get(SleepQueues).wakeAll(this.type.addr(so, 'so_timeo'));
    yield* this.wake(so, 'so_rcv');
    yield* this.wake(so, 'so_snd');
  }

  private *cannot(so: Ptr, buffer: 'so_rcv' | 'so_snd', flag: string): Sleepable<void> {
    const member = `${buffer}.sb_state`;
    this.type.set(so, member, this.type.get(so, member) | this.k.macro(flag));
    yield* this.wake(so, buffer);
  }

  private *wakeLocked(so: Ptr, buffer: 'so_rcv' | 'so_snd'): Sleepable<void> {
    this.k.get(Mutexes).unlock(this.type.addr(so, `${buffer}_mtx`));
    yield* this.wake(so, buffer);
  }

  /** Wakes who waits for the buffer, and calls its upcall. */
  private *wake(so: Ptr, buffer: 'so_rcv' | 'so_snd'): Sleepable<void> {
    const { k } = this;
    k.get(SleepQueues).wakeAll(this.type.addr(so, `${buffer}.sb_acc`));
    const upcall = this.type.get(so, `${buffer}.sb_upcall`);
    if (upcall === 0) return;
    const arg = this.type.get(so, `${buffer}.sb_upcallarg`);
    yield* k.callAs('i:ppi', upcall, so, arg, k.macro('M_NOWAIT'));
  }

  private setUpcall(so: Ptr, which: number, upcall: Ptr, arg: Ptr): void {
    const { k } = this;
    const buffer = which === k.enumValue('SO_RCV') ? 'so_rcv' : 'so_snd';
    const flags = this.type.get(so, `${buffer}.sb_flags`);
    const flag = k.macro('SB_UPCALL');
    this.type.set(so, `${buffer}.sb_upcall`, upcall);
    this.type.set(so, `${buffer}.sb_upcallarg`, arg);
    this.type.set(so, `${buffer}.sb_flags`, upcall === 0 ? flags & ~flag : flags | flag);
  }

  private copyin(option: Ptr, to: Ptr, most: number, least: number): number {
    const type = this.k.struct('sockopt');
    const given = type.get(option, 'sopt_valsize');
    if (given < least) return EINVAL;
    const bytes = Math.min(given, most);
    type.set(option, 'sopt_valsize', bytes);
    this.k.space.writable(to, bytes).set(this.k.space.readable(type.get(option, 'sopt_val'), bytes));
    return 0;
  }

  private copyout(option: Ptr, from: Ptr, length: number): number {
    const type = this.k.struct('sockopt');
    const bytes = Math.min(length, type.get(option, 'sopt_valsize'));
    type.set(option, 'sopt_valsize', bytes);
    const to = type.get(option, 'sopt_val');
    if (to !== 0) this.k.space.writable(to, bytes).set(this.k.space.readable(from, bytes));
    return 0;
  }

  private duplicate(address: Ptr): Ptr {
    const { k } = this;
    const bytes = k.struct('sockaddr').get(address, 'sa_len');
    const copy = k.slab.allocateBytes(bytes, true, true);
    if (copy !== 0) k.space.writable(copy, bytes).set(k.space.readable(address, bytes));
    return copy;
  }

  *holds(): Generator<Holding> {
    for (const at of this.sockets) {
      const proto = this.type.get(at, 'so_proto');
      yield { kind: 'socket', at, uses: [proto], by: this.k.origins.of(at), name: () => '' };
    }
  }
}
