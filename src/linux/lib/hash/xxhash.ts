import { ULONG_MAX } from '../../abi/limits.js';

const P1 = 0x9e37_79b1_85eb_ca87n;
const P2 = 0xc2b2_ae3d_27d4_eb4fn;
const P3 = 0x1656_67b1_9e37_79f9n;
const P4 = 0x85eb_ca77_c2b2_ae63n;
const P5 = 0x27d4_eb2f_1656_67c5n;

/** Bytes that one step of the four lanes takes. */
export const STRIPE = 32;

const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & ULONG_MAX;
const round = (lane: bigint, input: bigint): bigint =>
  (rotate((lane + input * P2) & ULONG_MAX, 31n) * P1) & ULONG_MAX;
const merge = (hash: bigint, lane: bigint): bigint => ((hash ^ round(0n, lane)) * P1 + P4) & ULONG_MAX;

/** The four lanes of XXH64 before any input. */
export function startLanes(seed: bigint): bigint[] {
  return [(seed + P1 + P2) & ULONG_MAX, (seed + P2) & ULONG_MAX, seed, (seed - P1) & ULONG_MAX];
}

/** Takes whole stripes; how many bytes that were. */
export function takeStripes(lanes: bigint[], bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % STRIPE);
  for (let at = 0; at < whole; at += 8) {
    const lane = (at / 8) % 4;
    lanes[lane] = round(lanes[lane], view.getBigUint64(at, true));
  }
  return whole;
}

/** The hash of everything taken so far and of the `rest`, shorter than a stripe. */
export function finishLanes(lanes: readonly bigint[], total: bigint, seed: bigint, rest: Uint8Array): bigint {
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
  let hash = (seed + P5) & ULONG_MAX;
  if (total >= BigInt(STRIPE)) {
    const [a, b, c, d] = lanes;
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & ULONG_MAX;
    for (const lane of lanes) hash = merge(hash, lane);
  }
  hash = (hash + total) & ULONG_MAX;
  let at = 0;
  for (; at + 8 <= rest.length; at += 8)
    hash = (rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4) & ULONG_MAX;
  if (at + 4 <= rest.length) {
    hash = (rotate(hash ^ ((BigInt(view.getUint32(at, true)) * P1) & ULONG_MAX), 23n) * P2 + P3) & ULONG_MAX;
    at += 4;
  }
  for (; at < rest.length; at++)
    hash = (rotate(hash ^ ((BigInt(rest[at]) * P5) & ULONG_MAX), 11n) * P1) & ULONG_MAX;
  hash = ((hash ^ (hash >> 33n)) * P2) & ULONG_MAX;
  hash = ((hash ^ (hash >> 29n)) * P3) & ULONG_MAX;
  return hash ^ (hash >> 32n);
}

/** XXH64 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). */
export function xxh64(bytes: Uint8Array, seed: bigint): bigint {
  const lanes = startLanes(seed);
  const taken = takeStripes(lanes, bytes);
  return finishLanes(lanes, BigInt(bytes.length), seed, bytes.subarray(taken));
}
