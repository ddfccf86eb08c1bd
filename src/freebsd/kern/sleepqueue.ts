import type { Ptr } from '../../cpu/layout.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Giant } from './giant.js';

interface Sleeper {
  readonly task: Task;
  readonly channel: Ptr;
  readonly message: string;
  woken: 'wakeup' | 'timeout' | 'signal' | undefined;
  readonly interruptible: boolean;
}

/** What a sleep came to. */
export type Waking = 'wakeup' | 'timeout' | 'signal';

export interface SleepOptions {
  /** wmesg: what ps(1) shows. */
  readonly message: string;
  /** Nanoseconds since boot after which it ends by itself. */
  readonly until?: number | undefined;
  /** A signal ends it (PCATCH). */
  readonly interruptible?: boolean;
  /** Called once the thread is on the queue: gives up what it was called with. */
  readonly release?: () => void;
}

/** Sleep queues (sleepqueue(9)): threads that wait on a channel, which is an address, until somebody wakes it. */
export class SleepQueues implements Subsystem {
  readonly exports = {};
  private readonly queues = new Map<Ptr, Sleeper[]>();
  private readonly byTask = new Map<Task, Sleeper>();

  constructor(private readonly k: FreebsdKernel) {}

  /** Puts the running thread to sleep on a channel. */
  *sleep(channel: Ptr, { message, until, release, interruptible = false }: SleepOptions): Sleepable<Waking> {
    const { k } = this;
    const task = k.executor.current;
    if (!task) throw new Error('nobody runs who could sleep');
    if (interruptible && this.signals.get(task)?.()) {
      release?.();
      return 'signal';
    }
    const sleeper: Sleeper = { task, channel, message, interruptible, woken: undefined };
    const queue = this.queues.get(channel) ?? [];
    queue.push(sleeper);
    this.queues.set(channel, queue);
    this.byTask.set(task, sleeper);
    const alarm = until === undefined ? undefined : k.clock.arm(until, () => this.wake(sleeper, 'timeout'));
    release?.();
    const giant = k.get(Giant);
    const depth = giant.drop();
    task.waitsFor = channel;
    this.show(task, channel, message);
    while (sleeper.woken === undefined) yield* block();
    task.waitsFor = 0;
    this.show(task, 0, '');
    if (alarm) k.clock.cancel(alarm);
    yield* giant.pickUp(depth);
    return sleeper.woken;
  }

  /** Wakes all who wait on a channel: how many. */
  wakeAll(channel: Ptr): number {
    const queue = [...(this.queues.get(channel) ?? [])];
    for (const sleeper of queue) this.wake(sleeper, 'wakeup');
    return queue.length;
  }

  /** Wakes the one who has waited longest. */
  wakeOne(channel: Ptr): boolean {
    const first = this.queues.get(channel)?.[0];
    if (first) this.wake(first, 'wakeup');
    return first !== undefined;
  }

  /** Ends the sleep of a thread by a signal, where it is one that signals end. */
  interrupt(task: Task): void {
    const sleeper = this.byTask.get(task);
    if (sleeper?.interruptible) this.wake(sleeper, 'signal');
  }

  /** Whether a thread has a signal that ends a sleep; set by who keeps signals. */
  readonly signals = new Map<Task, () => boolean>();

  /** What a thread sleeps for: its wmesg; undefined of one that does not sleep. */
  messageOf(task: Task): string | undefined {
    return this.byTask.get(task)?.message;
  }

  isSleeping(task: Task): boolean {
    return this.byTask.has(task);
  }

  /** Whether anybody waits on a channel. */
  has(channel: Ptr): boolean {
    return this.queues.has(channel);
  }

  boot(): void {
    this.k.processes.onExit((task) => {
      const sleeper = this.byTask.get(task);
      if (sleeper) this.leave(sleeper);
      this.signals.delete(task);
    });
  }

  private wake(sleeper: Sleeper, by: Waking): void {
    if (sleeper.woken !== undefined) return;
    sleeper.woken = by;
    this.leave(sleeper);
    this.k.scheduler.wake(sleeper.task);
  }

  private leave(sleeper: Sleeper): void {
    const queue = this.queues.get(sleeper.channel);
    this.byTask.delete(sleeper.task);
    if (!queue) return;
    queue.splice(queue.indexOf(sleeper), 1);
    if (queue.length === 0) this.queues.delete(sleeper.channel);
  }

  /** td_wchan and td_wmesg. */
  private show(task: Task, channel: Ptr, message: string): void {
    if (task.object === 0) return;
    const type = this.k.struct('thread');
    type.set(task.object, 'td_wchan', channel);
    type.set(task.object, 'td_wmesg', message === '' ? 0 : this.k.constantString(message));
  }
}
