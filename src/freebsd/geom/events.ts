import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { EAGAIN } from '../errno.js';
import { Asts } from '../kern/ast.js';
import { HZ } from '../kern/hz.js';
import { Threads } from '../kern/kthread.js';
import { Locks } from '../kern/locks.js';
import type { Process } from '../kern/processes.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { GeomTopology } from './topology.js';

/** What an event does: `cancelled` where something that it refers to is gone (EV_CANCEL). It runs with the topology locked. */
type Work = (cancelled: boolean) => Sleepable<void>;

interface GeomEvent {
  readonly work: Work;
  readonly refs: readonly Ptr[];
  state: 'queued' | 'running' | 'done' | 'cancelled';
}

/** GEOM's process, with the threads g_event, g_up and g_down: its number on GENERIC. */
const GEOM_PID = 13;

/** Events of GEOM, which one thread works off with the topology locked (sys/geom/geom_event.c). */
export class GeomEvents implements Subsystem {
  private readonly queue: GeomEvent[] = [];
  /** Providers that were orphaned and whose consumers do not know yet: g_doorstep. */
  private readonly doorstep: Ptr[] = [];
  private readonly waitEvent: Ptr;
  private readonly pending: Ptr;
  private thread: Task | undefined;
  private withering = false;
  /** Tells a provider's consumers that it is gone; set by who keeps providers. */
  orphan: (provider: Ptr) => Sleepable<void> = function* () {};
  /** Takes away what has withered; set by who keeps geoms. */
  wash: () => Sleepable<void> = function* () {};
  readonly process: Process;

  constructor(private readonly k: FreebsdKernel) {
    this.process = k.processes.newProcess('geom', GEOM_PID);
    this.waitEvent = k.permanent(8);
    this.pending = k.permanent(8);
  }

  readonly exports = {
    g_post_event: (fn: Ptr, arg: Ptr, _flags: number, refs: VarArgs) => {
      this.post(this.guestWork(fn, arg), refsOf(refs));
      return 0;
    },
    g_waitfor_event: (fn: Ptr, arg: Ptr, _flags: number, refs: VarArgs) =>
      this.waitFor(this.guestWork(fn, arg), refsOf(refs)),
    g_cancel_event: (ref: Ptr) => this.cancel(ref),
    g_waitidle: () => this.waitIdle(),
  };

  boot(): void {
    this.thread = this.k.get(Threads).start('g_event', this.process, this.main());
  }

  private guestWork(fn: Ptr, arg: Ptr): Work {
    const { k } = this;
    return function* (cancelled) {
      yield* k.callAs('g_event_t', fn, arg, cancelled ? k.macro('EV_CANCEL') : 0);
    };
  }

  /** g_post_event(): who posts waits for it at the end of its system call. */
  post(work: Work, refs: readonly Ptr[] = []): GeomEvent {
    const event: GeomEvent = { work, refs, state: 'queued' };
    this.queue.push(event);
    this.wake();
    const { current } = this.k.executor;
    if (current && this.k.processes.processOf(current) !== this.process)
      this.k.get(Asts).schedule(this.waitAtReturn);
    return event;
  }

  private readonly waitAtReturn = (): Sleepable<void> => this.waitIdle();

  /** g_waitfor_event(): EAGAIN where it was cancelled. */
  *waitFor(work: Work, refs: readonly Ptr[] = []): Sleepable<number> {
    const { k } = this;
    k.get(Locks).mightSleep('g_waitfor_event()');
    const event = this.post(work, refs);
    while (event.state === 'queued' || event.state === 'running')
      yield* this.sleepOn(this.pending, 'g_waitfor_event');
    return event.state === 'cancelled' ? EAGAIN : 0;
  }

  private *sleepOn(channel: Ptr, message: string, until?: number): Sleepable<void> {
    yield* this.k.get(SleepQueues).sleep(channel, { message, until });
  }

  /** g_waitidle(): until no event is left. */
  *waitIdle(): Sleepable<void> {
    const { k } = this;
    k.get(GeomTopology).demand(
      !k.get(GeomTopology).isMine,
      () => 'Lock GEOM topology exclusively locked in g_waitidle()',
    );
    k.get(Locks).mightSleep('g_waitidle()');
    while (this.queue.length > 0 || this.doorstep.length > 0 || this.withering)
      yield* this.sleepOn(this.pending, 'g_waitidle', k.clock.now + 1e9 / HZ);
  }

  /** Puts a provider where its consumers will be told that it is gone. */
  leaveOrphan(provider: Ptr): void {
    this.doorstep.push(provider);
    this.wake();
  }

  /** g_do_wither(). */
  doWither(): void {
    this.withering = true;
    this.wake();
  }

  private wake(): void {
    this.k.get(SleepQueues).wakeAll(this.waitEvent);
  }

  /** g_cancel_event(): what refers to something that goes. */
  *cancel(ref: Ptr): Sleepable<void> {
    const at = this.doorstep.indexOf(ref);
    if (at >= 0) this.doorstep.splice(at, 1);
    for (const event of [...this.queue]) {
      if (event.state !== 'queued' || !event.refs.includes(ref)) continue;
      this.queue.splice(this.queue.indexOf(event), 1);
      event.state = 'cancelled';
      yield* event.work(true);
    }
    this.k.get(SleepQueues).wakeAll(this.pending);
  }

  private *main(): Sleepable<void> {
    const { k } = this;
    const topology = k.get(GeomTopology);
    for (;;) {
      yield* topology.lock();
      while (yield* this.one());
      while (this.withering) {
        this.withering = false;
        yield* this.wash();
      }
      topology.unlock();
      if (this.queue.length > 0 || this.doorstep.length > 0) continue;
      k.get(SleepQueues).wakeAll(this.pending);
      yield* this.sleepOn(this.waitEvent, '-');
    }
  }

  private *one(): Sleepable<boolean> {
    // Nobody has asked for what the thread does of its own.
    if (this.thread) this.thread.caller = 0;
    const provider = this.doorstep.shift();
    if (provider !== undefined) {
      yield* this.orphan(provider);
      return true;
    }
    const [event] = this.queue;
    if (!event) return false;
    event.state = 'running';
    yield* event.work(false);
    this.k.get(GeomTopology).assert('one_event');
    this.queue.splice(this.queue.indexOf(event), 1);
    event.state = 'done';
    this.k.get(SleepQueues).wakeAll(this.pending);
    return true;
  }
}

/** References of an event: pointers up to a NULL. */
function refsOf(args: VarArgs): readonly Ptr[] {
  const refs: Ptr[] = [];
  for (let ref = args.nextPtr(); ref !== 0; ref = args.nextPtr()) refs.push(ref);
  return refs;
}
