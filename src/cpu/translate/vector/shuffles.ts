import type { Insn } from '../../decode/instruction.js';
import { Simd } from '../../wasm/simd.js';
import type { Translator } from '../translator.js';
import { binary, hold, pushSplat, pushZero, unary } from './operands.js';

/** Bytes of elements, given by number: 0.. those of the first operand, then those of the second. */
const bytesOf = (elements: readonly number[], size: number): number[] =>
  elements.flatMap((element) => Array.from({ length: size }, (_, i) => element * size + i));

const field = (imm: number, index: number, bits: number): number =>
  (imm >> (index * bits)) & ((1 << bits) - 1);

/** Interleaves elements of x and y, from the low or the high half. */
const interleave = (size: number, high: boolean): number[] => {
  const count = 8 / size;
  const first = high ? count : 0;
  return bytesOf(Array.from({ length: count }, (_, i) => [first + i, 16 / size + first + i]).flat(), size);
};

const FIXED: Readonly<Record<string, readonly number[]>> = {
  punpcklbw: interleave(1, false),
  punpcklwd: interleave(2, false),
  punpckldq: interleave(4, false),
  punpcklqdq: interleave(8, false),
  punpckhbw: interleave(1, true),
  punpckhwd: interleave(2, true),
  punpckhdq: interleave(4, true),
  punpckhqdq: interleave(8, true),
  unpcklps: interleave(4, false),
  unpckhps: interleave(4, true),
  unpcklpd: interleave(8, false),
  unpckhpd: interleave(8, true),
};

export const INTERLEAVES = Object.keys(FIXED);

/** Bytes of two operands by an immediate. */
const BY_IMMEDIATE: Readonly<Record<string, (imm: number) => number[]>> = {
  shufps: (imm) =>
    bytesOf([field(imm, 0, 2), field(imm, 1, 2), 4 + field(imm, 2, 2), 4 + field(imm, 3, 2)], 4),
  pblendw: (imm) => blend(imm, 2),
};

const blend = (imm: number, size: number): number[] =>
  bytesOf(
    Array.from({ length: 16 / size }, (_, i) => i + (field(imm, i, 1) ? 16 / size : 0)),
    size,
  );

/** Bytes of one operand by an immediate. */
const ONE_BY_IMMEDIATE: Readonly<Record<string, (imm: number) => number[]>> = {
  pshufd: (imm) =>
    bytesOf(
      [0, 1, 2, 3].map((i) => field(imm, i, 2)),
      4,
    ),
  permilps: (imm) =>
    bytesOf(
      [0, 1, 2, 3].map((i) => field(imm, i, 2)),
      4,
    ),
  pshuflw: (imm) => bytesOf([...[0, 1, 2, 3].map((i) => field(imm, i, 2)), 4, 5, 6, 7], 2),
  pshufhw: (imm) => bytesOf([0, 1, 2, 3, ...[0, 1, 2, 3].map((i) => 4 + field(imm, i, 2))], 2),
  movsldup: () => bytesOf([0, 0, 2, 2], 4),
  movshdup: () => bytesOf([1, 1, 3, 3], 4),
  movddup: () => bytesOf([0, 0], 8),
};

export const SHUFFLES_OF_ONE = Object.keys(ONE_BY_IMMEDIATE);

export function shuffleOne(t: Translator, insn: Insn): void {
  if (insn.c) {
    permuteByVector(t, insn);
    return;
  }
  unary(t, insn, (_, x, imm) => {
    t.w.get(x);
    t.w.get(x);
    t.w.shuffle(ONE_BY_IMMEDIATE[insn.op](imm));
  });
}

/** Instructions whose immediate has other bits for the upper half, two elements to a half. */
export function shufflePairs(t: Translator, insn: Insn): void {
  let half = 0;
  const bits = (imm: number): [number, number] => {
    const of = [field(imm, half * 2, 1), field(imm, half * 2 + 1, 1)] as [number, number];
    half++;
    return of;
  };
  if (insn.op === 'permilpd') {
    if (insn.c) permuteByVector(t, insn);
    else
      unary(t, insn, (_, x, imm) => {
        t.w.get(x);
        t.w.get(x);
        t.w.shuffle(bytesOf(bits(imm), 8));
      });
    return;
  }
  binary(t, insn, (_, x, y, imm) => {
    const [low, high] = bits(imm);
    t.w.get(x);
    t.w.get(y);
    t.w.shuffle(bytesOf(insn.op === 'shufpd' ? [low, 2 + high] : [low * 2, 1 + high * 2], 8));
  });
}

/** Fixed interleaves, and shuffles of two operands by an immediate. */
export function shuffleTwo(t: Translator, insn: Insn): void {
  binary(t, insn, (_, x, y, imm) => {
    t.w.get(x);
    t.w.get(y);
    t.w.shuffle(FIXED[insn.op] ?? BY_IMMEDIATE[insn.op](imm));
  });
}

/** pblendd, blendps: a bit of the immediate for each 32-bit element of all halves. */
export function blendDwords(t: Translator, insn: Insn): void {
  let half = 0;
  binary(t, insn, (_, x, y, imm) => {
    t.w.get(x);
    t.w.get(y);
    t.w.shuffle(blend(imm >> (4 * half++), 4));
  });
}

/** palignr: bytes from `imm` on of the second operand followed by the first. */
export function alignRight(t: Translator, insn: Insn): void {
  const { w } = t;
  binary(t, insn, (_, x, y, imm) => {
    if (imm >= 32) {
      pushZero(t);
      return;
    }
    if (imm < 16) {
      w.get(y);
      w.get(x);
      w.shuffle(Array.from({ length: 16 }, (__, i) => i + imm));
      return;
    }
    w.get(x);
    pushZero(t);
    w.shuffle(Array.from({ length: 16 }, (__, i) => Math.min(i + imm - 16, 16)));
  });
}

/** pshufb: bit 7 of an index clears the byte, otherwise its low four bits count. */
export function shuffleBytes(t: Translator, insn: Insn): void {
  binary(t, insn, (_, x, y) => {
    t.w.get(x);
    t.w.get(y);
    pushSplat(t, 0x8f8f_8f8f | 0);
    t.w.simd(Simd.and, Simd.swizzle);
  });
}

/** Pushes byte indices made of 32-bit element numbers in a local. */
export function pushByteIndices(t: Translator, elements: number, mask: number): void {
  const { w } = t;
  w.get(elements);
  pushSplat(t, mask);
  w.simd(Simd.and);
  w.i32(2);
  w.simd(Simd.i32x4Shl);
  pushSplat(t, 0x0101_0101);
  w.simd(Simd.i32x4Mul);
  pushSplat(t, 0x0302_0100);
  w.simd(Simd.i8x16Add);
}

/** permilps and permilpd with the elements' numbers in a vector. */
function permuteByVector(t: Translator, insn: Insn): void {
  const { w } = t;
  binary(t, insn, (_, x, y) => {
    if (insn.op === 'permilps') {
      w.get(x);
      pushByteIndices(t, y, 3);
      w.simd(Simd.swizzle);
      return;
    }
    // Bit 1 of each 64-bit index chooses.
    w.get(y);
    w.i32(62);
    w.simd(Simd.i64x2Shl);
    w.i32(63);
    w.simd(Simd.i64x2ShrS);
    const high = hold(t);
    w.get(x);
    w.get(x);
    w.shuffle(bytesOf([1, 1], 8));
    w.get(x);
    w.get(x);
    w.shuffle(bytesOf([0, 0], 8));
    w.get(high);
    w.simd(Simd.bitselect);
  });
}

/** pblendvb, blendvps, blendvpd: the sign of each element of a fourth register chooses. */
export function blendBySign(t: Translator, insn: Insn, maskOf: (half: 0 | 1) => number): void {
  const { w } = t;
  let half: 0 | 1 = 0;
  binary(t, insn, (_, x, y) => {
    w.get(y);
    w.get(x);
    w.get(maskOf(half));
    half = 1;
    const [bits, op] =
      insn.op === 'pblendvb'
        ? [7, Simd.i8x16ShrS]
        : insn.op === 'blendvps'
          ? [31, Simd.i32x4ShrS]
          : [63, Simd.i64x2ShrS];
    w.i32(bits);
    w.simd(op, Simd.bitselect);
  });
}

const EXTENSIONS: Readonly<Record<string, readonly [low: number, high: number]>> = {
  sbw: [Simd.i16x8ExtendLowS, Simd.i16x8ExtendHighS],
  swd: [Simd.i32x4ExtendLowS, Simd.i32x4ExtendHighS],
  sdq: [Simd.i64x2ExtendLowS, Simd.i64x2ExtendHighS],
  zbw: [Simd.i16x8ExtendLowU, Simd.i16x8ExtendHighU],
  zwd: [Simd.i32x4ExtendLowU, Simd.i32x4ExtendHighU],
  zdq: [Simd.i64x2ExtendLowU, Simd.i64x2ExtendHighU],
};
const STEPS: Readonly<Record<string, readonly string[]>> = {
  bw: ['bw'],
  wd: ['wd'],
  dq: ['dq'],
  bd: ['bw', 'wd'],
  wq: ['wd', 'dq'],
  bq: ['bw', 'wd', 'dq'],
};

/** Pushes elements of `x` widened by pmovsx or pmovzx, those for the lower or the upper half of the result. */
export function pushExtended(t: Translator, x: number, op: string, half: 0 | 1): void {
  const sign = op[4];
  const steps = STEPS[op.slice(6)];
  t.w.get(x);
  steps.forEach((step, i) => {
    t.w.simd(EXTENSIONS[sign + step][i === steps.length - 1 ? half : 0]);
  });
}
