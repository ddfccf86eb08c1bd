import type { LinuxKernel } from '../kernel.js';

/** Jiffies at boot: five minutes before the low 32 bits wrap (INITIAL_JIFFIES). */
const MINUTES_BEFORE_WRAP = 300;

/** Ticks a second of the target. */
export function hz(k: LinuxKernel): number {
  return Number(k.target.config.get('CONFIG_HZ') ?? '250');
}

export function jiffiesToNs(k: LinuxKernel, jiffies: number): number {
  return jiffies >= 2 ** 62 ? Number.POSITIVE_INFINITY : jiffies * (1e9 / hz(k));
}

/** The value of `jiffies` now: as of the last time the clock was looked at. */
export function jiffiesNow(k: LinuxKernel): number {
  return 2 ** 32 - MINUTES_BEFORE_WRAP * hz(k) + Math.floor(k.clock.now / (1e9 / hz(k)));
}

/** Time since boot, in nanoseconds, at which `jiffies` will have reached a value. */
export function timeOfJiffies(k: LinuxKernel, value: number): number {
  return (value - (2 ** 32 - MINUTES_BEFORE_WRAP * hz(k))) * (1e9 / hz(k));
}
