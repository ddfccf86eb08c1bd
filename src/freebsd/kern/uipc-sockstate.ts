import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOBUFS } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { KernelEvents } from './kqueue.js';
import { Mutexes } from './mutex.js';
import { TailQueue } from './queue.js';
import { SleepQueues } from './sleepqueue.js';
import { Sockbufs } from './uipc-sockbuf.js';

/** A direction of a socket. */
export type Buffer = 'so_rcv' | 'so_snd';

/** The queue of a listening socket that a connection is on (enum SQ_*): accept(2) takes from `sol_comp`. */
type Queue = 'sol_incomp' | 'sol_comp';

const COUNTS = { sol_incomp: 'sol_incqlen', sol_comp: 'sol_qlen' } as const;
const STATES = { sol_incomp: 'SQ_INCOMP', sol_comp: 'SQ_COMP' } as const;

/** What becomes of sockets, who is told of it, and connections that wait for accept(2) (sys/kern/uipc_socket.c, uipc_sockbuf.c). */
export class SocketStates implements Subsystem {
  private readonly queue: TailQueue;

  constructor(private readonly k: FreebsdKernel) {
    this.queue = new TailQueue(k.space, this.type.offsetOf('so_list'));
  }

  private get type() {
    return this.k.struct('socket');
  }

  readonly exports = {
    soisconnecting: (so: Ptr) => this.change(so, ['SS_ISCONNECTED', 'SS_ISDISCONNECTING'], 'SS_ISCONNECTING'),
    soisconnected: (so: Ptr) => this.connected(so),
    soisdisconnecting: (so: Ptr) => this.disconnecting(so),
    soisdisconnected: (so: Ptr) => this.disconnected(so),
    socantrcvmore: (so: Ptr) => this.cannot(so, 'so_rcv'),
    socantsendmore: (so: Ptr) => this.cannot(so, 'so_snd'),
    sorwakeup_locked: (so: Ptr) => this.wakeLocked(so, 'so_rcv'),
    sowwakeup_locked: (so: Ptr) => this.wakeLocked(so, 'so_snd'),
    soupcall_set: (so: Ptr, which: number, upcall: Ptr, arg: Ptr) =>
      this.setUpcall(so, this.bufferOf(which), upcall, arg),
    soupcall_clear: (so: Ptr, which: number) => this.setUpcall(so, this.bufferOf(which), 0, 0),
    soroverflow: (so: Ptr) => this.overflow(so),
    soroverflow_locked: (so: Ptr) => this.overflowLocked(so),
  };

  private bufferOf(which: number): Buffer {
    return which === this.k.enumValue('SO_RCV') ? 'so_rcv' : 'so_snd';
  }

  has(so: Ptr, member: 'so_state' | 'so_options', flag: string): boolean {
    return (this.type.get(so, member) & this.k.macro(flag)) !== 0;
  }

  /** SOLISTENING(). */
  isListening(so: Ptr): boolean {
    return this.has(so, 'so_options', 'SO_ACCEPTCONN');
  }

  private change(so: Ptr, without: readonly string[], state: string): void {
    const { k } = this;
    const cleared = without.reduce((bits, name) => bits & ~k.macro(name), this.type.get(so, 'so_state'));
    this.type.set(so, 'so_state', cleared | k.macro(state));
  }

  /** soisconnected(): of a connection that nobody has accepted, its way to accept(2), past an accept filter where there is one. */
  *connected(so: Ptr): Sleepable<void> {
    const { k } = this;
    this.change(so, ['SS_ISCONNECTING', 'SS_ISDISCONNECTING'], 'SS_ISCONNECTED');
    if (this.type.get(so, 'so_qstate') === k.enumValue('SQ_INCOMP')) {
      if (!this.has(so, 'so_options', 'SO_ACCEPTFILTER') || (yield* this.passes(so))) yield* this.promote(so);
      return;
    }
    k.get(SleepQueues).wakeAll(this.type.addr(so, 'so_timeo'));
    yield* this.wake(so, 'so_rcv');
    yield* this.wake(so, 'so_snd');
  }

  /** Asks the accept filter for the first time: what it says later, when data has come, it says as an upcall. */
  private *passes(so: Ptr): Sleepable<boolean> {
    const { k } = this;
    const head = this.type.get(so, 'so_listen');
    const filter = this.type.get(head, 'sol_accept_filter');
    const arg = this.type.get(head, 'sol_accept_filter_arg');
    const filters = k.struct('accept_filter');
    const options = this.type.get(so, 'so_options');
    yield* this.withBuffer(so, 'so_rcv', () => {
      this.setUpcall(so, 'so_rcv', filters.get(filter, 'accf_callback'), arg);
      this.type.set(so, 'so_options', options & ~k.macro('SO_ACCEPTFILTER'));
    });
    const answer = yield* this.asked(so, filters.call(filter, 'accf_callback', so, arg, k.macro('M_NOWAIT')));
    return answer;
  }

  /** An upcall with the buffer's lock held: whether it says SU_ISCONNECTED, whereupon it is none any longer. */
  private *asked(so: Ptr, upcall: Sleepable<number>): Sleepable<boolean> {
    const { k } = this;
    const mutex = this.type.addr(so, 'so_rcv_mtx');
    yield* k.get(Mutexes).lock(mutex);
    const is = (yield* upcall) === k.macro('SU_ISCONNECTED');
    if (is) this.setUpcall(so, 'so_rcv', 0, 0);
    k.get(Mutexes).unlock(mutex);
    return is;
  }

  private *withBuffer(so: Ptr, buffer: Buffer, body: () => void): Sleepable<void> {
    const mutex = this.type.addr(so, `${buffer}_mtx`);
    yield* this.k.get(Mutexes).lock(mutex);
    body();
    this.k.get(Mutexes).unlock(mutex);
  }

  /** From the connections that are not complete to those that accept(2) gives. */
  *promote(so: Ptr): Sleepable<void> {
    const head = this.type.get(so, 'so_listen');
    this.dequeue(so, 'sol_incomp');
    this.enqueue(head, so, 'sol_comp');
    yield* this.wakeListener(head);
  }

  enqueue(head: Ptr, so: Ptr, queue: Queue): void {
    const { k, type } = this;
    this.queue.insertTail(type.addr(head, queue), so);
    type.set(so, 'so_listen', head);
    type.set(so, 'so_qstate', k.enumValue(STATES[queue]));
    type.set(head, COUNTS[queue], type.get(head, COUNTS[queue]) + 1);
  }

  /** It is of no listening socket then. */
  dequeue(so: Ptr, queue: Queue): void {
    const { k, type } = this;
    const head = type.get(so, 'so_listen');
    this.queue.remove(type.addr(head, queue), so);
    type.set(so, 'so_listen', 0);
    type.set(so, 'so_qstate', k.enumValue('SQ_NONE'));
    type.set(head, COUNTS[queue], type.get(head, COUNTS[queue]) - 1);
  }

  initQueues(head: Ptr): void {
    for (const queue of ['sol_incomp', 'sol_comp']) this.queue.init(this.type.addr(head, queue));
  }

  firstOf(head: Ptr, queue: Queue): Ptr {
    return this.queue.first(this.type.addr(head, queue));
  }

  queued(head: Ptr, queue: Queue): Ptr[] {
    return [...this.queue.elements(this.type.addr(head, queue))];
  }

  /** solisten_wakeup(): there is a connection for who accepts. */
  *wakeListener(head: Ptr): Sleepable<void> {
    const { k, type } = this;
    const upcall = type.get(head, 'sol_upcall');
    if (upcall === 0) k.get(KernelEvents).wake(type.addr(head, 'so_rdsel'));
    else {
      const lock = type.addr(head, 'so_lock');
      yield* k.get(Mutexes).lock(lock);
      yield* k.callAs('i:ppi', upcall, head, type.get(head, 'sol_upcallarg'), k.macro('M_NOWAIT'));
      k.get(Mutexes).unlock(lock);
    }
    k.get(SleepQueues).wakeOne(type.addr(head, 'sol_comp'));
  }

  *disconnecting(so: Ptr): Sleepable<void> {
    this.change(so, ['SS_ISCONNECTING'], 'SS_ISDISCONNECTING');
    yield* this.endBoth(so);
  }

  *disconnected(so: Ptr): Sleepable<void> {
    this.change(so, ['SS_ISCONNECTED', 'SS_ISCONNECTING', 'SS_ISDISCONNECTING'], 'SS_ISDISCONNECTED');
    yield* this.endBoth(so, true);
  }

  private *endBoth(so: Ptr, drops = false): Sleepable<void> {
    const { k } = this;
    if (!this.isListening(so)) {
      yield* this.cannot(so, 'so_rcv');
      if (drops) {
        const snd = this.type.addr(so, 'so_snd');
        yield* k.get(Sockbufs).drop(snd, k.struct('sockbuf').get(snd, 'sb_ccc'));
      }
      yield* this.cannot(so, 'so_snd');
    }
    k.get(SleepQueues).wakeAll(this.type.addr(so, 'so_timeo'));
  }

  /** socantrcvmore() and socantsendmore(). */
  *cannot(so: Ptr, buffer: Buffer): Sleepable<void> {
    const member = `${buffer}.sb_state`;
    const flag = buffer === 'so_rcv' ? 'SBS_CANTRCVMORE' : 'SBS_CANTSENDMORE';
    this.type.set(so, member, this.type.get(so, member) | this.k.macro(flag));
    yield* this.wake(so, buffer);
  }

  /** sowakeup() and sorwakeup(): of somebody who has no lock of the buffer. */
  *wake(so: Ptr, buffer: Buffer): Sleepable<void> {
    yield* this.k.get(Mutexes).lock(this.type.addr(so, `${buffer}_mtx`));
    yield* this.wakeLocked(so, buffer);
  }

  /** Wakes who waits for the buffer and calls its upcall, then gives up the buffer's lock. */
  private *wakeLocked(so: Ptr, buffer: Buffer): Sleepable<void> {
    const { k, type } = this;
    k.get(KernelEvents).wake(type.get(so, `${buffer}.sb_sel`));
    const flags = type.get(so, `${buffer}.sb_flags`);
    type.set(so, `${buffer}.sb_flags`, flags & ~k.macro('SB_WAIT'));
    k.get(SleepQueues).wakeAll(type.addr(so, `${buffer}.sb_acc`));
    const upcall = type.get(so, `${buffer}.sb_upcall`);
    let isConnected = false;
    if (upcall !== 0) {
      const arg = type.get(so, `${buffer}.sb_upcallarg`);
      const answer = yield* k.callAs('i:ppi', upcall, so, arg, k.macro('M_NOWAIT'));
      isConnected = answer === k.macro('SU_ISCONNECTED');
    }
    if (isConnected) this.setUpcall(so, 'so_rcv', 0, 0);
    k.get(Mutexes).unlock(type.addr(so, `${buffer}_mtx`));
    if (isConnected) yield* this.connected(so);
  }

  private *overflow(so: Ptr): Sleepable<void> {
    yield* this.k.get(Mutexes).lock(this.type.addr(so, 'so_rcv_mtx'));
    yield* this.overflowLocked(so);
  }

  /** Data was lost for want of room: who asked for that with SO_RERROR is told. */
  private *overflowLocked(so: Ptr): Sleepable<void> {
    if (!this.has(so, 'so_options', 'SO_RERROR')) {
      this.k.get(Mutexes).unlock(this.type.addr(so, 'so_rcv_mtx'));
      return;
    }
    this.type.set(so, 'so_rerror', ENOBUFS);
    yield* this.wakeLocked(so, 'so_rcv');
  }

  setUpcall(so: Ptr, buffer: Buffer, upcall: Ptr, arg: Ptr): void {
    const flags = this.type.get(so, `${buffer}.sb_flags`);
    const flag = this.k.macro('SB_UPCALL');
    this.type.set(so, `${buffer}.sb_upcall`, upcall);
    this.type.set(so, `${buffer}.sb_upcallarg`, arg);
    this.type.set(so, `${buffer}.sb_flags`, upcall === 0 ? flags & ~flag : flags | flag);
  }
}
