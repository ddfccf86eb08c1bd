import type { Ptr } from '../../cpu/layout.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { TASK_RTLOCK_WAIT, TASK_RUNNING } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';

/**
 * Tasks that wait for a lock that does not change their state: spinlocks of PREEMPT_RT (Documentation/locking/locktypes.rst, "spinlock_t
 * and PREEMPT_RT"). What a task had set itself to, and who wakes it meanwhile, counts again once it has the lock.
 */
export class RtWaiters {
  private readonly queues = new Map<Ptr, Task[]>();

  constructor(private readonly k: LinuxKernel) {}

  /** Sleeps until the lock may be free. */
  *wait(lock: Ptr): Sleepable<void> {
    const { k } = this;
    k.traps.schedulingForLock();
    const task = k.executor.current!;
    // structs: task_struct.saved_state with PREEMPT_RT, as these locks.
    const type = k.struct('task_struct');
    const queue = this.queues.get(lock) ?? [];
    queue.push(task);
    this.queues.set(lock, queue);
    const waitsFor = task.waitsFor;
    type.set(task.object, 'saved_state', k.processes.stateOf(task.object));
    k.processes.setState(task.object, TASK_RTLOCK_WAIT);
    task.waitsFor = lock;
    yield* block();
    task.waitsFor = waitsFor;
    k.processes.setState(task.object, type.get(task.object, 'saved_state'));
    type.set(task.object, 'saved_state', TASK_RUNNING);
    this.leave(lock, task);
  }

  /** Wakes who has waited longest. */
  wakeOne(lock: Ptr): void {
    const task = this.queues.get(lock)?.[0];
    if (!task) return;
    this.leave(lock, task);
    this.k.scheduler.wake(task);
  }

  wakeAll(lock: Ptr): void {
    for (const task of this.queues.get(lock) ?? []) this.k.scheduler.wake(task);
    this.queues.delete(lock);
  }

  private leave(lock: Ptr, task: Task): void {
    const others = (this.queues.get(lock) ?? []).filter((other) => other !== task);
    if (others.length > 0) this.queues.set(lock, others);
    else this.queues.delete(lock);
  }
}
