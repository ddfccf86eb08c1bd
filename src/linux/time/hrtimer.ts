import type { Ptr } from '../../cpu/layout.js';
import type { Alarm } from '../../kernel/clock.js';
import { type Sleepable, yieldCpu } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { HARDIRQ_OFFSET } from '../abi/preempt-count.js';
import { selfWait } from '../errors.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { DebugObjects } from '../lib/misc/debug-objects.js';
import { SoftirqQueue } from '../softirq-queue.js';
import type { Subsystem } from '../subsystem.js';
import { softirqOffset } from './softirq-context.js';

const MODE_REL = 1;
/** Called from a softirq, or from the interrupt: with PREEMPT_RT only who asks for that. */
export const MODE_SOFT = 4;
export const MODE_HARD = 8;
const STATE_ENQUEUED = 1;
/** Clock ids (time.h). */
const CLOCK_REALTIME = 0;

/** High-resolution timers (Documentation/timers/hrtimers.rst), on the virtual clock. */
export class Hrtimers implements Subsystem {
  private readonly pending: Map<Ptr, Alarm>;
  private readonly bases = new Map<number, Ptr>();

  private readonly isRt: boolean;

  constructor(private readonly k: LinuxKernel) {
    this.isRt = k.configured('CONFIG_PREEMPT_RT');
    this.pending = k
      .get(DebugObjects)
      .table('hrtimer', (timer) => k.struct('hrtimer').get(timer, 'function'));
  }

  readonly exports = {
    hrtimer_init: (timer: Ptr, clock: number, mode: number) => this.init(timer, clock, mode),
    __hrtimer_init: (timer: Ptr, clock: number, mode: number) => this.init(timer, clock, mode),
    hrtimer_start_range_ns: (timer: Ptr, at: number, _delta: number, mode: number) =>
      this.start(timer, at, mode),
    hrtimer_cancel: (timer: Ptr) => {
      if (this.running?.timer === timer && this.running.by === this.k.executor.current)
        throw selfWait('hrtimer_cancel', 'a timer, from its own function', timer);
      return this.isUnfinished(timer) ? this.cancelAfterRun(timer) : Number(this.cancel(timer));
    },
    hrtimer_try_to_cancel: (timer: Ptr) => (this.running?.timer === timer ? -1 : Number(this.cancel(timer))),
    hrtimer_active: (timer: Ptr) => this.pending.has(timer),
    hrtimer_forward: (timer: Ptr, now: number, interval: number) => this.forward(timer, now, interval),
    __hrtimer_get_remaining: (timer: Ptr) => this.expires(timer) - this.k.now(),
  };

  holds(): Iterable<Holding> {
    const what = { kind: 'pending hrtimer', struct: 'hrtimer', uses: ['function'] };
    return heldStructs(this.k, what, this.pending.keys());
  }

  readonly data = {
    hrtimer_resolution: (at: Ptr) => this.k.space.store32(at, 1),
  };

  init(timer: Ptr, clock: number, mode = 0): void {
    const type = this.k.struct('hrtimer');
    this.k.space.writable(timer, type.size).fill(0);
    type.set(timer, 'base', this.base(clock));
    const soft = (mode & MODE_SOFT) !== 0 || (this.isRt && (mode & MODE_HARD) === 0);
    type.set(timer, 'is_soft', Number(soft));
    type.set(timer, 'is_hard', Number((mode & MODE_HARD) !== 0));
  }

  private start(timer: Ptr, at: number, mode: number): void {
    const { k } = this;
    this.cancel(timer);
    const type = k.struct('hrtimer');
    const realtime = type.get(timer, 'base') === this.base(CLOCK_REALTIME);
    const due = mode & MODE_REL ? k.now() + at : realtime ? at - Number(k.clock.bootTime) : at;
    type.set(timer, 'node.expires', due);
    type.set(timer, '_softexpires', due);
    this.enqueue(timer, due);
  }

  private enqueue(timer: Ptr, due: number): void {
    this.k.origins.note(timer);
    this.k.struct('hrtimer').set(timer, 'state', STATE_ENQUEUED);
    this.pending.set(
      timer,
      this.k.clock.arm(due, () => this.expire(timer)),
    );
  }

  /** The timer whose function is called, and who calls it. */
  private running: { readonly timer: Ptr; readonly by: Task | undefined } | undefined;

  /** Only the thread that PREEMPT_RT has for softirqs can be interrupted in the middle of one. */
  private isUnfinished(timer: Ptr): boolean {
    return this.running?.timer === timer && this.running.by?.ended === false;
  }

  private *cancelAfterRun(timer: Ptr): Sleepable<number> {
    while (this.isUnfinished(timer)) yield* yieldCpu();
    return Number(this.cancel(timer));
  }

  private cancel(timer: Ptr): boolean {
    const alarm = this.pending.get(timer);
    if (!alarm) return false;
    this.k.clock.cancel(alarm);
    this.pending.delete(timer);
    this.k.struct('hrtimer').set(timer, 'state', 0);
    return true;
  }

  private expires(timer: Ptr): number {
    return this.k.struct('hrtimer').get(timer, 'node.expires');
  }

  /** Moves the expiry past `now` by whole intervals; how many. */
  private forward(timer: Ptr, now: number, interval: number): number {
    const due = this.expires(timer);
    if (now < due || interval <= 0) return 0;
    const overruns = Math.floor((now - due) / interval) + 1;
    const type = this.k.struct('hrtimer');
    type.set(timer, 'node.expires', due + overruns * interval);
    type.set(timer, '_softexpires', due + overruns * interval);
    return overruns;
  }

  private expire(timer: Ptr): void {
    const { k } = this;
    const soft = k.struct('hrtimer').get(timer, 'is_soft') !== 0;
    const body = (): Sleepable<void> => this.run(timer, soft ? softirqOffset(k) : HARDIRQ_OFFSET);
    if (soft) k.get(SoftirqQueue).raise('hrtimer', body);
    else k.scheduler.interrupt('hrtimer', body, false);
  }

  private *run(timer: Ptr, offset: number): Sleepable<void> {
    const { k } = this;
    if (!this.pending.has(timer)) return;
    this.pending.delete(timer);
    if (!k.space.canRead(timer, 8)) {
      k.traps.complain('left-behind', 'BUG: a pending hrtimer is in memory that was freed', timer);
      return;
    }
    const type = k.struct('hrtimer');
    type.set(timer, 'state', 0);
    k.processes.preemptCount += offset;
    this.running = { timer, by: k.executor.current };
    // A timer that goes on and is due all the same runs again before anybody else does (__hrtimer_run_queues()).
    const now = k.now();
    let again: number;
    do again = yield* type.call(timer, 'function', timer);
    while (
      again === k.enumValue('HRTIMER_RESTART') &&
      !this.pending.has(timer) &&
      this.expires(timer) <= now
    );
    this.running = undefined;
    k.processes.preemptCount -= offset;
    if (again === k.enumValue('HRTIMER_RESTART') && !this.pending.has(timer))
      this.enqueue(timer, this.expires(timer));
  }

  /** The hrtimer_clock_base of a clock: inlined code calls its get_time. */
  private base(clock: number): Ptr {
    const known = this.bases.get(clock);
    if (known !== undefined) return known;
    const type = this.k.struct('hrtimer_clock_base');
    const base = this.k.permanent(type.size);
    type.set(base, 'clockid', clock);
    type.set(base, 'get_time', this.k.fn(clock === CLOCK_REALTIME ? 'ktime_get_real' : 'ktime_get'));
    this.bases.set(clock, base);
    return base;
  }
}
