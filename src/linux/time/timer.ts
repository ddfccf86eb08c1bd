import type { Ptr } from '../../cpu/layout.js';
import type { Alarm } from '../../kernel/clock.js';
import { type Sleepable, yieldCpu } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { selfWait } from '../errors.js';
import type { Holding } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { DebugObjects } from '../lib/misc/debug-objects.js';
import { SoftirqQueue } from '../softirq-queue.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { timeOfJiffies } from './jiffies.js';
import { inSoftirq } from './softirq-context.js';

/**
 * timer_list timers (Documentation/core-api/kernel-api.rst, "Delaying and scheduling routines"). A pending
 * timer has entry.pprev set, which is what timer_pending() reads; the queue itself is the clock's.
 */
export class Timers implements Subsystem {
  private readonly pending: Map<Ptr, Alarm>;

  constructor(private readonly k: LinuxKernel) {
    this.pending = k.get(DebugObjects).table('timer_list', (timer) => this.hintOf(timer));
  }

  /** The function that a timer is for: of delayed work the work's. */
  private hintOf(timer: Ptr): Ptr {
    const { k } = this;
    const fn = k.struct('timer_list').get(timer, 'function');
    if (fn !== k.exports.address('delayed_work_timer_fn')) return fn;
    const work = k.struct('delayed_work').of(timer, 'timer');
    return k.struct('delayed_work').get(work, 'work.func');
  }

  readonly exports = {
    init_timer_key: (timer: Ptr, fn: Ptr, flags: number) => this.init(timer, fn, flags),
    add_timer: (timer: Ptr) => this.add(timer, 'add_timer', 1242),
    add_timer_local: (timer: Ptr) => this.add(timer, 'add_timer_local', 1242),
    add_timer_global: (timer: Ptr) => this.add(timer, 'add_timer_global', 1242),
    add_timer_on: (timer: Ptr) => this.add(timer, 'add_timer_on', 1264),
    mod_timer: (timer: Ptr, expires: number) => this.modify(timer, expires),
    mod_timer_pending: (timer: Ptr, expires: number) =>
      this.pending.has(timer) ? this.modify(timer, expires) : 0,
    timer_reduce: (timer: Ptr, expires: number) => this.reduce(timer, expires),
    timer_delete: (timer: Ptr) => this.remove(timer),
    timer_delete_sync: (timer: Ptr) => this.removeSync(timer, 'timer_delete_sync'),
    try_to_del_timer_sync: (timer: Ptr) => (this.running?.timer === timer ? -1 : this.remove(timer)),
    timer_shutdown: (timer: Ptr) => this.shutdown(timer),
    timer_shutdown_sync: (timer: Ptr) => {
      this.refuseOwn(timer, 'timer_shutdown_sync');
      return this.afterRun(timer, () => this.shutdown(timer));
    },
  };

  /** Pending timers; those of delayed work as the work. */
  *holds(): Generator<Holding> {
    const { k } = this;
    const delayed = k.exports.address('delayed_work_timer_fn');
    for (const timer of this.pending.keys()) {
      if (!k.space.canRead(timer, k.sizeOf('timer_list'))) continue;
      const fn = k.struct('timer_list').get(timer, 'function');
      const at = fn === delayed ? k.struct('delayed_work').of(timer, 'timer') : timer;
      const uses = fn === delayed ? [k.struct('delayed_work').get(at, 'work.func')] : [fn];
      yield { kind: fn === delayed ? 'delayed work' : 'pending timer', at, uses, name: () => '' };
    }
  }

  init(timer: Ptr, fn: Ptr, flags: number): void {
    const type = this.k.struct('timer_list');
    type.set(timer, 'entry.pprev', 0);
    type.set(timer, 'entry.next', 0);
    type.set(timer, 'function', fn);
    type.set(timer, 'flags', flags);
  }

  /** Arms or re-arms; 1 if it was pending. */
  modify(timer: Ptr, expires: number): number {
    const { k } = this;
    const type = k.struct('timer_list');
    if (type.get(timer, 'function') === 0) return 0;
    const was = this.remove(timer);
    type.set(timer, 'expires', expires);
    this.k.origins.note(timer);
    type.set(timer, 'entry.pprev', timer);
    const at = Math.max(timeOfJiffies(k, expires), k.now());
    this.pending.set(
      timer,
      k.clock.arm(at, () => this.expire(timer)),
    );
    return was;
  }

  /** Disarms; 1 if it was pending. */
  remove(timer: Ptr): number {
    const alarm = this.pending.get(timer);
    if (!alarm) return 0;
    this.k.clock.cancel(alarm);
    this.detach(timer);
    return 1;
  }

  /** Disarms and waits until the function has ended. */
  private removeSync(timer: Ptr, name: string): number | Sleepable<number> {
    this.refuseOwn(timer, name);
    return this.afterRun(timer, () => this.remove(timer));
  }

  private refuseOwn(timer: Ptr, name: string): void {
    const { running } = this;
    if (running?.timer === timer && running.by === this.k.executor.current)
      throw selfWait(name, 'a timer, from its own function', timer);
  }

  /** Only the thread that PREEMPT_RT has for timers can be interrupted in the middle of one. */
  private afterRun(timer: Ptr, then: () => number): number | Sleepable<number> {
    return this.isUnfinished(timer) ? this.waitForRun(timer, then) : then();
  }

  private *waitForRun(timer: Ptr, then: () => number): Sleepable<number> {
    while (this.isUnfinished(timer)) yield* yieldCpu();
    return then();
  }

  private isUnfinished(timer: Ptr): boolean {
    return this.running?.timer === timer && this.running.by?.ended === false;
  }

  /** The timer whose function is called, and who calls it. */
  private running: { readonly timer: Ptr; readonly by: Task | undefined } | undefined;

  /** add_timer() is not for a timer that is pending. */
  private add(timer: Ptr, caller: string, line: number): void {
    const type = this.k.struct('timer_list');
    if (type.get(timer, 'entry.pprev') !== 0) warn(this.k, '', `kernel/time/timer.c:${line}`, caller);
    else this.modify(timer, type.get(timer, 'expires'));
  }

  private detach(timer: Ptr): void {
    this.pending.delete(timer);
    const type = this.k.struct('timer_list');
    type.set(timer, 'entry.pprev', 0);
    type.set(timer, 'entry.next', 0);
  }

  private shutdown(timer: Ptr): number {
    const was = this.remove(timer);
    this.k.struct('timer_list').set(timer, 'function', 0);
    return was;
  }

  private reduce(timer: Ptr, expires: number): number {
    if (!this.pending.has(timer)) return this.modify(timer, expires);
    if (this.k.struct('timer_list').get(timer, 'expires') <= expires) return 1;
    return this.modify(timer, expires);
  }

  private expire(timer: Ptr): void {
    const { k } = this;
    const timers = this;
    k.get(SoftirqQueue).raise('timer', function* () {
      if (!timers.pending.has(timer)) return;
      if (!k.space.canRead(timer, 8)) {
        timers.pending.delete(timer);
        k.traps.complain('left-behind', 'BUG: a pending timer is in memory that was freed', timer);
        return;
      }
      const fn = k.struct('timer_list').get(timer, 'function');
      timers.detach(timer);
      timers.running = { timer, by: k.executor.current };
      yield* inSoftirq(k, 1, fn, k.callAs('v:p', fn, timer));
      timers.running = undefined;
    });
  }
}
