import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { TASK_INTERRUPTIBLE, TASK_NORMAL, TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { Sched } from './core.js';
import { Kthreads } from './kthread.js';
import { Waiters } from './waiters.js';

/** kthread_worker: a thread that serves a queue of kthread_works (kernel/kthread.c). */
export class KthreadWorkers implements Subsystem {
  private readonly waiters: Waiters;

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  readonly exports = {
    __kthread_init_worker: (worker: Ptr) => this.init(worker),
    kthread_worker_fn: (worker: Ptr) => this.serve(worker),
    kthread_create_worker: (flags: number, format: Ptr, args: VarArgs) =>
      this.create(flags, this.k.get(Vsprintf).text(format, args)),
    kthread_create_worker_on_cpu: (_cpu: number, flags: number, format: Ptr, args: VarArgs) =>
      this.create(flags, this.k.get(Vsprintf).text(format, args)),
    kthread_queue_work: (worker: Ptr, work: Ptr) => this.queue(worker, work),
    kthread_flush_work: (work: Ptr) => this.flush(work),
    kthread_flush_worker: (worker: Ptr) => this.flushAll(worker),
    kthread_cancel_work_sync: (work: Ptr) => this.cancel(work),
    kthread_destroy_worker: (worker: Ptr) => this.destroy(worker),
  };

  private init(worker: Ptr): void {
    const type = this.k.struct('kthread_worker');
    this.k.space.writable(worker, type.size).fill(0);
    list.init(this.k.space, type.addr(worker, 'work_list'));
    list.init(this.k.space, type.addr(worker, 'delayed_work_list'));
  }

  private create(flags: number, name: string): Ptr {
    const { k } = this;
    const type = k.struct('kthread_worker');
    const worker = k.slab.allocateBytes(type.size, true);
    this.init(worker);
    type.set(worker, 'flags', flags);
    const task = k.get(Kthreads).create(name, k.fn('kthread_worker_fn'), worker);
    type.set(worker, 'task', task.object);
    k.get(Sched).wakeUp(task.object, TASK_NORMAL);
    return worker;
  }

  private *serve(worker: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('kthread_worker');
    const workType = k.struct('kthread_work');
    type.set(worker, 'task', k.current);
    const task = k.executor.current!;
    for (;;) {
      if (k.get(Kthreads).exports.kthread_should_stop()) {
        type.set(worker, 'task', 0);
        return 0;
      }
      const head = type.addr(worker, 'work_list');
      if (list.isEmpty(k.space, head)) {
        k.processes.setState(task.object, TASK_INTERRUPTIBLE);
        yield* block();
        k.processes.setState(task.object, TASK_RUNNING);
        continue;
      }
      const work = workType.of(list.first(k.space, head), 'node');
      list.delInit(k.space, workType.addr(work, 'node'));
      type.set(worker, 'current_work', work);
      yield* workType.call(work, 'func', work);
      type.set(worker, 'current_work', 0);
      this.waiters.wakeAll(work);
    }
  }

  private queue(worker: Ptr, work: Ptr): boolean {
    const { k } = this;
    const workType = k.struct('kthread_work');
    const node = workType.addr(work, 'node');
    if (!list.isEmpty(k.space, node) || workType.get(work, 'canceling') !== 0) return false;
    const type = k.struct('kthread_worker');
    list.addTail(k.space, node, type.addr(worker, 'work_list'));
    workType.set(work, 'worker', worker);
    const task = type.get(worker, 'task');
    if (task !== 0) k.get(Sched).wakeUp(task, TASK_NORMAL);
    return true;
  }

  private busy(work: Ptr): boolean {
    const { k } = this;
    const workType = k.struct('kthread_work');
    const worker = workType.get(work, 'worker');
    if (!list.isEmpty(k.space, workType.addr(work, 'node'))) return true;
    return worker !== 0 && k.struct('kthread_worker').get(worker, 'current_work') === work;
  }

  private *flush(work: Ptr): Sleepable<void> {
    while (this.busy(work)) yield* this.waiters.wait(work, TASK_UNINTERRUPTIBLE);
  }

  private *flushAll(worker: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('kthread_worker');
    const workType = k.struct('kthread_work');
    for (;;) {
      const head = type.addr(worker, 'work_list');
      const current = type.get(worker, 'current_work');
      if (current === 0 && list.isEmpty(k.space, head)) return;
      yield* this.flush(current !== 0 ? current : workType.of(list.first(k.space, head), 'node'));
    }
  }

  private *cancel(work: Ptr): Sleepable<boolean> {
    const { k } = this;
    const node = k.struct('kthread_work').addr(work, 'node');
    const pending = !list.isEmpty(k.space, node);
    if (pending) list.delInit(k.space, node);
    yield* this.flush(work);
    return pending;
  }

  private *destroy(worker: Ptr): Sleepable<void> {
    const { k } = this;
    yield* this.flushAll(worker);
    const task = k.struct('kthread_worker').get(worker, 'task');
    if (task !== 0) yield* k.get(Kthreads).stop(task);
    k.slab.free(worker);
  }
}
