import type { Insn } from '../../decode/instruction.js';
import { Simd } from '../../wasm/simd.js';
import type { Translator } from '../translator.js';
import { apply, binary, hold, type Lane2, pushSplat, simple, unary } from './operands.js';

/** Instructions that are one of WebAssembly's. */
const SAME: Readonly<Record<string, number>> = {
  paddb: Simd.i8x16Add,
  paddw: Simd.i16x8Add,
  paddd: Simd.i32x4Add,
  paddq: Simd.i64x2Add,
  psubb: Simd.i8x16Sub,
  psubw: Simd.i16x8Sub,
  psubd: Simd.i32x4Sub,
  psubq: Simd.i64x2Sub,
  paddsb: Simd.i8x16AddSatS,
  paddsw: Simd.i16x8AddSatS,
  paddusb: Simd.i8x16AddSatU,
  paddusw: Simd.i16x8AddSatU,
  psubsb: Simd.i8x16SubSatS,
  psubsw: Simd.i16x8SubSatS,
  psubusb: Simd.i8x16SubSatU,
  psubusw: Simd.i16x8SubSatU,
  pand: Simd.and,
  por: Simd.or,
  pxor: Simd.xor,
  andps: Simd.and,
  andpd: Simd.and,
  orps: Simd.or,
  orpd: Simd.or,
  xorps: Simd.xor,
  xorpd: Simd.xor,
  pcmpeqb: Simd.i8x16Eq,
  pcmpeqw: Simd.i16x8Eq,
  pcmpeqd: Simd.i32x4Eq,
  pcmpeqq: Simd.i64x2Eq,
  pcmpgtb: Simd.i8x16GtS,
  pcmpgtw: Simd.i16x8GtS,
  pcmpgtd: Simd.i32x4GtS,
  pcmpgtq: Simd.i64x2GtS,
  pminsb: Simd.i8x16MinS,
  pminsw: Simd.i16x8MinS,
  pminsd: Simd.i32x4MinS,
  pminub: Simd.i8x16MinU,
  pminuw: Simd.i16x8MinU,
  pminud: Simd.i32x4MinU,
  pmaxsb: Simd.i8x16MaxS,
  pmaxsw: Simd.i16x8MaxS,
  pmaxsd: Simd.i32x4MaxS,
  pmaxub: Simd.i8x16MaxU,
  pmaxuw: Simd.i16x8MaxU,
  pmaxud: Simd.i32x4MaxU,
  pavgb: Simd.i8x16AvgrU,
  pavgw: Simd.i16x8AvgrU,
  pmullw: Simd.i16x8Mul,
  pmulld: Simd.i32x4Mul,
  pmaddwd: Simd.i32x4Dot,
  packsswb: Simd.i8x16NarrowS,
  packuswb: Simd.i8x16NarrowU,
  packssdw: Simd.i16x8NarrowS,
  packusdw: Simd.i16x8NarrowU,
};

export const SIMPLE = Object.keys(SAME);

export function same(t: Translator, insn: Insn): void {
  simple(t, insn, [SAME[insn.op]]);
}

/** pandn: x86 inverts the first operand, WebAssembly the second. */
export function andNot(t: Translator, insn: Insn): void {
  simple(t, insn, [Simd.andnot], true);
}

/** pabsb, pabsw, pabsd. */
export function absolute(t: Translator, insn: Insn): void {
  const op = insn.op === 'pabsb' ? Simd.i8x16Abs : insn.op === 'pabsw' ? Simd.i16x8Abs : Simd.i32x4Abs;
  unary(t, insn, (_, x) => apply(t, [op], x));
}

const EVEN_WORDS = [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29];
const ODD_WORDS = EVEN_WORDS.map((byte) => byte + 2);
const EVEN_DWORDS = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const ODD_DWORDS = EVEN_DWORDS.map((byte) => byte + 4);

/** pmulhw, pmulhuw: the upper halves of 32-bit products. */
export function multiplyHigh(t: Translator, insn: Insn): void {
  const [low, high] =
    insn.op === 'pmulhw'
      ? [Simd.i32x4ExtmulLowS, Simd.i32x4ExtmulHighS]
      : [Simd.i32x4ExtmulLowU, Simd.i32x4ExtmulHighU];
  binary(t, insn, (_, x, y) => {
    apply(t, [low], x, y);
    apply(t, [high], x, y);
    t.w.shuffle(ODD_WORDS);
  });
}

/** pmuludq, pmuldq: 64-bit products of the even 32-bit elements. */
export function multiplyEven(t: Translator, insn: Insn): void {
  const op = insn.op === 'pmuldq' ? Simd.i64x2ExtmulLowS : Simd.i64x2ExtmulLowU;
  const pushEven = (local: number): void => {
    t.w.get(local);
    t.w.get(local);
    t.w.shuffle(EVEN_DWORDS);
  };
  binary(t, insn, (_, x, y) => {
    pushEven(x);
    pushEven(y);
    t.w.simd(op);
  });
}

/** pmulhrsw: as WebAssembly's, but -1 * -1 overflows. */
export function multiplyRounded(t: Translator, insn: Insn): void {
  binary(t, insn, (_, x, y) => {
    const { w } = t;
    apply(t, [Simd.i16x8Q15Mulr], x, y);
    w.get(x);
    w.get(y);
    w.simd(Simd.and);
    pushSplat(t, 0x8000_8000);
    w.simd(Simd.i16x8Eq);
    // Both are -32768 where their AND is and neither has other bits set.
    w.get(x);
    w.get(y);
    w.simd(Simd.or);
    pushSplat(t, 0x8000_8000);
    w.simd(Simd.i16x8Eq, Simd.and, Simd.xor);
  });
}

/** pmaddubsw: unsigned bytes of x times signed ones of y, neighbours added with saturation. */
export function multiplyAddBytes(t: Translator, insn: Insn): void {
  const { w } = t;
  binary(t, insn, (_, x, y) => {
    w.get(x);
    pushSplat(t, 0x00ff_00ff);
    w.simd(Simd.and);
    w.get(y);
    w.i32(8);
    w.simd(Simd.i16x8Shl);
    w.i32(8);
    w.simd(Simd.i16x8ShrS, Simd.i16x8Mul);
    w.get(x);
    w.i32(8);
    w.simd(Simd.i16x8ShrU);
    w.get(y);
    w.i32(8);
    w.simd(Simd.i16x8ShrS, Simd.i16x8Mul, Simd.i16x8AddSatS);
  });
}

/** psadbw: sums of absolute differences of eight bytes each. */
export function sumDifferences(t: Translator, insn: Insn): void {
  const { w } = t;
  binary(t, insn, (_, x, y) => {
    apply(t, [Simd.i8x16MaxU], x, y);
    apply(t, [Simd.i8x16MinU], x, y);
    w.simd(Simd.i8x16Sub, Simd.i16x8ExtaddU, Simd.i32x4ExtaddU);
    const sums = hold(t);
    w.get(sums);
    w.get(sums);
    w.i32(32);
    w.simd(Simd.i64x2ShrU, Simd.i32x4Add);
    w.v128([255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]);
    w.simd(Simd.and);
  });
}

const SIGNS: Readonly<Record<string, readonly [eq: number, gt: number, sub: number]>> = {
  psignb: [Simd.i8x16Eq, Simd.i8x16GtS, Simd.i8x16Sub],
  psignw: [Simd.i16x8Eq, Simd.i16x8GtS, Simd.i16x8Sub],
  psignd: [Simd.i32x4Eq, Simd.i32x4GtS, Simd.i32x4Sub],
};

/** psignb, psignw, psignd: x, 0 or -x as y is positive, zero or negative. */
export function sign(t: Translator, insn: Insn): void {
  const { w } = t;
  const [eq, gt, sub] = SIGNS[insn.op];
  binary(t, insn, (_, x, y) => {
    pushSplat(t, 0);
    w.get(y);
    w.simd(gt);
    const negative = hold(t);
    apply(t, [Simd.xor], x, negative);
    w.get(negative);
    w.simd(sub);
    w.get(y);
    pushSplat(t, 0);
    w.simd(eq, Simd.andnot);
  });
}

const HORIZONTAL: Readonly<Record<string, readonly [op: number, even: number[], odd: number[]]>> = {
  phaddw: [Simd.i16x8Add, EVEN_WORDS, ODD_WORDS],
  phaddsw: [Simd.i16x8AddSatS, EVEN_WORDS, ODD_WORDS],
  phaddd: [Simd.i32x4Add, EVEN_DWORDS, ODD_DWORDS],
  phsubw: [Simd.i16x8Sub, EVEN_WORDS, ODD_WORDS],
  phsubsw: [Simd.i16x8SubSatS, EVEN_WORDS, ODD_WORDS],
  phsubd: [Simd.i32x4Sub, EVEN_DWORDS, ODD_DWORDS],
  haddps: [Simd.f32x4Add, EVEN_DWORDS, ODD_DWORDS],
  hsubps: [Simd.f32x4Sub, EVEN_DWORDS, ODD_DWORDS],
  haddpd: [Simd.f64x2Add, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23], []],
  hsubpd: [Simd.f64x2Sub, [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23], []],
};

export const HORIZONTAL_OPS = Object.keys(HORIZONTAL);

/** phaddw and its kin: neighbours of x, then those of y. */
export function horizontal(t: Translator, insn: Insn): void {
  const [op, even, odd] = HORIZONTAL[insn.op];
  const second = odd.length > 0 ? odd : even.map((byte) => byte + 8);
  const emit: Lane2 = (_, x, y) => {
    for (const lanes of [even, second]) {
      t.w.get(x);
      t.w.get(y);
      t.w.shuffle(lanes);
    }
    t.w.simd(op);
  };
  binary(t, insn, emit);
}
