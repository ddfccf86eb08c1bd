import { CF, OF, SF, ZF } from '../decode/effects.js';

export interface StringCompare {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly imm: number;
  /** Lengths in elements, where they are explicit; else strings end at a zero. */
  readonly lengths: readonly [bigint, bigint] | undefined;
}

export interface StringCompareResult {
  readonly mask: Uint8Array;
  readonly index: number;
  readonly flags: number;
}

/** The string comparisons of SSE4.2 (Intel SDM volume 2, 4.1). */
export function compareStrings({ a, b, imm, lengths }: StringCompare): StringCompareResult {
  const bytes = imm & 1 ? 2 : 1;
  const count = 16 / bytes;
  const first = elements(a, bytes, (imm & 2) !== 0);
  const second = elements(b, bytes, (imm & 2) !== 0);
  const clip = (length: bigint): number => Math.min(count, Math.abs(Number(length)));
  const end = (values: readonly number[]): number => (values.includes(0) ? values.indexOf(0) : count);
  const n = lengths ? clip(lengths[0]) : end(first);
  const m = lengths ? clip(lengths[1]) : end(second);
  const raw = aggregate((imm >> 2) & 3, first, second, n, m);
  const polarity = (imm >> 4) & 3;
  const bits = raw.map((bit, j) => (polarity === 1 || (polarity === 3 && j < m) ? !bit : bit));
  return {
    mask: maskOf(bits, bytes, (imm & 0x40) !== 0),
    index: indexOf(bits, (imm & 0x40) !== 0),
    flags: (bits.includes(true) ? CF : 0) | (m < count ? ZF : 0) | (n < count ? SF : 0) | (bits[0] ? OF : 0),
  };
}

function elements(vector: Uint8Array, bytes: number, signed: boolean): number[] {
  const view = new DataView(vector.buffer, vector.byteOffset);
  return Array.from({ length: 16 / bytes }, (_, i) => {
    if (bytes === 1) return signed ? view.getInt8(i) : view.getUint8(i);
    return signed ? view.getInt16(i * 2, true) : view.getUint16(i * 2, true);
  });
}

/** Equal any, ranges, equal each, equal ordered: a bit for each element of the second string. */
function aggregate(
  kind: number,
  a: readonly number[],
  b: readonly number[],
  n: number,
  m: number,
): boolean[] {
  const set = a.slice(0, n);
  return b.map((value, j) => {
    switch (kind) {
      case 0:
        return j < m && set.includes(value);
      case 1:
        return j < m && set.some((low, i) => i % 2 === 0 && i + 1 < n && value >= low && value <= a[i + 1]);
      case 2:
        return j < n && j < m ? a[j] === value : j >= n && j >= m;
      default:
        return set.every((wanted, i) => j + i >= b.length || (j + i < m && b[j + i] === wanted));
    }
  });
}

function maskOf(bits: readonly boolean[], bytes: number, expanded: boolean): Uint8Array {
  const mask = new Uint8Array(16);
  bits.forEach((bit, i) => {
    if (!bit) return;
    if (expanded) mask.fill(255, i * bytes, (i + 1) * bytes);
    else mask[i >> 3] |= 1 << (i & 7);
  });
  return mask;
}

function indexOf(bits: readonly boolean[], last: boolean): number {
  const at = last ? bits.lastIndexOf(true) : bits.indexOf(true);
  return at < 0 ? bits.length : at;
}
