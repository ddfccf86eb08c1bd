import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

export const NSEC_PER_SEC = 1_000_000_000n;

const KTIME_MAX = 0x7fff_ffff_ffff_ffffn;

/** Reading the time (Documentation/core-api/timekeeping.rst). */
export class Timekeeping implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ktime_get: () => this.monotonic(),
    ktime_get_raw: () => this.monotonic(),
    ktime_get_mono_fast_ns: () => this.monotonic(),
    ktime_get_raw_fast_ns: () => this.monotonic(),
    ktime_get_boot_fast_ns: () => this.monotonic(),
    ktime_get_real_fast_ns: () => this.real(),
    ktime_get_real: () => this.real(),
    ktime_get_tai_fast_ns: () => this.real(),
    ktime_get_snapshot: (at: Ptr) => this.snapshot(at),
    ktime_get_with_offset: (offset: number) => this.withOffset(offset),
    ktime_get_coarse_with_offset: (offset: number) => this.withOffset(offset),
    ktime_get_seconds: () => this.monotonic() / NSEC_PER_SEC,
    ktime_get_real_seconds: () => this.real() / NSEC_PER_SEC,
    ktime_get_ts64: (at: Ptr) => this.storeTimespec(at, this.monotonic()),
    ktime_get_raw_ts64: (at: Ptr) => this.storeTimespec(at, this.monotonic()),
    ktime_get_coarse_ts64: (at: Ptr) => this.storeTimespec(at, this.monotonic()),
    getboottime64: (at: Ptr) => this.storeTimespec(at, this.k.clock.bootTime),
    ktime_get_real_ts64: (at: Ptr) => this.storeTimespec(at, this.real()),
    ktime_get_coarse_real_ts64: (at: Ptr) => this.storeTimespec(at, this.real()),
    ktime_mono_to_any: (time: bigint, offset: number) =>
      offset === this.k.enumValue('TK_OFFS_REAL') ? time + this.k.clock.bootTime : time,
    ktime_add_safe: (a: bigint, b: bigint) => {
      const sum = BigInt.asIntN(64, a + b);
      return sum < 0n || sum < a || sum < b ? KTIME_MAX : sum;
    },
    ns_to_timespec64: (ns: bigint) => this.twoWords(ns),
    sched_clock: () => this.monotonic(),
    local_clock: () => this.monotonic(),
    sched_clock_cpu: () => this.monotonic(),
    time64_to_tm: (total: bigint, offset: number, result: Ptr) => this.toTm(total + BigInt(offset), result),
    mktime64: (year: number, month: number, day: number, hour: number, minute: number, second: number) =>
      BigInt(Math.floor(Date.UTC(year, month - 1, day, hour, minute, second) / 1000)),
    set_normalized_timespec64: (at: Ptr, seconds: bigint, ns: bigint) =>
      this.storeTimespec(at, seconds * NSEC_PER_SEC + ns),
    read_persistent_clock64: (at: Ptr) => this.storeTimespec(at, this.real()),
  };

  readonly signatures = {
    ktime_get: 'q:',
    ktime_get_raw: 'q:',
    ktime_get_mono_fast_ns: 'Q:',
    ktime_get_raw_fast_ns: 'Q:',
    ktime_get_boot_fast_ns: 'Q:',
    ktime_get_real_fast_ns: 'Q:',
    ktime_get_real: 'q:',
    ktime_get_tai_fast_ns: 'Q:',
    ktime_get_with_offset: 'q:i',
    ktime_get_coarse_with_offset: 'q:i',
    ktime_mono_to_any: 'q:qi',
    ktime_add_safe: 'q:qq',
    time64_to_tm: 'v:qip',
    set_normalized_timespec64: 'v:pqq',
    ns_to_timespec64: 'w:q',
    sched_clock: 'Q:',
    local_clock: 'Q:',
    sched_clock_cpu: 'Q:i',
  };

  /** All clocks at one moment. The counter below them counts nanoseconds; nobody has set the clock or taken another. */
  private snapshot(at: Ptr): void {
    const type = this.k.struct('system_time_snapshot');
    const now = this.monotonic();
    type.setBig(at, 'cycles', now);
    type.setBig(at, 'real', now + this.k.clock.bootTime);
    type.setBig(at, 'raw', now);
    if (type.has('boot')) type.setBig(at, 'boot', now);
    type.set(at, 'clock_was_set_seq', 0);
    type.set(at, 'cs_was_changed_seq', 0);
    type.set(at, 'cs_id', 0);
  }

  private monotonic(): bigint {
    return BigInt(Math.floor(this.k.now()));
  }

  private real(): bigint {
    return this.monotonic() + this.k.clock.bootTime;
  }

  private withOffset(offset: number): bigint {
    return offset === this.k.enumValue('TK_OFFS_REAL') || offset === this.k.enumValue('TK_OFFS_TAI')
      ? this.real()
      : this.monotonic();
  }

  /** struct timespec64 by value: seconds and nanoseconds. */
  private twoWords(ns: bigint): readonly [bigint, bigint] {
    const rest = ((ns % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
    return [(ns - rest) / NSEC_PER_SEC, rest];
  }

  private storeTimespec(at: Ptr, ns: bigint): void {
    const rest = ((ns % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
    this.k.space.store64(at, BigInt.asUintN(64, (ns - rest) / NSEC_PER_SEC));
    this.k.space.store64(at + 8, rest);
  }

  private toTm(seconds: bigint, result: Ptr): void {
    const date = new Date(Number(seconds) * 1000);
    const type = this.k.struct('tm');
    const startOfYear = Date.UTC(date.getUTCFullYear(), 0, 1);
    type.set(result, 'tm_sec', date.getUTCSeconds());
    type.set(result, 'tm_min', date.getUTCMinutes());
    type.set(result, 'tm_hour', date.getUTCHours());
    type.set(result, 'tm_mday', date.getUTCDate());
    type.set(result, 'tm_mon', date.getUTCMonth());
    type.set(result, 'tm_year', date.getUTCFullYear() - 1900);
    type.set(result, 'tm_wday', date.getUTCDay());
    type.set(result, 'tm_yday', Math.floor((date.getTime() - startOfYear) / 86_400_000));
  }
}
