import { ARITHMETIC, CF, ZF } from '../decode/effects.js';
import type { Insn, Operand } from '../decode/instruction.js';
import { Op } from '../wasm/op.js';
import { pushValue } from './arithmetic.js';
import { L } from './locals.js';
import type { Translator } from './translator.js';

/** bt, bts, btr, btc. A register bit offset reaches beyond a memory operand, in units of its size. */
export function bitTest(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size, op } = insn;
  const a = insn.a!;
  const b = insn.b!;
  const bits = size * 8;
  const write = op !== 'bt';
  if (a.kind === 'mem') {
    if (b.kind === 'reg') {
      // ea += (signed offset >> log2(bits)) * size. The site describes what the run loop can recompute.
      t.pushAddress(a, -0x8000_0000);
      t.pushReg(b.reg, size);
      if (size < 8) {
        t.signExtend(size);
        w.op(Op.i64ExtendI32S);
      }
      w.i64(Math.log2(bits));
      w.op(Op.i64ShrS);
      w.i64(Math.log2(size));
      w.op(Op.i64Shl, Op.i64Add);
      w.set(L.ea);
      t.check(size, write, a, { reg: b.reg, size });
    } else t.access(a, size, write);
    t.load(size);
  } else t.pushOperand(a, size);
  const value = t.temp(size);
  const bit = t.temp(size);
  w.set(value);
  if (b.kind === 'imm') t.constant(b.value & (bits - 1), size);
  else {
    t.pushOperand(b, size);
    t.constant(bits - 1, size);
    t.pick(size, Op.i64And, Op.i32And);
  }
  w.set(bit);
  const carry = t.temp32();
  w.get(value);
  w.get(bit);
  t.pick(size, Op.i64ShrU, Op.i32ShrU);
  if (size === 8) w.op(Op.i32WrapI64);
  w.i32(1);
  w.op(Op.i32And);
  w.set(carry);
  if (write) {
    w.get(value);
    t.constant(1, size);
    w.get(bit);
    t.pick(size, Op.i64Shl, Op.i32Shl);
    if (op === 'bts') t.pick(size, Op.i64Or, Op.i32Or);
    else if (op === 'btc') t.pick(size, Op.i64Xor, Op.i32Xor);
    else {
      t.constant(-1, size);
      t.pick(size, Op.i64Xor, Op.i32Xor);
      t.pick(size, Op.i64And, Op.i32And);
    }
    t.popOperand(a, size);
  }
  w.get(carry);
  w.set(L.cf);
  t.flags.overwritten(CF);
}

/** bsf, bsr: with a zero source ZF is set and the destination keeps its value, upper half included. */
export function bitScan(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const a = insn.a as Operand & { kind: 'reg' };
  const source = t.temp(size);
  t.pushOperand(insn.b!, size);
  w.set(source);
  w.get(source);
  t.pick(size, Op.i64Eqz, Op.i32Eqz);
  w.set(L.zf);
  t.flags.overwritten(ZF);
  w.get(L.zf);
  w.op(Op.i32Eqz, Op.if, 0x40);
  t.depth++;
  if (insn.op === 'bsr') {
    t.constant(size === 8 ? 63 : 31, size);
    w.get(source);
    t.pick(size, Op.i64Clz, Op.i32Clz);
    t.pick(size, Op.i64Sub, Op.i32Sub);
  } else {
    w.get(source);
    t.pick(size, Op.i64Ctz, Op.i32Ctz);
  }
  t.popReg(a.reg, size);
  w.op(Op.end);
  t.depth--;
}

/** tzcnt, lzcnt: CF for a zero source, ZF for a zero result. */
export function countZeros(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const source = t.temp(size);
  const result = t.temp(size);
  t.pushOperand(insn.b!, size);
  w.set(source);
  w.get(source);
  if (size === 2) {
    if (insn.op === 'tzcnt') {
      w.i32(0x10000);
      w.op(Op.i32Or, Op.i32Ctz);
    } else {
      w.op(Op.i32Clz);
      w.i32(16);
      w.op(Op.i32Sub);
    }
  } else if (insn.op === 'tzcnt') t.pick(size, Op.i64Ctz, Op.i32Ctz);
  else t.pick(size, Op.i64Clz, Op.i32Clz);
  w.set(result);
  w.get(source);
  t.pick(size, Op.i64Eqz, Op.i32Eqz);
  w.set(L.cf);
  w.get(result);
  t.pick(size, Op.i64Eqz, Op.i32Eqz);
  w.set(L.zf);
  t.flags.overwritten(CF | ZF);
  w.get(result);
  t.popOperand(insn.a!, size);
}

export function popcnt(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const source = t.temp(size);
  t.pushOperand(insn.b!, size);
  w.set(source);
  w.get(source);
  t.pick(size, Op.i64Popcnt, Op.i32Popcnt);
  t.popOperand(insn.a!, size);
  w.get(source);
  t.pick(size, Op.i64Eqz, Op.i32Eqz);
  w.set(L.zf);
  for (const local of [L.cf, L.of, L.sf, L.af, L.pf]) {
    w.i32(0);
    w.set(local);
  }
  t.flags.overwritten(ARITHMETIC);
}

/** Pops the result of a BMI instruction into the first operand; ZF and SF follow from it, OF is clear. */
function finish(t: Translator, insn: Insn, result: number, carry: 'clear' | 'set'): void {
  t.w.get(result);
  t.popOperand(insn.a!, insn.size);
  t.flags.define('logic', insn.size, ARITHMETIC, t.liveAfter, { r: { local: result } });
  if (carry === 'clear' || !(t.liveAfter & CF)) return;
  t.flags.overwritten(CF);
}

export function andn(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const result = t.temp(size);
  t.pushOperand(insn.b!, size);
  t.constant(-1, size);
  t.pick(size, Op.i64Xor, Op.i32Xor);
  t.pushOperand(insn.c!, size);
  t.pick(size, Op.i64And, Op.i32And);
  w.set(result);
  finish(t, insn, result, 'clear');
}

/** blsr: x & (x-1); blsmsk: x ^ (x-1); blsi: x & -x. CF says whether x is zero (blsi: is not). */
export function lowestBit(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size, op } = insn;
  const x = t.temp(size);
  const result = t.temp(size);
  t.pushOperand(insn.b!, size);
  w.set(x);
  w.get(x);
  if (op === 'blsi') {
    t.constant(0, size);
    w.get(x);
    t.pick(size, Op.i64Sub, Op.i32Sub);
  } else {
    w.get(x);
    t.constant(1, size);
    t.pick(size, Op.i64Sub, Op.i32Sub);
  }
  if (op === 'blsmsk') t.pick(size, Op.i64Xor, Op.i32Xor);
  else t.pick(size, Op.i64And, Op.i32And);
  w.set(result);
  w.get(x);
  t.pick(size, Op.i64Eqz, Op.i32Eqz);
  if (op === 'blsi') w.op(Op.i32Eqz);
  w.set(L.cf);
  finish(t, insn, result, 'set');
}

/** bextr: length bits 15..8, start bits 7..0 of the control operand. */
export function bextr(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const bits = size * 8;
  const source = t.temp64();
  const control = t.temp32();
  const result = t.temp64();
  t.pushOperand(insn.b!, size);
  if (size === 4) w.op(Op.i64ExtendI32U);
  w.set(source);
  t.pushReg((insn.c as { reg: number }).reg, 4);
  w.set(control);
  const length = (): void => {
    w.get(control);
    w.i32(8);
    w.op(Op.i32ShrU);
    w.i32(255);
    w.op(Op.i32And);
  };
  // Shift counts of 64 and more are taken modulo 64 by WebAssembly, hence the selects.
  w.get(source);
  w.get(control);
  w.i32(255);
  w.op(Op.i32And, Op.i64ExtendI32U, Op.i64ShrU);
  w.i64(0);
  w.get(control);
  w.i32(255);
  w.op(Op.i32And);
  w.i32(bits);
  w.op(Op.i32LtU, Op.select);
  w.set(result);
  w.get(result);
  w.i64(1);
  length();
  w.op(Op.i64ExtendI32U, Op.i64Shl);
  w.i64(1);
  w.op(Op.i64Sub, Op.i64And);
  w.get(result);
  length();
  w.i32(64);
  w.op(Op.i32LtU, Op.select);
  w.set(result);
  finishWide(t, insn, result);
}

/** bzhi: clears the bits from the index in c's low byte on. */
export function bzhi(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const bits = size * 8;
  const source = t.temp64();
  const index = t.temp32();
  const result = t.temp64();
  t.pushOperand(insn.b!, size);
  if (size === 4) w.op(Op.i64ExtendI32U);
  w.set(source);
  t.pushReg((insn.c as { reg: number }).reg, 1);
  w.set(index);
  w.get(source);
  w.i64(1);
  w.get(index);
  w.op(Op.i64ExtendI32U, Op.i64Shl);
  w.i64(1);
  w.op(Op.i64Sub, Op.i64And);
  w.get(source);
  w.get(index);
  w.i32(bits);
  w.op(Op.i32LtU, Op.select);
  w.set(result);
  w.get(index);
  w.i32(bits);
  w.op(Op.i32GeU);
  w.set(L.cf);
  finishWide(t, insn, result, 'set');
}

function finishWide(t: Translator, insn: Insn, wide: number, carry: 'clear' | 'set' = 'clear'): void {
  if (insn.size === 8) {
    finish(t, insn, wide, carry);
    return;
  }
  const narrow = t.temp32();
  t.w.get(wide);
  t.w.op(Op.i32WrapI64);
  t.w.set(narrow);
  finish(t, insn, narrow, carry);
}

/** rorx, shlx, sarx, shrx: no flags. */
export function shiftWithoutFlags(t: Translator, insn: Insn): void {
  const { size, op } = insn;
  t.pushOperand(insn.b!, size);
  pushValue(t, insn.c!.kind === 'imm' ? { constant: insn.c!.value } : count(t, insn), size);
  if (op === 'rorx') t.pick(size, Op.i64Rotr, Op.i32Rotr);
  else if (op === 'shlx') t.pick(size, Op.i64Shl, Op.i32Shl);
  else if (op === 'sarx') t.pick(size, Op.i64ShrS, Op.i32ShrS);
  else t.pick(size, Op.i64ShrU, Op.i32ShrU);
  t.popOperand(insn.a!, size);
}

/** The count register; WebAssembly masks counts as x86 does. */
function count(t: Translator, insn: Insn): { local: number } {
  const local = t.temp(insn.size);
  t.pushOperand(insn.c!, insn.size);
  t.w.set(local);
  return { local };
}
