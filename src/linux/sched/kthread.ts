import { GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { constant } from '../../kernel/abi/fidelity.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { TASK_NORMAL, TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import { EAGAIN, EINTR } from '../errno.js';
import { errPtr } from '../errors.js';
import type { Holding, Origin } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { Completions } from './completion.js';
import { Sched } from './core.js';

/** Three ticks, as long as RCU takes at least. */
export const GRACE_NS = 12e6;

interface Kthread {
  readonly task: Task;
  readonly fn: Ptr;
  /** Who created it. */
  readonly by: Origin;
  shouldStop: boolean;
  shouldPark: boolean;
  readonly waiters: Task[];
  result: number;
  exited: boolean;
}

/** Kernel threads (kernel/kthread.c). */
export class Kthreads implements Subsystem {
  private readonly threads = new Map<Ptr, Kthread>();

  constructor(private readonly k: LinuxKernel) {
    k.processes.onExit((task) => this.threads.get(task.object) && this.ended(this.threads.get(task.object)!));
  }

  readonly exports = {
    kthread_create_on_node: (fn: Ptr, data: Ptr, _node: number, format: Ptr, args: VarArgs) => {
      const name = this.k.get(Vsprintf).text(format, args);
      return this.tryCreate(name, fn, data);
    },
    kthread_create_on_cpu: (fn: Ptr, data: Ptr, cpu: number, format: Ptr) =>
      this.tryCreate(this.k.space.cstring(format).replace('%u', String(cpu)), fn, data),
    kthread_stop: (task: Ptr) => this.stop(task),
    kthread_stop_put: (task: Ptr) => this.stop(task),
    kthread_should_stop: () => this.own()?.shouldStop ?? false,
    kthread_should_park: () => this.own()?.shouldPark ?? false,
    kthread_freezable_should_stop: (wasFrozen: Ptr) => {
      if (wasFrozen !== 0) this.k.space.store8(wasFrozen, 0);
      return this.own()?.shouldStop ?? false;
    },
    kthread_bind: constant(undefined),
    kthread_bind_mask: constant(undefined),
    kthread_func: (task: Ptr) => this.threads.get(task)?.fn ?? 0,
    kthread_data: (task: Ptr) => this.datas.get(task) ?? 0,
    kthread_exit: (code: number) => this.exit(code),
    kthread_complete_and_exit: (completion: Ptr, code: number) => this.completeAndExit(completion, code),
    kthread_park: (task: Ptr) => {
      const thread = this.threads.get(task);
      if (!thread) return -38;
      thread.shouldPark = true;
      this.k.get(Sched).wakeUp(task, TASK_NORMAL);
      return 0;
    },
    kthread_unpark: (task: Ptr) => {
      const thread = this.threads.get(task);
      if (!thread) return;
      thread.shouldPark = false;
      this.k.get(Sched).wakeUp(task, TASK_NORMAL | 0x40);
    },
    kthread_parkme: () => this.parkMe(),
  };

  /** Threads that have not ended; then tasks that sleep in a function that guest code called, and will return there. */
  *holds(): Generator<Holding> {
    const { scheduler, executor } = this.k;
    for (const { task, fn, by } of this.threads.values())
      if (!task.ended)
        yield { kind: 'kernel thread', at: task.object, uses: [fn], by, name: () => task.name };
    for (const task of scheduler.tasks) {
      const uses = task.activations.flatMap((frame) => (frame.kind === 'host' ? [frame.returnsTo] : []));
      if (task !== executor.current && !task.ended)
        yield { kind: 'sleeping task', at: task.object, uses, name: () => task.name };
    }
  }

  /** Creates a stopped thread, as kthread_create() does: ERR_PTR(-EAGAIN) where there are too many (copy_process()). */
  private tryCreate(name: string, fn: Ptr, data: Ptr): Ptr {
    return this.k.processes.full ? errPtr(EAGAIN) : this.create(name, fn, data).object;
  }
  private readonly datas = new Map<Ptr, Ptr>();

  /** Creates a stopped thread; the first wake-up starts it. */
  create(name: string, fn: Ptr, data: Ptr): Task {
    const { k } = this;
    const by = k.origins.here();
    const task = k.processes.create(name, this.main(fn, data), { kernelThread: true, runnable: false });
    const thread: Kthread = {
      task,
      fn,
      by,
      shouldStop: false,
      shouldPark: false,
      waiters: [],
      result: -EINTR,
      exited: false,
    };
    k.processes.setState(task.object, TASK_UNINTERRUPTIBLE);
    this.threads.set(task.object, thread);
    this.datas.set(task.object, data);
    return task;
  }

  private *main(fn: Ptr, data: Ptr): Sleepable<number> {
    const thread = this.own();
    if (!thread || thread.shouldStop) return -EINTR;
    const result = yield* this.k.callAs('i:p', fn, data);
    thread.result = result;
    return result;
  }

  /** kthread_stop(): asks the thread to end and waits for it; what its function returned. */
  *stop(object: Ptr): Sleepable<number> {
    const { k } = this;
    const thread = this.threads.get(object);
    if (!thread || thread.exited) {
      this.demandReference(object);
      return this.results.get(object) ?? -EINTR;
    }
    thread.shouldStop = true;
    thread.shouldPark = false;
    k.processes.notifySignal(object);
    k.get(Sched).wakeUp(object, TASK_NORMAL | 0x40);
    while (!thread.exited) {
      const task = k.executor.current!;
      thread.waiters.push(task);
      k.processes.setState(task.object, TASK_UNINTERRUPTIBLE);
      yield* block();
    }
    return thread.result;
  }

  private readonly results = new Map<Ptr, number>();
  private readonly endedAt = new Map<Ptr, number>();

  /** A thread that has ended is freed after a grace period, unless somebody has taken a reference (get_task_struct()). */
  private demandReference(object: Ptr): void {
    const { k } = this;
    const ended = this.endedAt.get(object);
    if (ended === undefined || k.now() - ended < GRACE_NS || k.processes.isHeld(object)) return;
    const text = 'refcount_t: addition on 0; use-after-free.';
    warn(k, text, 'lib/refcount.c:25', 'refcount_warn_saturate', 'refcount');
    throw new GuestFault(0n, 'read', 8);
  }

  private ended(thread: Kthread): void {
    thread.exited = true;
    this.results.set(thread.task.object, thread.result);
    this.endedAt.set(thread.task.object, this.k.now());
    this.threads.delete(thread.task.object);
    this.datas.delete(thread.task.object);
    for (const task of thread.waiters) {
      this.k.processes.setState(task.object, TASK_RUNNING);
      this.k.scheduler.wake(task);
    }
  }

  private own(): Kthread | undefined {
    return this.threads.get(this.k.current);
  }

  /** Ends the running thread from within guest code. */
  private *exit(code: number): Sleepable<void> {
    const thread = this.own();
    if (thread) thread.result = code;
    this.k.executor.finishCurrent();
    yield* block();
  }

  private *completeAndExit(completion: Ptr, code: number): Sleepable<void> {
    if (completion !== 0) this.k.get(Completions).complete(completion);
    yield* this.exit(code);
  }

  private *parkMe(): Sleepable<void> {
    const thread = this.own();
    while (thread?.shouldPark) {
      this.k.processes.setState(this.k.current, 0x40);
      yield* block();
    }
    this.k.processes.setState(this.k.current, TASK_RUNNING);
  }
}
