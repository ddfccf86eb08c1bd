import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Alarm } from '../../kernel/clock.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { Task } from '../../kernel/task/task.js';
import { EBUSY } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { kvprintf } from './format.js';
import { Threads } from './kthread.js';
import { Locks } from './locks.js';
import { Panic } from './panic.js';
import type { Process } from './processes.js';
import { sbtDeadline } from './sbintime.js';
import { SleepQueues } from './sleepqueue.js';

interface Queue {
  readonly at: Ptr;
  readonly name: string;
  readonly tasks: Ptr[];
  /** Called after a task was queued: wakes who runs them. */
  readonly enqueue: Ptr;
  readonly context: Ptr;
  readonly threads: Task[];
  readonly running: Map<Task, Ptr>;
  blocked: boolean;
  ending: boolean;
}

/** A struct taskqueue is told by its address: modules never look into one. */
const QUEUE_BYTES = 64;

/** taskqueue(9) (sys/kern/subr_taskqueue.c). */
export class Taskqueues implements Subsystem {
  private readonly queues = new Map<Ptr, Queue>();
  private readonly timeouts = new Map<Ptr, Alarm>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    taskqueue_create: (name: Ptr, _flags: number, enqueue: Ptr, context: Ptr) =>
      this.create(name, enqueue, context),
    taskqueue_create_fast: (name: Ptr, _flags: number, enqueue: Ptr, context: Ptr) =>
      this.create(name, enqueue, context),
    taskqueue_start_threads: (place: Ptr, count: number, _priority: number, format: Ptr, args: VarArgs) =>
      this.startThreads(place, count, this.k.processes.kernel, this.text(format, args)),
    taskqueue_start_threads_in_proc: (
      place: Ptr,
      count: number,
      _priority: number,
      proc: Ptr,
      format: Ptr,
      args: VarArgs,
    ) => {
      const process = this.k.processes.processAt(proc) ?? this.k.processes.kernel;
      return this.startThreads(place, count, process, this.text(format, args));
    },
    taskqueue_start_threads_cpuset: (
      place: Ptr,
      count: number,
      _priority: number,
      _cpus: Ptr,
      format: Ptr,
      args: VarArgs,
    ) => this.startThreads(place, count, this.k.processes.kernel, this.text(format, args)),
    taskqueue_enqueue: (queue: Ptr, task: Ptr) => this.enqueue(queue, task),
    taskqueue_enqueue_flags: (queue: Ptr, task: Ptr) => this.enqueue(queue, task),
    taskqueue_thread_enqueue: (context: Ptr) => this.wakeThreads(context),
    taskqueue_thread_loop: (context: Ptr) => this.serve(this.queueAt(this.k.space.loadPtr(context))),
    taskqueue_enqueue_timeout: (queue: Ptr, task: Ptr, ticks: number) =>
      this.enqueueTicks(queue, task, ticks),
    taskqueue_enqueue_timeout_sbt: (queue: Ptr, task: Ptr, sbt: bigint, _pr: bigint, flags: number) =>
      this.enqueueLater(queue, task, sbtDeadline(this.k, sbt, flags)),
    _timeout_task_init: (queue: Ptr, task: Ptr, priority: number, fn: Ptr, context: Ptr) =>
      this.initTimeout(queue, task, priority, fn, context),
    taskqueue_cancel: (queue: Ptr, task: Ptr, pending: Ptr) => this.cancel(queue, task, pending),
    taskqueue_cancel_timeout: (queue: Ptr, task: Ptr, pending: Ptr) =>
      this.cancelTimeout(queue, task, pending),
    taskqueue_drain: (queue: Ptr, task: Ptr) => this.drain(queue, task),
    taskqueue_drain_timeout: (queue: Ptr, task: Ptr) => {
      this.disarm(task);
      return this.drain(queue, this.k.struct('timeout_task').addr(task, 't'));
    },
    taskqueue_drain_all: (queue: Ptr) => this.drainAll(queue),
    taskqueue_quiesce: (queue: Ptr) => this.drainAll(queue),
    taskqueue_free: (queue: Ptr) => this.free(queue),
    taskqueue_run: (queue: Ptr) => this.runTasks(this.queueAt(queue)),
    taskqueue_block: (queue: Ptr) => {
      this.queueAt(queue).blocked = true;
    },
    taskqueue_unblock: (queue: Ptr) => {
      const one = this.queueAt(queue);
      one.blocked = false;
      this.wakeServers(one);
    },
    taskqueue_member: (queue: Ptr, thread: Ptr) =>
      Number(this.queueAt(queue).threads.some(({ object }) => object === thread)),
    taskqueue_poll_is_busy: (queue: Ptr, task: Ptr) => Number(this.isBusy(this.queueAt(queue), task)),
    taskqueue_set_callback: () => {},
  };

  readonly signatures = {
    taskqueue_create: 'p:pipp',
    taskqueue_create_fast: 'p:pipp',
    taskqueue_start_threads: 'i:piip.',
    taskqueue_start_threads_in_proc: 'i:piipp.',
    taskqueue_start_threads_cpuset: 'i:piipp.',
    taskqueue_enqueue_timeout_sbt: 'i:ppqqi',
    taskqueue_thread_enqueue: 'v:p',
  };

  readonly data = {
    taskqueue_thread: (at: Ptr) => this.makeOwn(at, 'thread', 'thread taskq'),
    taskqueue_swi: (at: Ptr) => this.makeOwn(at, 'swi', 'swi6: task queue'),
    taskqueue_swi_giant: (at: Ptr) => this.makeOwn(at, 'swi_giant', 'swi6: Giant taskq'),
    taskqueue_fast: (at: Ptr) => this.makeOwn(at, 'fast', 'swi5: fast taskq'),
    taskqueue_bus: (at: Ptr) => this.makeOwn(at, 'bus', 'bus taskq'),
  };

  /** A queue of the kernel's own, whose thread is started when something is first queued. */
  private makeOwn(place: Ptr, name: string, thread: string): void {
    const at = this.create(this.k.constantString(name), this.k.fn('taskqueue_thread_enqueue'), place);
    this.k.space.storePtr(place, at);
    this.startThreads(place, 1, this.k.processes.kernel, thread);
  }

  private text(format: Ptr, args: VarArgs): string {
    return kvprintf(this.k.space, this.k.space.cstring(format), args);
  }

  private create(name: Ptr, enqueue: Ptr, context: Ptr): Ptr {
    const at = this.k.slab.allocateBytes(QUEUE_BYTES, true);
    this.queues.set(at, {
      at,
      name: this.k.space.cstring(name),
      tasks: [],
      enqueue,
      context,
      threads: [],
      running: new Map(),
      blocked: false,
      ending: false,
    });
    this.k.origins.note(at);
    return at;
  }

  private queueAt(at: Ptr): Queue {
    const queue = this.queues.get(at);
    if (queue) return queue;
    throw new Panic(`0x${this.k.space.toAddress(at).toString(16)} is no task queue`, 'panic', at);
  }

  private startThreads(place: Ptr, count: number, process: Process, name: string): number {
    const queue = this.queueAt(this.k.space.loadPtr(place));
    for (let i = 0; i < count; i++) {
      const task = this.k.get(Threads).start(count === 1 ? name : `${name}_${i}`, process, this.serve(queue));
      queue.threads.push(task);
    }
    return 0;
  }

  private *serve(queue: Queue): Sleepable<number> {
    const { k } = this;
    while (!queue.ending) {
      yield* this.runTasks(queue);
      if (queue.ending) break;
      yield* k.get(SleepQueues).sleep(queue.at, { message: '-' });
    }
    const { current } = k.executor;
    if (current) queue.threads.splice(queue.threads.indexOf(current), 1);
    k.get(SleepQueues).wakeAll(queue.at + 1);
    return 0;
  }

  /** taskqueue_run_locked(). */
  private *runTasks(queue: Queue): Sleepable<void> {
    const { k } = this;
    const type = k.struct('task');
    const self = k.executor.current;
    while (!queue.blocked && queue.tasks.length > 0) {
      const task = queue.tasks.shift() as Ptr;
      const pending = type.get(task, 'ta_pending');
      const [fn, context] = [type.get(task, 'ta_func'), type.get(task, 'ta_context')];
      type.set(task, 'ta_pending', 0);
      if (self) queue.running.set(self, task);
      yield* k.callAs('v:pi', fn, context, pending);
      if (self) queue.running.delete(self);
      k.get(SleepQueues).wakeAll(task);
    }
  }

  *enqueue(at: Ptr, task: Ptr): Sleepable<number> {
    const { k } = this;
    const queue = this.queueAt(at);
    const type = k.struct('task');
    const pending = type.get(task, 'ta_pending');
    if (pending > 0) {
      type.set(task, 'ta_pending', Math.min(pending + 1, 0xffff));
      return 0;
    }
    const priority = type.get(task, 'ta_priority');
    const before = queue.tasks.findIndex((other) => type.get(other, 'ta_priority') < priority);
    if (before < 0) queue.tasks.push(task);
    else queue.tasks.splice(before, 0, task);
    type.set(task, 'ta_pending', 1);
    k.origins.note(task);
    if (!queue.blocked && queue.enqueue !== 0) yield* k.callAs('v:p', queue.enqueue, queue.context);
    return 0;
  }

  /** The enqueue function of queues that threads serve: `context` is where the pointer to the queue is. */
  private wakeThreads(context: Ptr): void {
    this.wakeServers(this.queueAt(this.k.space.loadPtr(context)));
  }

  private wakeServers(queue: Queue): void {
    this.k.get(SleepQueues).wakeOne(queue.at);
  }

  private isBusy(queue: Queue, task: Ptr): boolean {
    return queue.tasks.includes(task) || [...queue.running.values()].includes(task);
  }

  private initTimeout(queue: Ptr, task: Ptr, priority: number, fn: Ptr, context: Ptr): void {
    const type = this.k.struct('timeout_task');
    this.k.space.writable(task, type.size).fill(0);
    type.set(task, 'q', queue);
    type.set(task, 't.ta_priority', priority);
    type.set(task, 't.ta_func', fn);
    type.set(task, 't.ta_context', context);
  }

  private enqueueTicks(queue: Ptr, task: Ptr, ticks: number): Sleepable<number> {
    const sbt = BigInt(Math.abs(ticks)) * this.k.space.load64(this.k.variable('tick_sbt'));
    return this.enqueueLater(queue, task, ticks === 0 ? undefined : sbtDeadline(this.k, sbt, 0));
  }

  private *enqueueLater(queue: Ptr, task: Ptr, at: number | undefined): Sleepable<number> {
    const { k } = this;
    const inner = k.struct('timeout_task').addr(task, 't');
    const was = this.disarm(task) ? 1 : k.struct('task').get(inner, 'ta_pending');
    if (at === undefined) yield* this.enqueue(queue, inner);
    else {
      k.origins.note(task);
      this.timeouts.set(
        task,
        k.clock.arm(at, () => {
          this.timeouts.delete(task);
          k.scheduler.interrupt('taskqueue timeout', () => this.enqueue(queue, inner));
        }),
      );
    }
    return was;
  }

  private disarm(task: Ptr): boolean {
    const alarm = this.timeouts.get(task);
    if (!alarm) return false;
    this.timeouts.delete(task);
    return this.k.clock.cancel(alarm);
  }

  private cancel(at: Ptr, task: Ptr, place: Ptr): number {
    const queue = this.queueAt(at);
    const type = this.k.struct('task');
    const pending = type.get(task, 'ta_pending');
    const index = queue.tasks.indexOf(task);
    if (index >= 0) queue.tasks.splice(index, 1);
    type.set(task, 'ta_pending', 0);
    if (place !== 0) this.k.space.store32(place, pending);
    return [...queue.running.values()].includes(task) ? EBUSY : 0;
  }

  private cancelTimeout(queue: Ptr, task: Ptr, place: Ptr): number {
    const disarmed = this.disarm(task);
    const error = this.cancel(queue, this.k.struct('timeout_task').addr(task, 't'), place);
    if (disarmed && place !== 0) this.k.space.store32(place, this.k.space.load32(place) + 1);
    return error;
  }

  private *drain(at: Ptr, task: Ptr): Sleepable<void> {
    const { k } = this;
    const queue = this.queueAt(at);
    k.get(Locks).mightSleep('taskqueue_drain()');
    while (this.isBusy(queue, task)) yield* k.get(SleepQueues).sleep(task, { message: 'tq_drain' });
  }

  private *drainAll(at: Ptr): Sleepable<void> {
    const queue = this.queueAt(at);
    this.k.get(Locks).mightSleep('taskqueue_drain_all()');
    for (const task of [...queue.tasks, ...queue.running.values()])
      while (this.isBusy(queue, task)) yield* this.k.get(SleepQueues).sleep(task, { message: 'tq_drain' });
  }

  private *free(at: Ptr): Sleepable<void> {
    const { k } = this;
    const queue = this.queueAt(at);
    queue.ending = true;
    k.get(SleepQueues).wakeAll(at);
    while (
      queue.threads.some((task) => !task.ended && task !== k.executor.current) &&
      queue.threads.length > 0
    )
      yield* k.get(SleepQueues).sleep(at + 1, { message: 'tq_destroy' });
    this.queues.delete(at);
    k.origins.forget(at);
    k.slab.free(at);
  }

  *holds(): Generator<Holding> {
    const type = this.k.struct('task');
    for (const { at, name, enqueue, tasks } of this.queues.values()) {
      yield { kind: 'task queue', at, uses: [enqueue], by: this.k.origins.of(at), name: () => name };
      for (const task of tasks)
        if (this.k.space.canRead(task, type.size))
          yield {
            kind: 'queued task',
            at: task,
            uses: [type.get(task, 'ta_func')],
            by: this.k.origins.of(task),
            name: () => '',
          };
    }
    for (const task of this.timeouts.keys())
      yield { kind: 'pending timeout task', at: task, by: this.k.origins.of(task), name: () => '' };
  }
}
