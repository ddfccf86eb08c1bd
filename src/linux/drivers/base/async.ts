import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { block } from '../../../kernel/effects.js';
import type { Task } from '../../../kernel/task/task.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** A call that has not finished. */
interface Entry {
  readonly task: Task;
  /** struct async_domain; 0 for the default one. */
  readonly domain: Ptr;
  /** Whether waiting for everything waits for it as well. */
  readonly registered: boolean;
}

const DEFAULT_DOMAIN = 0;

/**
 * Functions that run in a task of their own while their caller goes on (kernel/async.c). Each belongs to a domain, and
 * who waits for a domain waits for its calls only: a call may wait for those of another.
 */
export class AsyncCalls implements Subsystem {
  private next = 1;
  /** Calls that have not finished, by cookie, oldest first. */
  private readonly running = new Map<number, Entry>();
  private readonly waiters = new Set<Task>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    async_schedule_node: (fn: Ptr, data: Ptr, _node: number) => this.schedule(fn, data, DEFAULT_DOMAIN),
    async_schedule_node_domain: (fn: Ptr, data: Ptr, _node: number, domain: Ptr) =>
      this.schedule(fn, data, domain),
    async_schedule_dev_nocall: (fn: Ptr, device: Ptr) => this.schedule(fn, device, DEFAULT_DOMAIN) !== 0,
    async_synchronize_full: () => this.synchronize(),
    async_synchronize_full_domain: (domain: Ptr) =>
      domain === 0 ? this.synchronize() : this.wait((_cookie, entry) => entry.domain === domain),
    async_synchronize_cookie: (cookie: number) => this.waitBefore(cookie, DEFAULT_DOMAIN),
    async_synchronize_cookie_domain: (cookie: number, domain: Ptr) => this.waitBefore(cookie, domain),
    current_is_async: () => {
      const { current } = this.k.executor;
      return [...this.running.values()].some(({ task }) => task === current);
    },
  };

  boot(): void {
    this.k.processes.onExit((task) => this.ended(task));
  }

  /** async_synchronize_full(): what a module's initialization waits for before its init memory goes. */
  *synchronize(): Sleepable<void> {
    yield* this.wait((_cookie, { registered }) => registered);
  }

  private schedule(fn: Ptr, data: Ptr, domain: Ptr): number {
    const { k } = this;
    const cookie = this.next++;
    const registered = domain === DEFAULT_DOMAIN || k.struct('async_domain').get(domain, 'registered') !== 0;
    const body = this.run(fn, data, cookie);
    const task = k.processes.create('kworker/u2:async', body, { kernelThread: true });
    this.running.set(cookie, { task, domain, registered });
    return cookie;
  }

  private *run(fn: Ptr, data: Ptr, cookie: number): Sleepable<number> {
    yield* this.k.callAs('async_func_t', fn, data, cookie);
    return 0;
  }

  /** A task ended, by itself or by a fault: those who wait look again. */
  private ended(task: Task): void {
    for (const [cookie, other] of this.running) if (other.task === task) this.running.delete(cookie);
    for (const waiter of this.waiters) this.k.scheduler.wake(waiter);
    this.waiters.clear();
  }

  /** Waits for the calls of a domain that were scheduled before a cookie. */
  private waitBefore(cookie: number, domain: Ptr): Sleepable<void> {
    return this.wait((other, entry) => other < cookie && entry.domain === domain);
  }

  private *wait(concerns: (cookie: number, entry: Entry) => boolean): Sleepable<void> {
    const before = [...this.running].filter(([cookie, entry]) => concerns(cookie, entry));
    while (before.some(([cookie]) => this.running.has(cookie))) {
      this.waiters.add(this.k.executor.current!);
      yield* block();
    }
  }
}
