import type { Insn } from '../../decode/instruction.js';
import { Op } from '../../wasm/op.js';
import { Simd } from '../../wasm/simd.js';
import type { Translator } from '../translator.js';
import { binary, finish, halvesOf, hold, localOf, popHalf, pushZero, source, unary } from './operands.js';

/**
 * Floating point with the rounding mode at its default, to nearest. MXCSR keeps what is loaded into it, but
 * its exception flags are not raised and its other modes have no effect.
 */
const F32: Readonly<Record<string, number>> = {
  add: Simd.f32x4Add,
  sub: Simd.f32x4Sub,
  mul: Simd.f32x4Mul,
  div: Simd.f32x4Div,
  // x86 takes the second operand unless the first is less (greater): WebAssembly's with operands exchanged.
  min: Simd.f32x4Pmin,
  max: Simd.f32x4Pmax,
};
const F64: Readonly<Record<string, number>> = {
  add: Simd.f64x2Add,
  sub: Simd.f64x2Sub,
  mul: Simd.f64x2Mul,
  div: Simd.f64x2Div,
  min: Simd.f64x2Pmin,
  max: Simd.f64x2Pmax,
};

export const ARITHMETIC_OPS = Object.keys(F32).flatMap((op) =>
  ['ps', 'pd', 'ss', 'sd'].map((kind) => op + kind),
);

/** Bytes of the scalar that `ss` and `sd` instructions work on; undefined: whole vectors. */
const scalarBytes = (op: string): 4 | 8 | undefined =>
  op.endsWith('ss') ? 4 : op.endsWith('sd') ? 8 : undefined;

/** Pops a vector and pushes it with its upper elements from another. */
function keepUpper(t: Translator, from: number, bytes: 4 | 8): void {
  t.w.get(from);
  t.w.shuffle(Array.from({ length: 16 }, (_, i) => (i < bytes ? i : 16 + i)));
}

/** addps, addpd, addss, addsd and their kin. */
export function arithmetic(t: Translator, insn: Insn): void {
  const name = insn.op.slice(0, 3);
  const op = (insn.op[4] === 's' ? F32 : F64)[name];
  const bytes = scalarBytes(insn.op);
  const exchanged = name === 'min' || name === 'max';
  binary(t, insn, (_, x, y) => {
    t.w.get(exchanged ? y : x);
    t.w.get(exchanged ? x : y);
    t.w.simd(op);
    if (bytes) keepUpper(t, x, bytes);
  });
}

/** sqrtps, sqrtpd; sqrtss, sqrtsd. */
export function squareRoot(t: Translator, insn: Insn): void {
  ofSource(t, insn, insn.op[5] === 's' ? Simd.f32x4Sqrt : Simd.f64x2Sqrt);
}

/** roundps and its kin: to nearest, down, up, to zero; bit 2 of the immediate asks for MXCSR's mode, to nearest. */
export function round(t: Translator, insn: Insn): void {
  const single = insn.op[6] === 's';
  const mode = insn.vector!.imm & 4 ? 0 : insn.vector!.imm & 3;
  const op = single
    ? [Simd.f32x4Nearest, Simd.f32x4Floor, Simd.f32x4Ceil, Simd.f32x4Trunc][mode]
    : [Simd.f64x2Nearest, Simd.f64x2Floor, Simd.f64x2Ceil, Simd.f64x2Trunc][mode];
  ofSource(t, insn, op);
}

/** A function of one vector; the scalar forms take their upper elements from the first operand. */
function ofSource(t: Translator, insn: Insn, op: number): void {
  const bytes = scalarBytes(insn.op);
  if (!bytes) {
    unary(t, insn, (_, x) => {
      t.w.get(x);
      t.w.simd(op);
    });
    return;
  }
  binary(t, insn, (_, x, y) => {
    t.w.get(y);
    t.w.simd(op);
    keepUpper(t, x, bytes);
  });
}

/** addsubps, addsubpd: differences in even elements, sums in odd ones. */
export function addSubtract(t: Translator, insn: Insn): void {
  const single = insn.op.endsWith('ps');
  const size = single ? 4 : 8;
  const table = single ? F32 : F64;
  binary(t, insn, (_, x, y) => {
    for (const op of ['sub', 'add']) {
      t.w.get(x);
      t.w.get(y);
      t.w.simd(table[op]);
    }
    t.w.shuffle(Array.from({ length: 16 }, (__, i) => ((i / size) & 1 ? 16 + i : i)));
  });
}

/** How predicates 0 to 15 follow from comparisons; 16 to 31 differ from them in what they signal only. */
interface Predicate {
  readonly test: 'eq' | 'lt' | 'le' | 'unordered' | 'false' | 'ne-ordered';
  /** Operands are exchanged. */
  readonly exchanged?: boolean;
  readonly inverted?: boolean;
}

const PREDICATES: readonly Predicate[] = [
  { test: 'eq' },
  { test: 'lt' },
  { test: 'le' },
  { test: 'unordered' },
  { test: 'eq', inverted: true },
  { test: 'lt', inverted: true },
  { test: 'le', inverted: true },
  { test: 'unordered', inverted: true },
  { test: 'ne-ordered', inverted: true },
  { test: 'le', exchanged: true, inverted: true },
  { test: 'lt', exchanged: true, inverted: true },
  { test: 'false' },
  { test: 'ne-ordered' },
  { test: 'le', exchanged: true },
  { test: 'lt', exchanged: true },
  { test: 'false', inverted: true },
];

/** cmpps, cmppd, cmpss, cmpsd: all ones where a predicate holds (Intel SDM volume 2, CMPPD, table 3-1). */
export function compare(t: Translator, insn: Insn): void {
  const { w } = t;
  const bytes = scalarBytes(insn.op);
  const [eq, ne, lt, le] =
    insn.op[4] === 's'
      ? [Simd.f32x4Eq, Simd.f32x4Ne, Simd.f32x4Lt, Simd.f32x4Le]
      : [Simd.f64x2Eq, Simd.f64x2Ne, Simd.f64x2Lt, Simd.f64x2Le];
  const pushTest = ({ test }: Predicate, x: number, y: number): void => {
    const pair = (first: number, second: number, op: number): void => {
      w.get(first);
      w.get(second);
      w.simd(op);
    };
    switch (test) {
      case 'false':
        pushZero(t);
        return;
      case 'unordered':
        pair(x, x, ne);
        pair(y, y, ne);
        w.simd(Simd.or);
        return;
      case 'ne-ordered':
        pair(x, y, lt);
        pair(y, x, lt);
        w.simd(Simd.or);
        return;
      default:
        pair(x, y, { eq, lt, le }[test]);
    }
  };
  binary(t, insn, (_, x, y, imm) => {
    const predicate = PREDICATES[imm & 15];
    if (predicate.exchanged) pushTest(predicate, y, x);
    else pushTest(predicate, x, y);
    if (predicate.inverted) w.simd(Simd.not);
    if (bytes) keepUpper(t, x, bytes);
  });
}

/** cvtsi2ss, cvtsi2sd. */
export function fromInteger(t: Translator, insn: Insn): void {
  const { w } = t;
  const c = insn.c!;
  const wide = (c as { size: number }).size === 8;
  const single = insn.op === 'cvtsi2ss';
  const value = t.temp(wide ? 8 : 4);
  t.pushOperand(c, wide ? 8 : 4);
  w.set(value);
  w.get(localOf(t, insn.b!, 0));
  w.get(value);
  // f32.convert_i32_s, f32.convert_i64_s, f64.convert_i32_s, f64.convert_i64_s
  w.byte(single ? (wide ? 0xb4 : 0xb2) : wide ? 0xb9 : 0xb7);
  w.simdLane(single ? Simd.f32x4Replace : Simd.f64x2Replace, 0);
  popHalf(t, insn.a!, 0);
  finish(t, insn);
}

/** cvttss2si, cvttsd2si truncate, cvtss2si, cvtsd2si round to nearest; what does not fit gives the smallest integer. */
export function toInteger(t: Translator, insn: Insn): void {
  const { w } = t;
  const a = insn.a as { reg: number; size: 4 | 8 };
  const single = insn.op.endsWith('ss2si');
  const truncates = insn.op.startsWith('cvtt');
  const x = source(t, insn, insn.b!).local(0);
  const push = (): void => {
    w.get(x);
    w.simdLane(single ? Simd.f32x4Extract : Simd.f64x2Extract, 0);
    if (single) w.byte(0xbb); // f64.promote_f32
    if (!truncates) w.byte(0x9e); // f64.nearest
  };
  const wide = a.size === 8;
  const result = t.temp(a.size);
  push();
  // i32.trunc_sat_f64_s, i64.trunc_sat_f64_s
  w.op(0xfc);
  w.u32(wide ? 6 : 2);
  w.set(result);
  // Saturation to the largest integer, and NaN as 0, both become the smallest.
  if (wide) w.i64big(-0x8000_0000_0000_0000n);
  else w.i32(-0x8000_0000);
  w.get(result);
  push();
  pushF64(t, 2 ** (wide ? 63 : 31));
  w.byte(0x66); // f64.ge
  push();
  push();
  w.byte(0x62); // f64.ne
  w.op(Op.i32Or, Op.select);
  t.popReg(a.reg, a.size);
}

function pushF64(t: Translator, value: number): void {
  const bytes = new Uint8Array(new Float64Array([value]).buffer);
  t.w.byte(0x44);
  for (const byte of bytes) t.w.byte(byte);
}

/** Conversions between vectors of integers and floating-point numbers. */
export function convert(t: Translator, insn: Insn): void {
  const { w } = t;
  switch (insn.op) {
    case 'cvtdq2ps':
      unary(t, insn, (_, x) => {
        w.get(x);
        w.simd(Simd.f32x4ConvertS);
      });
      return;
    case 'cvttps2dq':
    case 'cvtps2dq':
      unary(t, insn, (_, x) => toIntegers(t, x, insn.op === 'cvtps2dq'));
      return;
    case 'cvtss2sd':
    case 'cvtsd2ss':
      binary(t, insn, (_, x, y) => {
        w.get(y);
        w.simd(insn.op === 'cvtss2sd' ? Simd.promote : Simd.demote);
        keepUpper(t, x, insn.op === 'cvtss2sd' ? 8 : 4);
      });
      return;
    default:
      widthChange(t, insn);
  }
}

/** Pushes four floats as integers; those that do not fit, and NaN, give the smallest. */
function toIntegers(t: Translator, x: number, nearest: boolean): void {
  const { w } = t;
  w.get(x);
  if (nearest) w.simd(Simd.f32x4Nearest);
  w.simd(Simd.i32x4TruncF32);
  w.v128([0, 0, 0, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0x80]);
  // In range: x < 2^31, which is false for NaN.
  w.get(x);
  w.v128([0, 0, 0, 0x4f, 0, 0, 0, 0x4f, 0, 0, 0, 0x4f, 0, 0, 0, 0x4f]);
  w.simd(Simd.f32x4Lt, Simd.bitselect);
}

/** Pushes two doubles as integers, zeros above; those that do not fit, and NaN, give the smallest. */
function pairToIntegers(t: Translator, x: number, nearest: boolean): void {
  const { w } = t;
  const low = [0, 1, 2, 3, 8, 9, 10, 11];
  w.get(x);
  if (nearest) w.simd(Simd.f64x2Nearest);
  const value = hold(t);
  w.get(value);
  w.simd(Simd.i32x4TruncF64);
  w.v128([0, 0, 0, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]);
  // In range: less than 2^31, which is false for NaN. Zeros above are in range.
  w.get(value);
  w.v128([0, 0, 0, 0, 0, 0, 0xe0, 0x41, 0, 0, 0, 0, 0, 0, 0xe0, 0x41]);
  w.simd(Simd.f64x2Lt);
  const inRange = hold(t);
  w.get(inRange);
  w.get(inRange);
  w.shuffle([...low, ...low]);
  w.simd(Simd.bitselect);
}

/** cvtps2pd, cvtdq2pd: twice as wide; cvtpd2ps, cvttpd2dq, cvtpd2dq: half as wide. */
function widthChange(t: Translator, insn: Insn): void {
  const { w } = t;
  const from = source(t, insn, insn.b!);
  const wide = insn.vector!.size === 32;
  if (insn.op !== 'cvtps2pd' && insn.op !== 'cvtdq2pd') {
    const parts = halvesOf(insn).map((half) => {
      if (insn.op === 'cvtpd2ps') {
        from.push(half);
        w.simd(Simd.demote);
      } else pairToIntegers(t, from.local(half), insn.op === 'cvtpd2dq');
      return hold(t);
    });
    w.get(parts[0]);
    if (wide) {
      w.get(parts[1]);
      w.shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
    }
    popHalf(t, insn.a!, 0);
    if (wide) {
      pushZero(t);
      popHalf(t, insn.a!, 1);
    }
    finish(t, insn);
    return;
  }
  const x = from.local(0);
  const op = insn.op === 'cvtps2pd' ? Simd.promote : Simd.f64x2ConvertLowS;
  w.get(x);
  w.simd(op);
  const low = hold(t);
  if (wide) {
    w.get(x);
    w.get(x);
    w.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
    w.simd(op);
    popHalf(t, insn.a!, 1);
  }
  w.get(low);
  popHalf(t, insn.a!, 0);
  finish(t, insn);
}
