import { AF, CF, constantCount, OF, PF, SF, ZF } from '../decode/effects.js';
import type { Insn, Operand } from '../decode/instruction.js';
import { Op } from '../wasm/op.js';
import { L } from './locals.js';
import type { Translator } from './translator.js';

const ALL = CF | OF | AF | ZF | SF | PF;

/**
 * Shifts and rotates. A count of zero leaves all flags alone; OF is defined for a count of one only (Intel
 * SDM volume 2, SAL/SAR/SHL/SHR and RCL/RCR/ROL/ROR); for other counts it gets what the formula gives.
 */
export function shift(t: Translator, insn: Insn): void {
  shiftBy(t, insn, insn.b!, insn.op === 'rol' || insn.op === 'ror' ? CF | OF : ALL, pushShifted);
}

/** shld, shrd. */
export function doubleShift(t: Translator, insn: Insn): void {
  shiftBy(t, insn, insn.c!, ALL, pushDoubleShifted);
}

/** Operand a, the count (masked, as i32 or i64 like the operand) and b of a shift, in temporaries. */
interface Parts {
  readonly a: number;
  readonly pushCount: () => void;
  readonly pushCountMinus: (from: number, sign: 1 | -1) => void;
}

function shiftBy(
  t: Translator,
  insn: Insn,
  countOperand: Operand,
  written: number,
  pushResult: (t: Translator, insn: Insn, parts: Parts) => void,
): void {
  const { w } = t;
  const { size } = insn;
  const dest = insn.a!;
  const count = constantCount(insn, countOperand);
  if (dest.kind === 'mem') t.access(dest, size, true);
  if (count === 0 && !(dest.kind === 'reg' && size === 4)) return;
  const a = t.temp(size);
  const result = t.temp(size);
  let counter = 0;
  if (count === undefined) {
    counter = t.temp32();
    t.pushReg(1, 4);
    w.i32(size === 8 ? 63 : 31);
    w.op(Op.i32And);
    w.set(counter);
  }
  if (dest.kind === 'mem') t.load(size);
  else t.pushOperand(dest, size);
  w.set(a);
  const parts: Parts = {
    a,
    pushCount: () => {
      if (count !== undefined) t.constant(count, size);
      else {
        w.get(counter);
        if (size === 8) w.op(Op.i64ExtendI32U);
      }
    },
    // from + sign * count
    pushCountMinus: (from, sign) => {
      if (count !== undefined) t.constant(from + sign * count, size);
      else {
        if (sign < 0) {
          w.i32(from);
          w.get(counter);
          w.op(Op.i32Sub);
        } else {
          w.get(counter);
          w.i32(from);
          w.op(Op.i32Add);
        }
        if (size === 8) w.op(Op.i64ExtendI32U);
      }
    },
  };
  pushResult(t, insn, parts);
  t.mask(size);
  w.tee(result);
  t.popOperand(dest, size);
  const live = t.liveAfter & written;
  if (!live || count === 0) return;
  if (count === undefined) {
    t.flags.materialise(t.liveAfter);
    w.get(counter);
    w.op(Op.if, 0x40);
    t.depth++;
  }
  setFlags(t, insn, parts, result, live, written);
  if (count === undefined) {
    t.flags.materialise(t.liveAfter);
    w.op(Op.end);
    t.depth--;
  }
}

function pushShifted(t: Translator, insn: Insn, { a, pushCount }: Parts): void {
  const { w } = t;
  const { size, op } = insn;
  const narrowRotate = size < 4 && (op === 'rol' || op === 'ror');
  w.get(a);
  if (narrowRotate) {
    // (a << c) | (a >> (bits - c)) with the count modulo the operand's width.
    const bits = size * 8;
    const modulo = (): void => {
      pushCount();
      w.i32(bits - 1);
      w.op(Op.i32And);
    };
    modulo();
    w.op(op === 'rol' ? Op.i32Shl : Op.i32ShrU);
    w.get(a);
    w.i32(bits);
    modulo();
    w.op(Op.i32Sub, op === 'rol' ? Op.i32ShrU : Op.i32Shl, Op.i32Or);
    return;
  }
  if (op === 'sar') t.signExtend(size);
  pushCount();
  switch (op) {
    case 'shl':
      t.pick(size, Op.i64Shl, Op.i32Shl);
      return;
    case 'shr':
      t.pick(size, Op.i64ShrU, Op.i32ShrU);
      return;
    case 'sar':
      t.pick(size, Op.i64ShrS, Op.i32ShrS);
      return;
    case 'rol':
      t.pick(size, Op.i64Rotl, Op.i32Rotl);
      return;
    default:
      t.pick(size, Op.i64Rotr, Op.i32Rotr);
  }
}

function pushDoubleShifted(t: Translator, insn: Insn, { a, pushCount, pushCountMinus }: Parts): void {
  const { w } = t;
  const { size } = insn;
  const left = insn.op === 'shld';
  const b = insn.b as Operand & { kind: 'reg' };
  if (size === 8) {
    w.get(a);
    pushCount();
    w.op(left ? Op.i64Shl : Op.i64ShrU);
    t.pushReg(b.reg, 8);
    w.i64(1);
    w.op(left ? Op.i64ShrU : Op.i64Shl);
    pushCountMinus(63, -1);
    w.op(left ? Op.i64ShrU : Op.i64Shl, Op.i64Or);
    return;
  }
  // Narrower: shift the two operands as one number of twice the width.
  const high = (): void => {
    if (left) w.get(a);
    else t.pushReg(b.reg, size);
  };
  const low = (): void => {
    if (left) t.pushReg(b.reg, size);
    else w.get(a);
  };
  high();
  w.op(Op.i64ExtendI32U);
  w.i64(size * 8);
  w.op(Op.i64Shl);
  low();
  w.op(Op.i64ExtendI32U, Op.i64Or);
  pushCount();
  w.op(Op.i64ExtendI32U);
  if (left) {
    w.op(Op.i64Shl);
    w.i64(size * 8);
    w.op(Op.i64ShrU);
  } else w.op(Op.i64ShrU);
  w.op(Op.i32WrapI64);
}

/** Sets or defines the live flags of a shift by a count that is not zero. */
function setFlags(
  t: Translator,
  insn: Insn,
  { a, pushCountMinus }: Parts,
  result: number,
  live: number,
  written: number,
): void {
  const { w } = t;
  const { size, op } = insn;
  const bits = size * 8;
  const msb = (local: number, below = 0): void => {
    w.get(local);
    t.constant(bits - 1 - below, size);
    t.pick(size, Op.i64ShrU, Op.i32ShrU);
    if (size === 8) w.op(Op.i32WrapI64);
    w.i32(1);
    w.op(Op.i32And);
  };
  const bit = (): void => {
    if (size === 8) w.op(Op.i32WrapI64);
    w.i32(1);
    w.op(Op.i32And);
  };
  t.flags.materialise(t.liveAfter & ~written);
  if (live & (CF | OF)) {
    switch (op) {
      case 'rol':
        w.get(result);
        bit();
        break;
      case 'ror':
        msb(result);
        break;
      case 'shl':
      case 'shld':
        if (size < 4) {
          pushNarrowCarry(t, a, bits, pushCountMinus);
        } else {
          w.get(a);
          pushCountMinus(bits, -1);
          t.pick(size, Op.i64ShrU, Op.i32ShrU);
          bit();
        }
        break;
      default:
        w.get(a);
        if (op === 'sar') t.signExtend(size);
        pushCountMinus(-1, 1);
        t.pick(size, op === 'sar' ? Op.i64ShrS : Op.i64ShrU, op === 'sar' ? Op.i32ShrS : Op.i32ShrU);
        bit();
    }
    w.set(L.cf);
  }
  if (live & OF) {
    switch (op) {
      case 'rol':
      case 'shl':
        msb(result);
        w.get(L.cf);
        w.op(Op.i32Xor);
        break;
      case 'ror':
        msb(result);
        msb(result, 1);
        w.op(Op.i32Xor);
        break;
      case 'shr':
        msb(a);
        break;
      case 'sar':
        w.i32(0);
        break;
      default:
        msb(a);
        msb(result);
        w.op(Op.i32Xor);
    }
    w.set(L.of);
  }
  if (live & AF) {
    w.i32(0);
    w.set(L.af);
  }
  t.flags.overwritten(CF | OF | (written & AF));
  if (written & ZF) t.flags.define('result', size, ZF | SF | PF, t.liveAfter, { r: { local: result } });
}

/** CF of a narrow left shift: bit `bits` of a << count, as a 64-bit number. */
function pushNarrowCarry(
  t: Translator,
  a: number,
  bits: number,
  pushCountMinus: Parts['pushCountMinus'],
): void {
  const { w } = t;
  w.get(a);
  w.op(Op.i64ExtendI32U);
  pushCountMinus(0, 1);
  w.op(Op.i64ExtendI32U, Op.i64Shl);
  w.i64(bits);
  w.op(Op.i64ShrU, Op.i32WrapI64);
  w.i32(1);
  w.op(Op.i32And);
}
