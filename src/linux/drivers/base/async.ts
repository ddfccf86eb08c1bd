import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { block } from '../../../kernel/effects.js';
import type { Task } from '../../../kernel/task/task.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Functions that run in a task of their own while their caller goes on (kernel/async.c). */
export class AsyncCalls implements Subsystem {
  private next = 1;
  /** Calls that have not finished, by cookie, oldest first. */
  private readonly running = new Map<number, Task>();
  private readonly waiters = new Set<Task>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    async_schedule_node: (fn: Ptr, data: Ptr) => this.schedule(fn, data),
    async_schedule_node_domain: (fn: Ptr, data: Ptr) => this.schedule(fn, data),
    async_synchronize_full: () => this.wait(Number.POSITIVE_INFINITY),
    async_synchronize_full_domain: () => this.wait(Number.POSITIVE_INFINITY),
    async_synchronize_cookie: (cookie: number) => this.wait(cookie),
    async_synchronize_cookie_domain: (cookie: number) => this.wait(cookie),
    current_is_async: () => false,
  };

  boot(): void {
    this.k.processes.onExit((task) => this.ended(task));
  }

  /** async_synchronize_full(): what a module's initialization waits for before its init memory goes. */
  *synchronize(): Sleepable<void> {
    yield* this.wait(Number.POSITIVE_INFINITY);
  }

  private schedule(fn: Ptr, data: Ptr): number {
    const cookie = this.next++;
    const body = this.run(fn, data, cookie);
    this.running.set(cookie, this.k.processes.create('kworker/u2:async', body, { kernelThread: true }));
    return cookie;
  }

  private *run(fn: Ptr, data: Ptr, cookie: number): Sleepable<number> {
    yield* this.k.call(fn, data, BigInt(cookie));
    return 0;
  }

  /** A task ended, by itself or by a fault: those who wait look again. */
  private ended(task: Task): void {
    for (const [cookie, other] of this.running) if (other === task) this.running.delete(cookie);
    for (const waiter of this.waiters) this.k.scheduler.wake(waiter);
    this.waiters.clear();
  }

  /** Waits for the calls that were scheduled before a cookie. */
  private *wait(cookie: number): Sleepable<void> {
    const before = [...this.running.keys()].filter((other) => other < cookie);
    while (before.some((other) => this.running.has(other))) {
      this.waiters.add(this.k.executor.current!);
      yield* block();
    }
  }
}
