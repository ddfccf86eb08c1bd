import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const NS = 1_000_000_000n;

/** Time of day and uptime (sys/kern/kern_tc.c), waiting in a loop (sys/x86/x86/delay.c), and rates (kern_time.c). */
export class Time implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    binuptime: (to: Ptr) => this.bintime(to, this.uptime),
    getbinuptime: (to: Ptr) => this.bintime(to, this.uptime),
    bintime: (to: Ptr) => this.bintime(to, this.now),
    getbintime: (to: Ptr) => this.bintime(to, this.now),
    nanouptime: (to: Ptr) => this.timespec(to, this.uptime),
    getnanouptime: (to: Ptr) => this.timespec(to, this.uptime),
    nanotime: (to: Ptr) => this.timespec(to, this.now),
    getnanotime: (to: Ptr) => this.timespec(to, this.now),
    microuptime: (to: Ptr) => this.timeval(to, this.uptime),
    getmicrouptime: (to: Ptr) => this.timeval(to, this.uptime),
    microtime: (to: Ptr) => this.timeval(to, this.now),
    getmicrotime: (to: Ptr) => this.timeval(to, this.now),
    getboottime: (to: Ptr) => this.timeval(to, this.k.clock.bootTime),
    getboottimebin: (to: Ptr) => this.bintime(to, this.k.clock.bootTime),
    DELAY: (microseconds: number) => this.delay(microseconds),
    tvtohz: (at: Ptr) => this.tvtohz(at),
    ratecheck: (last: Ptr, interval: Ptr) => Number(this.ratecheck(last, interval)),
    eventratecheck: (last: Ptr, count: Ptr, most: number) => Number(this.eventRate(last, count, most)),
    itimerfix: () => 0,
    timevaladd: (to: Ptr, other: Ptr) => this.timeval(to, this.nsOf(to) + this.nsOf(other)),
    timevalsub: (to: Ptr, other: Ptr) => this.timeval(to, this.nsOf(to) - this.nsOf(other)),
    cpu_ticks: () => this.k.platform.rdtsc(),
    cpu_tickrate: () => TSC_HZ,
    tc_getfrequency: () => TSC_HZ,
    inittodr: () => {},
    resettodr: () => {},
  };

  readonly signatures = {
    cpu_ticks: 'Q:',
    cpu_tickrate: 'Q:',
    tc_getfrequency: 'Q:',
    inittodr: 'v:l',
    resettodr: 'v:',
    timevalsub: 'v:pp',
    timevaladd: 'v:pp',
  };

  readonly data = { tsc_freq: (at: Ptr) => this.k.space.store64(at, TSC_HZ) };

  private get uptime(): bigint {
    return BigInt(Math.floor(this.k.now()));
  }

  private get now(): bigint {
    return this.k.clock.bootTime + this.uptime;
  }

  private bintime(to: Ptr, ns: bigint): void {
    this.k.space.store64(to, ns / NS);
    this.k.space.store64(to + 8, ((ns % NS) << 64n) / NS);
  }

  private timespec(to: Ptr, ns: bigint): void {
    this.k.space.store64(to, ns / NS);
    this.k.space.store64(to + 8, ns % NS);
  }

  private timeval(to: Ptr, ns: bigint): void {
    this.k.space.store64(to, BigInt.asUintN(64, ns / NS));
    this.k.space.store64(to + 8, BigInt.asUintN(64, (ns % NS) / 1000n));
  }

  /** Nanoseconds of a struct timeval. */
  private nsOf(at: Ptr): bigint {
    const { space } = this.k;
    return BigInt.asIntN(64, space.load64(at)) * NS + BigInt.asIntN(64, space.load64(at + 8)) * 1000n;
  }

  /** The thread keeps the processor meanwhile; interrupts that are due come at the next tick. */
  private delay(microseconds: number): void {
    this.k.clock.now = this.k.now() + Math.max(0, microseconds) * 1000;
  }

  private tvtohz(at: Ptr): number {
    const tick = NS / BigInt(this.k.space.load32(this.k.variable('hz')));
    const ns = this.nsOf(at);
    if (ns <= 0n) return 1;
    const ticks = (ns + tick - 1n) / tick + 1n;
    return Number(ticks > 0x7fff_ffffn ? 0x7fff_ffffn : ticks);
  }

  private ratecheck(last: Ptr, interval: Ptr): boolean {
    const before = this.nsOf(last);
    const now = this.uptime;
    if (now - before < this.nsOf(interval) && before !== 0n) return false;
    this.timeval(last, now);
    return true;
  }

  /** ppsratecheck(): at most so many a second. */
  private eventRate(last: Ptr, count: Ptr, most: number): boolean {
    const { space } = this.k;
    const hz = space.load32(this.k.variable('hz'));
    const ticks = space.loadInt32(this.k.variable('ticks'));
    // The last time is kept in ticks, where a timeval's seconds are.
    const began = Number(space.load64(last));
    if (began === 0 || ticks - began >= hz) {
      space.store64(last, BigInt(ticks));
      space.store32(count, 1);
      return most !== 0;
    }
    const seen = space.load32(count) + 1;
    space.store32(count, seen);
    return most < 0 || seen <= most;
  }
}

/** The time-stamp counter's rate (src/kernel/pc/platform.ts). */
const TSC_HZ = 2_596_000_000n;
