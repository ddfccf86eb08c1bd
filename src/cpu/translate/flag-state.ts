import type { Size } from '../decode/instruction.js';

/** How flags follow from saved operands a, b and result r. */
export type LazyKind =
  /** a + b = r: uses a, r. */
  | 'add'
  /** a - b: uses a, b. */
  | 'sub'
  /** CF = OF = AF = 0, the others from r. */
  | 'logic'
  | 'inc'
  | 'dec'
  /** All but CF, which is a local. Uses a, b, r. */
  | 'adc'
  | 'sbb'
  /** ZF, SF and PF from r. */
  | 'result';

/** Serialisable description of where the flags are at an exit. */
export interface FlagsAtSite {
  /** Flags that are live. */
  readonly live: number;
  /** Those of them that follow from the lazy operands; the others are in their locals. */
  readonly lazy: number;
  readonly kind: LazyKind;
  readonly size: Size;
  /** Constant second operand, as a decimal string. */
  readonly b?: string;
}

/** Computes flags of `lazy` from operands, in the host: used when leaving translated code. */
export function evaluateLazy(at: FlagsAtSite, a: bigint, bLocal: bigint, rLocal: bigint): number {
  const bits = BigInt(at.size * 8);
  const mask = (1n << bits) - 1n;
  const sign = 1n << (bits - 1n);
  const b = at.b === undefined ? bLocal : BigInt(at.b) & mask;
  let r = rLocal;
  let cf = false;
  let of = false;
  let af = false;
  switch (at.kind) {
    case 'add':
      cf = r < a;
      of = ((a ^ r) & ((r - a) ^ r) & sign) !== 0n;
      af = ((a ^ (r - a) ^ r) & 16n) !== 0n;
      break;
    case 'sub':
      r = (a - b) & mask;
      cf = a < b;
      of = ((a ^ b) & (a ^ r) & sign) !== 0n;
      af = ((a ^ b ^ r) & 16n) !== 0n;
      break;
    case 'inc':
      of = r === sign;
      af = (r & 15n) === 0n;
      break;
    case 'dec':
      of = r === sign - 1n;
      af = (r & 15n) === 15n;
      break;
    case 'adc':
      of = ((a ^ r) & (b ^ r) & sign) !== 0n;
      af = ((a ^ b ^ r) & 16n) !== 0n;
      break;
    case 'sbb':
      of = ((a ^ b) & (a ^ r) & sign) !== 0n;
      af = ((a ^ b ^ r) & 16n) !== 0n;
      break;
  }
  let parity = Number(r & 0xffn);
  parity ^= parity >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  const flags =
    (cf ? 1 : 0) |
    (parity & 1 ? 0 : 4) |
    (af ? 0x10 : 0) |
    (r === 0n ? 0x40 : 0) |
    ((r & sign) !== 0n ? 0x80 : 0) |
    (of ? 0x800 : 0);
  return flags & at.lazy;
}
