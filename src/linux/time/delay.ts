import type { Ptr } from '../../cpu/layout.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { TASK_INTERRUPTIBLE, TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { hz, jiffiesNow, jiffiesToNs } from './jiffies.js';

/** __const_udelay takes microseconds times 2^32 / 10^6. */
const XLOOPS_PER_US = 4295;

/** Of USER_HZ. */
const NS_PER_CLOCK_TICK = 10_000_000n;
/** The longest time that can be counted in jiffies: (LONG_MAX >> 1) - 1. */
const MAX_JIFFY_OFFSET = 0x3fff_ffff_ffff_fffen;

/** Delays, sleeping and busy, and conversions of time units (Documentation/timers/timers-howto.rst). */
export class Delays implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    msleep: (ms: number) => this.sleep(ms * 1e6),
    msleep_interruptible: (ms: number) => this.sleepMs(ms),
    usleep_range_state: (min: number) => this.sleep(min * 1e3),
    __udelay: (us: number) => this.spin(us * 1e3),
    __ndelay: (ns: number) => this.spin(ns),
    __const_udelay: (loops: number) => this.spin((loops / XLOOPS_PER_US) * 1e3),
    __delay: (cycles: number) => this.spin(cycles / 2.596),
    schedule_timeout: (jiffies: number) => this.scheduleTimeout(jiffies),
    schedule_timeout_interruptible: (jiffies: number) => this.scheduleTimeout(jiffies, 1),
    schedule_timeout_uninterruptible: (jiffies: number) => this.scheduleTimeout(jiffies, 2),
    schedule_timeout_killable: (jiffies: number) => this.scheduleTimeout(jiffies, 0x102),
    schedule_timeout_idle: (jiffies: number) => this.scheduleTimeout(jiffies, 0x402),
    __msecs_to_jiffies: (ms: number) =>
      (ms | 0) < 0 ? MAX_JIFFY_OFFSET : BigInt(Math.ceil(ms * (hz(this.k) / 1000))),
    __usecs_to_jiffies: (us: number) => Math.ceil(us * (hz(this.k) / 1e6)),
    jiffies_to_msecs: (jiffies: number) => (jiffies * 1000) / hz(this.k),
    jiffies_to_usecs: (jiffies: number) => (jiffies * 1e6) / hz(this.k),
    nsecs_to_jiffies: (ns: number) => Math.floor(ns / (1e9 / hz(this.k))),
    nsecs_to_jiffies64: (ns: number) => Math.floor(ns / (1e9 / hz(this.k))),
    jiffies64_to_nsecs: (jiffies: number) => jiffies * (1e9 / hz(this.k)),
    jiffies64_to_msecs: (jiffies: bigint) =>
      BigInt.asUintN(64, jiffies * BigInt(Math.floor(1000 / hz(this.k)))),
    jiffies_to_clock_t: (jiffies: bigint) => this.clockTicks(jiffies),
    jiffies_64_to_clock_t: (jiffies: bigint) => this.clockTicks(jiffies),
    clock_t_to_jiffies: (ticks: number) => ticks * (hz(this.k) / 100),
    round_jiffies: (jiffies: number) => this.roundToSecond(jiffies, true),
    round_jiffies_relative: (jiffies: number) => this.roundRelative(jiffies, true),
    round_jiffies_up: (jiffies: number) => this.roundToSecond(jiffies, false),
    round_jiffies_up_relative: (jiffies: number) => this.roundRelative(jiffies, false),
    __round_jiffies: (jiffies: number) => this.roundToSecond(jiffies, true),
    __round_jiffies_relative: (jiffies: number) => this.roundRelative(jiffies, true),
    jiffies_to_timespec64: (jiffies: number, value: Ptr) => {
      const ns = jiffies * (1e9 / hz(this.k));
      this.k.space.storeLong(value, Math.floor(ns / 1e9));
      this.k.space.storeLong(value + 8, ns % 1e9);
    },
    timespec64_to_jiffies: (value: Ptr) => {
      const ns = this.k.space.loadS64(value) * 1e9 + this.k.space.loadS64(value + 8);
      return Math.ceil(ns / (1e9 / hz(this.k)));
    },
  };

  readonly signatures = {
    __msecs_to_jiffies: 'Q:u',
    jiffies64_to_msecs: 'Q:Q',
    jiffies_to_clock_t: 'Q:Q',
    jiffies_64_to_clock_t: 'Q:Q',
  };

  readonly data = {
    jiffies: (at: Ptr) => this.k.space.storeLong(at, jiffiesNow(this.k)),
    jiffies_64: (at: Ptr) => this.k.space.storeLong(at, jiffiesNow(this.k)),
  };

  /** Hundredths of a second. Where a tick is no number of them, the product of a large time does not fit into 64 bits, and wraps. */
  private clockTicks(jiffies: bigint): bigint {
    const tick = BigInt(1e9 / hz(this.k));
    if (tick % NS_PER_CLOCK_TICK === 0n) return jiffies * (tick / NS_PER_CLOCK_TICK);
    return BigInt.asUintN(64, jiffies * tick) / NS_PER_CLOCK_TICK;
  }

  boot(): void {
    const { k } = this;
    const counters = ['jiffies', 'jiffies_64']
      .filter((name) => k.hasSymbol(name))
      .map((name) => k.symbol(name));
    k.clock.onTick = () => {
      const now = jiffiesNow(k);
      for (const at of counters) k.space.storeLong(at, now);
    };
  }

  /** Sleeps for a stretch of virtual time. */
  *sleep(ns: number): Sleepable<void> {
    const { k } = this;
    k.traps.mightSleep('kernel/time/timer.c', 2128);
    k.traps.scheduling();
    const task = k.executor.current!;
    k.processes.setState(task.object, TASK_UNINTERRUPTIBLE);
    const deadline = k.now() + ns;
    const alarm = k.clock.arm(deadline, () => {
      k.processes.setState(task.object, TASK_RUNNING);
      k.scheduler.wake(task);
    });
    while (k.now() < deadline && alarm.index >= 0) yield* block();
    k.clock.cancel(alarm);
    k.processes.setState(task.object, TASK_RUNNING);
  }

  /** msleep_interruptible(): the milliseconds that were left when a signal came. */
  private *sleepMs(ms: number): Sleepable<number> {
    const { k } = this;
    let left = Math.ceil(ms * (hz(k) / 1000)) + 1;
    while (left > 0 && !k.processes.signalPending(k.current))
      left = yield* this.scheduleTimeout(left, TASK_INTERRUPTIBLE);
    return (left * 1000) / hz(k);
  }

  /** Busy waiting: virtual time passes, no other task runs; interrupts come where the task may be interrupted. */
  private spin(ns: number): void {
    const { k } = this;
    const { clock } = k;
    const end = k.now() + Math.floor(ns);
    const task = k.executor.current;
    const interruptible = task && !task.isInterrupt && k.cpu.interruptsEnabled;
    k.scheduler.passing(end - clock.now);
    while (interruptible && clock.now < end) {
      clock.now = Math.min(end, Math.max(clock.now, clock.next ?? end));
      k.traps.serveInterrupts(task);
    }
    clock.now = Math.max(clock.now, end);
    // Whoever was woken meanwhile would have taken the CPU.
    if (interruptible && k.traps.preemption.preempts(task)) task.mayResched = true;
  }

  /** Sleeps until woken or until the time is over: the jiffies that are left. */
  *scheduleTimeout(jiffies: number, state?: number): Sleepable<number> {
    const { k } = this;
    const task = k.executor.current!;
    if (jiffies < 0) {
      const value = BigInt.asUintN(64, BigInt(jiffies)).toString(16);
      k.log.line(`schedule_timeout: wrong timeout value ${value}`, LOGLEVEL_ERR);
      k.traps.dumpStack(`schedule_timeout: wrong timeout value ${value}`);
      k.processes.setState(task.object, TASK_RUNNING);
      return 0;
    }
    if (state !== undefined) k.processes.setState(task.object, state);
    const ns = jiffiesToNs(k, jiffies);
    const deadline = k.now() + ns;
    if (k.processes.stateOf(task.object) === TASK_RUNNING) return jiffies;
    k.traps.scheduling();
    if (k.processes.stateOf(task.object) & TASK_INTERRUPTIBLE && k.processes.signalPending(task.object)) {
      k.processes.setState(task.object, TASK_RUNNING);
      return jiffies;
    }
    const alarm =
      ns === Number.POSITIVE_INFINITY
        ? undefined
        : k.clock.arm(deadline, () => {
            k.processes.setState(task.object, TASK_RUNNING);
            k.scheduler.wake(task);
          });
    while (k.processes.stateOf(task.object) !== TASK_RUNNING) yield* block();
    if (!alarm) return jiffies;
    k.clock.cancel(alarm);
    return Math.max(0, Math.ceil((deadline - k.now()) / (1e9 / hz(k))));
  }

  private roundToSecond(jiffies: number, down: boolean): number {
    const perSecond = hz(this.k);
    const rest = jiffies % perSecond;
    const rounded = rest < perSecond / 4 && down ? jiffies - rest : jiffies - rest + perSecond;
    return rounded > jiffiesNow(this.k) ? rounded : jiffies;
  }

  private roundRelative(jiffies: number, down: boolean): number {
    const now = jiffiesNow(this.k);
    return this.roundToSecond(now + jiffies, down) - now;
  }
}
