import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINTR, EINVAL, EWOULDBLOCK } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Locks } from './locks.js';
import { Mutexes } from './mutex.js';
import { SleepQueues } from './sleepqueue.js';
import { SubrPrf } from './subr_prf.js';
import { Sockets } from './uipc-socket.js';
import { SocketStates } from './uipc-sockstate.js';

/** kern.ipc.soacceptqueue: the most connections that may wait for accept(2). */
const SOMAXCONN = 128;
/** What of a buffer a listening socket keeps for its connections: { where it is kept, the buffer's member }. */
const INHERITED = ['lowat', 'hiwat', 'flags', 'timeo'] as const;

/** Listening sockets, and connections that become sockets there (sys/kern/uipc_socket.c). */
export class Listening implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  private get type() {
    return this.k.struct('socket');
  }

  private get states(): SocketStates {
    return this.k.get(SocketStates);
  }

  readonly exports = {
    solisten: (so: Ptr, backlog: number, thread: Ptr) => this.listen(so, backlog, thread),
    solisten_proto_check: (so: Ptr) => this.check(so),
    solisten_proto_abort: (so: Ptr) => this.unlockBuffers(so),
    solisten_proto: (so: Ptr, backlog: number) => this.become(so, backlog),
    solisten_dequeue: (head: Ptr, place: Ptr, flags: number) => this.dequeueAt(head, place, flags),
    solisten_upcall_set: (so: Ptr, upcall: Ptr, arg: Ptr) => {
      this.type.set(so, 'sol_upcall', upcall);
      this.type.set(so, 'sol_upcallarg', arg);
    },
    sonewconn: (head: Ptr, status: number) => this.connection(head, status),
    soabort: (so: Ptr) => this.k.get(Sockets).abort(so),
  };

  /** listen(2). */
  *listen(so: Ptr, backlog: number, thread: Ptr): Sleepable<number> {
    return yield* this.k.get(Sockets).call(so, 'pr_listen', so, backlog, thread);
  }

  private *lockBuffers(so: Ptr): Sleepable<void> {
    for (const member of ['so_snd_mtx', 'so_rcv_mtx'])
      yield* this.k.get(Mutexes).lock(this.type.addr(so, member));
  }

  private unlockBuffers(so: Ptr): void {
    for (const member of ['so_rcv_mtx', 'so_snd_mtx']) this.k.get(Mutexes).unlock(this.type.addr(so, member));
  }

  /** Whether a socket may listen: where it may, its buffers are locked from then on, until solisten_proto() or solisten_proto_abort(). */
  *check(so: Ptr): Sleepable<number> {
    const connected = ['SS_ISCONNECTED', 'SS_ISCONNECTING', 'SS_ISDISCONNECTING'].some((flag) =>
      this.states.has(so, 'so_state', flag),
    );
    if (connected) return EINVAL;
    yield* this.lockBuffers(so);
    return 0;
  }

  /** solisten_proto(): queues of connections take the place of buffers. */
  become(so: Ptr, backlog: number): void {
    const { k, type } = this;
    const wasListening = this.states.isListening(so);
    if (!wasListening) {
      const of = (buffer: 'so_rcv' | 'so_snd'): number[] =>
        INHERITED.map((member) => type.get(so, `${buffer}.sb_${member}`));
      const [receive, send] = [of('so_rcv'), of('so_snd')];
      const start = type.offsetOf('sol_incomp');
      k.space.writable(so + start, type.size - start).fill(0);
      this.states.initQueues(so);
      for (const [i, member] of INHERITED.entries()) {
        type.set(so, `sol_sbrcv_${member}`, receive[i]);
        type.set(so, `sol_sbsnd_${member}`, send[i]);
      }
      type.set(so, 'so_options', type.get(so, 'so_options') | k.macro('SO_ACCEPTCONN'));
    }
    type.set(so, 'sol_qlimit', backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : backlog);
    this.unlockBuffers(so);
  }

  /**
   * sonewconn(): a socket for a connection that came, on the queue of connections that are not complete (`status` 0) or on that of those
   * that are; 0 where too many wait.
   */
  *connection(head: Ptr, status: number): Sleepable<Ptr> {
    const { k, type, states } = this;
    const waiting = type.get(head, 'sol_qlen');
    if (waiting > Math.floor((3 * type.get(head, 'sol_qlimit')) / 2)) {
      this.overflowed(head, waiting);
      return 0;
    }
    const so = k
      .get(Sockets)
      .alloc(
        type.get(head, 'so_type'),
        type.get(head, 'so_proto'),
        type.get(head, 'so_cred'),
        type.get(head, 'so_vnet'),
      );
    type.set(so, 'so_options', type.get(head, 'so_options') & ~k.macro('SO_ACCEPTCONN'));
    type.set(so, 'so_linger', type.get(head, 'so_linger'));
    type.set(so, 'so_state', type.get(head, 'so_state'));
    type.set(so, 'so_fibnum', type.get(head, 'so_fibnum'));
    k.get(Sockets).reserve(so, type.get(head, 'sol_sbsnd_hiwat'), type.get(head, 'sol_sbrcv_hiwat'));
    if ((yield* k.get(Sockets).call(so, 'pr_attach', so, 0, 0)) !== 0) {
      yield* k.get(Sockets).destroy(so);
      return 0;
    }
    this.inherit(head, so);
    if (status === 0) {
      yield* this.makeRoom(head);
      states.enqueue(head, so, 'sol_incomp');
      return so;
    }
    type.set(so, 'so_state', type.get(so, 'so_state') | status);
    states.enqueue(head, so, 'sol_comp');
    yield* states.wakeListener(head);
    return so;
  }

  private overflowed(head: Ptr, waiting: number): void {
    const { k, type } = this;
    const at = k.space.toAddress(type.get(head, 'so_pcb')).toString(16);
    k.get(SubrPrf).line(
      `sonewconn: pcb 0x${at}: Listen queue overflow: ${waiting} already in queue awaiting acceptance (1 occurrences)`,
    );
  }

  private inherit(head: Ptr, so: Ptr): void {
    const { k, type } = this;
    for (const [buffer, kept] of [
      ['so_rcv', 'sol_sbrcv'],
      ['so_snd', 'sol_sbsnd'],
    ]) {
      type.set(so, `${buffer}.sb_lowat`, type.get(head, `${kept}_lowat`));
      type.setBig(so, `${buffer}.sb_timeo`, type.getBig(head, `${kept}_timeo`));
      const flags = type.get(head, `${kept}_flags`) & k.macro('SB_AUTOSIZE');
      type.set(so, `${buffer}.sb_flags`, type.get(so, `${buffer}.sb_flags`) | flags);
    }
  }

  /** Of connections that are not complete, the oldest go when there are more than may wait. */
  private *makeRoom(head: Ptr): Sleepable<void> {
    const { type, states } = this;
    while (type.get(head, 'sol_incqlen') > type.get(head, 'sol_qlimit')) {
      const oldest = states.firstOf(head, 'sol_incomp');
      states.dequeue(oldest, 'sol_incomp');
      yield* this.k.get(Sockets).abort(oldest);
    }
  }

  /** solisten_dequeue() of a caller that has the socket's lock, which is given up. */
  private *dequeueAt(head: Ptr, place: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    k.get(Mutexes).unlock(this.type.addr(head, 'so_lock'));
    const result = yield* this.dequeue(head, flags);
    if (typeof result === 'number') return result;
    k.space.storePtr(place, result.so);
    return 0;
  }

  /** The next connection that is complete, waiting for one unless the socket does not wait: it, or an error number. */
  *dequeue(head: Ptr, flags: number): Sleepable<number | { readonly so: Ptr }> {
    const { k, type, states } = this;
    const waits = !states.has(head, 'so_state', 'SS_NBIO');
    while (waits && states.firstOf(head, 'sol_comp') === 0 && type.get(head, 'so_error') === 0) {
      k.get(Locks).mightSleep('Sleeping on "accept"');
      const waking = yield* k
        .get(SleepQueues)
        .sleep(type.addr(head, 'sol_comp'), { message: 'accept', interruptible: true });
      if (waking !== 'wakeup') return EINTR;
    }
    const error = type.get(head, 'so_error');
    type.set(head, 'so_error', 0);
    if (error !== 0) return error;
    const so = states.firstOf(head, 'sol_comp');
    if (so === 0) return EWOULDBLOCK;
    states.dequeue(so, 'sol_comp');
    const nonblocking = k.macro('SS_NBIO');
    const inherits = (flags & k.macro('ACCEPT4_INHERIT')) !== 0;
    const add = inherits
      ? type.get(head, 'so_state') & nonblocking
      : flags & k.macro('SOCK_NONBLOCK')
        ? nonblocking
        : 0;
    type.set(so, 'so_state', type.get(so, 'so_state') | add);
    return { so };
  }
}
