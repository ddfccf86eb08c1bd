import type { Ptr } from '../../cpu/layout.js';
import type { Alarm } from '../../kernel/clock.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { TASK_RUNNING } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';

interface Waiter {
  readonly task: Task;
  woken: boolean;
}

/**
 * Tasks that wait for something identified by an address, first come, first served: what the kernel's wait
 * lists inside mutexes, semaphores and completions are for. Their state shows in task_struct.__state.
 */
export class Waiters {
  private readonly queues = new Map<Ptr, Waiter[]>();

  constructor(private readonly k: LinuxKernel) {}

  waiting(key: Ptr): number {
    return this.queues.get(key)?.length ?? 0;
  }

  /** Sleeps until `wake` of the key, or until `timeoutNs` has passed: false then. */
  *wait(key: Ptr, state: number, timeoutNs = Number.POSITIVE_INFINITY): Sleepable<boolean> {
    const { k } = this;
    k.traps.scheduling();
    const task = k.executor.current!;
    const waiter: Waiter = { task, woken: false };
    const queue = this.queues.get(key) ?? [];
    queue.push(waiter);
    this.queues.set(key, queue);
    let alarm: Alarm | undefined;
    if (timeoutNs !== Number.POSITIVE_INFINITY)
      alarm = k.clock.arm(k.now() + timeoutNs, () => this.rouse(task));
    k.processes.setState(task.object, state);
    task.waitsFor = key;
    yield* block();
    task.waitsFor = 0;
    k.processes.setState(task.object, TASK_RUNNING);
    if (alarm) k.clock.cancel(alarm);
    if (!waiter.woken) this.remove(key, waiter);
    return waiter.woken;
  }

  /** Wakes the first waiter of a key; false if there is none. */
  wakeOne(key: Ptr): boolean {
    const waiter = this.queues.get(key)?.[0];
    if (!waiter) return false;
    this.remove(key, waiter);
    waiter.woken = true;
    this.rouse(waiter.task);
    return true;
  }

  wakeAll(key: Ptr): void {
    while (this.wakeOne(key)) {
      // every call takes one waiter off the queue
    }
  }

  private rouse(task: Task): void {
    this.k.processes.setState(task.object, TASK_RUNNING);
    this.k.scheduler.wake(task);
  }

  private remove(key: Ptr, waiter: Waiter): void {
    const queue = this.queues.get(key);
    if (!queue) return;
    const at = queue.indexOf(waiter);
    if (at >= 0) queue.splice(at, 1);
    if (queue.length === 0) this.queues.delete(key);
  }
}
