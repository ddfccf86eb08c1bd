import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { yieldCpu } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Functions that run in a task of their own while their caller goes on (kernel/async.c). */
export class AsyncCalls implements Subsystem {
  private next = 1;
  /** Cookies of calls that have not finished, oldest first. */
  private readonly running = new Set<number>();

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

  /** async_synchronize_full(): what a module's initialization waits for before its init memory goes. */
  *synchronize(): Sleepable<void> {
    yield* this.wait(Number.POSITIVE_INFINITY);
  }

  private schedule(fn: Ptr, data: Ptr): number {
    const cookie = this.next++;
    this.running.add(cookie);
    this.k.processes.create('kworker/u2:async', this.run(fn, data, cookie), { kernelThread: true });
    return cookie;
  }

  private *run(fn: Ptr, data: Ptr, cookie: number): Sleepable<number> {
    try {
      yield* this.k.call(fn, data, BigInt(cookie));
    } finally {
      this.running.delete(cookie);
    }
    return 0;
  }

  /** Waits for the calls that were scheduled before a cookie. */
  private *wait(cookie: number): Sleepable<void> {
    const before = [...this.running].filter((other) => other < cookie);
    while (before.some((other) => this.running.has(other))) yield* yieldCpu();
  }
}
