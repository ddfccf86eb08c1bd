import type { Insn, Operand } from '../../decode/instruction.js';
import { Op } from '../../wasm/op.js';
import { Simd } from '../../wasm/simd.js';
import type { Translator } from '../translator.js';
import {
  binary,
  finish,
  halvesOf,
  localOf,
  popHalf,
  pushLane64,
  pushZero,
  source,
  unary,
} from './operands.js';

interface Shift {
  readonly op: number;
  /** Bits of an element. */
  readonly bits: number;
  /** Counts from `bits` on fill with the sign instead of clearing. */
  readonly arithmetic: boolean;
}

const SHIFTS: Readonly<Record<string, Shift>> = {
  psrlw: { op: Simd.i16x8ShrU, bits: 16, arithmetic: false },
  psrld: { op: Simd.i32x4ShrU, bits: 32, arithmetic: false },
  psrlq: { op: Simd.i64x2ShrU, bits: 64, arithmetic: false },
  psraw: { op: Simd.i16x8ShrS, bits: 16, arithmetic: true },
  psrad: { op: Simd.i32x4ShrS, bits: 32, arithmetic: true },
  psllw: { op: Simd.i16x8Shl, bits: 16, arithmetic: false },
  pslld: { op: Simd.i32x4Shl, bits: 32, arithmetic: false },
  psllq: { op: Simd.i64x2Shl, bits: 64, arithmetic: false },
};

export const SHIFT_OPS = Object.keys(SHIFTS);

/** Shifts of all elements by one count, an immediate or the low 64 bits of a vector. */
export function shift(t: Translator, insn: Insn): void {
  const kind = SHIFTS[insn.op];
  if (insn.c) shiftByVector(t, insn, kind, insn.c);
  else shiftByImmediate(t, insn, kind);
}

function shiftByImmediate(t: Translator, insn: Insn, { op, bits, arithmetic }: Shift): void {
  unary(t, insn, (_, x, imm) => {
    if (imm >= bits && !arithmetic) {
      pushZero(t);
      return;
    }
    t.w.get(x);
    if (imm === 0) return;
    t.w.i32(Math.min(imm, bits - 1));
    t.w.simd(op);
  });
}

function shiftByVector(t: Translator, insn: Insn, { op, bits, arithmetic }: Shift, by: Operand): void {
  const { w } = t;
  const wide = t.temp64();
  const count = t.temp32();
  pushLane64(t, source(t, insn, by).local(0), 0);
  w.set(wide);
  w.get(wide);
  w.i64(bits - 1);
  w.get(wide);
  w.i64(bits - 1);
  w.op(Op.i64LtU, Op.select, Op.i32WrapI64);
  w.set(count);
  for (const half of halvesOf(insn)) {
    w.get(localOf(t, insn.b!, half));
    w.get(count);
    w.simd(op);
    if (!arithmetic) {
      pushZero(t);
      w.get(wide);
      w.i64(bits);
      w.op(Op.i64LtU, Op.select);
    }
    popHalf(t, insn.a!, half);
  }
  finish(t, insn);
}

/** psrldq, pslldq: bytes of each half. */
export function shiftBytes(t: Translator, insn: Insn): void {
  const left = insn.op === 'pslldq';
  unary(t, insn, (_, x, imm) => {
    const count = Math.min(imm, 16);
    t.w.get(x);
    pushZero(t);
    t.w.shuffle(
      Array.from({ length: 16 }, (__, i) => {
        const from = left ? i - count : i + count;
        return from >= 0 && from < 16 ? from : 16;
      }),
    );
  });
}

/** psllvd and its kin: a count for each element. */
export function shiftEach(t: Translator, insn: Insn): void {
  const { w } = t;
  const wide = insn.op.endsWith('q');
  const bits = wide ? 64 : 32;
  const [extract, replace] = wide
    ? [Simd.i64x2Extract, Simd.i64x2Replace]
    : [Simd.i32x4Extract, Simd.i32x4Replace];
  const arithmetic = insn.op.startsWith('psra');
  const op = insn.op.startsWith('psll')
    ? [Op.i64Shl, Op.i32Shl]
    : arithmetic
      ? [Op.i64ShrS, Op.i32ShrS]
      : [Op.i64ShrU, Op.i32ShrU];
  const count = t.temp(bits / 8);
  const push = (value: number): void => t.constant(value, bits / 8);
  binary(t, insn, (_, x, y) => {
    pushZero(t);
    for (let lane = 0; lane < 128 / bits; lane++) {
      w.get(y);
      w.simdLane(extract, lane);
      w.set(count);
      w.get(x);
      w.simdLane(extract, lane);
      w.get(count);
      if (arithmetic) {
        push(bits - 1);
        w.get(count);
        push(bits);
        t.pick(bits / 8, Op.i64LtU, Op.i32LtU);
        w.byte(Op.select);
      }
      w.byte(wide ? op[0] : op[1]);
      if (!arithmetic) {
        push(0);
        w.get(count);
        push(bits);
        t.pick(bits / 8, Op.i64LtU, Op.i32LtU);
        w.byte(Op.select);
      }
      w.simdLane(replace, lane);
    }
  });
}
