import type { FreebsdKernel } from '../kernel.js';

/** A second of sbintime_t: 32.32 fixed point (sys/sys/time.h). */
export const SBT_1S = 1n << 32n;

export function sbtToNs(sbt: bigint): number {
  return Number((sbt * 1_000_000_000n) >> 32n);
}

export function nsToSbt(ns: number): bigint {
  return (BigInt(Math.floor(ns)) << 32n) / 1_000_000_000n;
}

/** When a time span (or with C_ABSOLUTE a time) ends, in nanoseconds since boot; undefined for 0, which is for ever. */
export function sbtDeadline(k: FreebsdKernel, sbt: bigint, flags: number): number | undefined {
  if (sbt === 0n) return undefined;
  const ns = sbtToNs(sbt);
  return flags & k.macro('C_ABSOLUTE') ? ns : k.now() + ns;
}
