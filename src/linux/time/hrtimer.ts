import type { Ptr } from '../../cpu/layout.js';
import type { Alarm } from '../../kernel/clock.js';
import { HARDIRQ_OFFSET } from '../abi/preempt-count.js';
import { selfWait } from '../errors.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const MODE_REL = 1;
const STATE_ENQUEUED = 1;
/** Clock ids (time.h). */
const CLOCK_REALTIME = 0;

/** High-resolution timers (Documentation/timers/hrtimers.rst), on the virtual clock. */
export class Hrtimers implements Subsystem {
  private readonly pending = new Map<Ptr, Alarm>();
  private readonly bases = new Map<number, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    hrtimer_init: (timer: Ptr, clock: number) => this.init(timer, clock),
    hrtimer_start_range_ns: (timer: Ptr, at: number, _delta: number, mode: number) =>
      this.start(timer, at, mode),
    hrtimer_cancel: (timer: Ptr) => {
      if (this.isRunning(timer)) throw selfWait('hrtimer_cancel', 'a timer, from its own function', timer);
      return this.cancel(timer) ? 1 : 0;
    },
    hrtimer_try_to_cancel: (timer: Ptr) => (this.isRunning(timer) ? -1 : this.cancel(timer) ? 1 : 0),
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

  init(timer: Ptr, clock: number): void {
    const type = this.k.struct('hrtimer');
    this.k.space.writable(timer, type.size).fill(0);
    type.set(timer, 'base', this.base(clock));
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

  private isRunning(timer: Ptr): boolean {
    return this.running === timer && this.k.executor.current?.isInterrupt === true;
  }

  private running: Ptr = 0;

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
    const timers = this;
    k.scheduler.interrupt(
      'hrtimer',
      function* () {
        if (!timers.pending.has(timer)) return;
        timers.pending.delete(timer);
        if (!k.space.canRead(timer, 8)) {
          k.traps.complain('left-behind', 'BUG: a pending hrtimer is in memory that was freed', timer);
          return;
        }
        const type = k.struct('hrtimer');
        type.set(timer, 'state', 0);
        k.processes.preemptCount += HARDIRQ_OFFSET;
        timers.running = timer;
        // A timer that goes on and is due all the same runs again before anybody else does (__hrtimer_run_queues()).
        const now = k.now();
        let again: number;
        do again = yield* type.call(timer, 'function', timer);
        while (
          again === k.enumValue('HRTIMER_RESTART') &&
          !timers.pending.has(timer) &&
          timers.expires(timer) <= now
        );
        timers.running = 0;
        k.processes.preemptCount -= HARDIRQ_OFFSET;
        if (again === k.enumValue('HRTIMER_RESTART') && !timers.pending.has(timer))
          timers.enqueue(timer, timers.expires(timer));
      },
      false,
    );
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
