import { ARITHMETIC } from '../decode/effects.js';
import type { Insn, Operand } from '../decode/instruction.js';
import { Op } from '../wasm/op.js';
import { L, reg as localOf } from './locals.js';
import type { Translator } from './translator.js';

/** Sets CF and OF from the i32 condition on the stack; the other flags are undefined. */
function setOverflow(t: Translator): void {
  t.w.tee(L.cf);
  t.w.set(L.of);
  t.flags.overwritten(ARITHMETIC);
}

/** Pushes the high 64 bits of the unsigned product of two i64 locals. */
export function pushHighProduct(t: Translator, x: number, y: number): void {
  const { w } = t;
  const low = (local: number): void => {
    w.get(local);
    w.i64(0xffff_ffff);
    w.op(Op.i64And);
  };
  const high = (local: number): void => {
    w.get(local);
    w.i64(32);
    w.op(Op.i64ShrU);
  };
  const middle = t.temp64();
  const cross = t.temp64();
  // middle = xh * yl + (xl * yl >> 32)
  high(x);
  low(y);
  w.op(Op.i64Mul);
  low(x);
  low(y);
  w.op(Op.i64Mul);
  w.i64(32);
  w.op(Op.i64ShrU, Op.i64Add);
  w.set(middle);
  // cross = xl * yh + low(middle)
  low(x);
  high(y);
  w.op(Op.i64Mul);
  low(middle);
  w.op(Op.i64Add);
  w.set(cross);
  high(x);
  high(y);
  w.op(Op.i64Mul);
  high(middle);
  w.op(Op.i64Add);
  high(cross);
  w.op(Op.i64Add);
}

/** Pushes the high half of the signed product: the unsigned one less y if x < 0, less x if y < 0. */
function pushSignedHighProduct(t: Translator, x: number, y: number): void {
  const { w } = t;
  pushHighProduct(t, x, y);
  for (const [sign, other] of [
    [x, y],
    [y, x],
  ]) {
    w.get(sign);
    w.i64(63);
    w.op(Op.i64ShrS);
    w.get(other);
    w.op(Op.i64And, Op.i64Sub);
  }
}

/** Pushes an operand of 1, 2 or 4 bytes extended to i64. */
function pushExtended(t: Translator, operand: Operand, size: number, signed: boolean): void {
  t.pushOperand(operand, size);
  if (!signed) {
    t.w.op(Op.i64ExtendI32U);
    return;
  }
  if (size === 1) t.w.op(Op.i32Extend8S);
  else if (size === 2) t.w.op(Op.i32Extend16S);
  t.w.op(Op.i64ExtendI32S);
}

const accumulator = (size: 1 | 2 | 4 | 8): Operand => ({ kind: 'reg', reg: 0, size, high: false });

/** mul and one-operand imul: RDX:RAX = RAX * operand. */
export function multiply(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const signed = insn.op === 'imul1';
  const flagsLive = t.liveAfter & ARITHMETIC;
  if (size === 8) {
    const x = t.temp64();
    const y = t.temp64();
    const high = t.temp64();
    t.pushOperand(insn.a!, 8);
    w.set(y);
    t.pushReg(0, 8);
    w.set(x);
    if (signed) pushSignedHighProduct(t, x, y);
    else pushHighProduct(t, x, y);
    w.set(high);
    w.get(x);
    w.get(y);
    w.op(Op.i64Mul);
    t.popReg(0, 8);
    w.get(high);
    t.popReg(2, 8);
    if (!flagsLive) return;
    w.get(high);
    if (signed) {
      w.get(localOf(0));
      w.i64(63);
      w.op(Op.i64ShrS);
    } else w.i64(0);
    w.op(Op.i64Ne);
    setOverflow(t);
    return;
  }
  const product = t.temp64();
  pushExtended(t, insn.a!, size, signed);
  pushExtended(t, accumulator(size), size, signed);
  w.op(Op.i64Mul);
  w.set(product);
  w.get(product);
  w.op(Op.i32WrapI64);
  if (size === 1) t.popReg(0, 2);
  else {
    t.popReg(0, size);
    w.get(product);
    w.i64(size * 8);
    w.op(Op.i64ShrU, Op.i32WrapI64);
    t.popReg(2, size);
  }
  if (!flagsLive) return;
  pushNotFitting(t, product, size, signed);
  setOverflow(t);
}

/** Pushes whether an i64 does not fit in `size` bytes. */
function pushNotFitting(t: Translator, product: number, size: number, signed: boolean): void {
  const { w } = t;
  w.get(product);
  if (signed) {
    w.get(product);
    w.op(size === 1 ? Op.i64Extend8S : size === 2 ? Op.i64Extend16S : Op.i64Extend32S);
    w.op(Op.i64Ne);
  } else {
    w.i64(size * 8);
    w.op(Op.i64ShrU, Op.i64Eqz, Op.i32Eqz);
  }
}

/** imul with two or three operands. */
export function signedMultiply(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const [left, right] = insn.c ? [insn.b!, insn.c] : [insn.b!, insn.a!];
  const flagsLive = t.liveAfter & ARITHMETIC;
  if (!flagsLive) {
    t.pushOperand(left, size);
    t.pushOperand(right, size);
    t.pick(size, Op.i64Mul, Op.i32Mul);
    t.popOperand(insn.a!, size);
    return;
  }
  if (size === 8) {
    const x = t.temp64();
    const y = t.temp64();
    t.pushOperand(left, 8);
    w.set(x);
    t.pushOperand(right, 8);
    w.set(y);
    const product = t.temp64();
    w.get(x);
    w.get(y);
    w.op(Op.i64Mul);
    w.tee(product);
    t.popOperand(insn.a!, 8);
    pushSignedHighProduct(t, x, y);
    w.get(product);
    w.i64(63);
    w.op(Op.i64ShrS, Op.i64Ne);
    setOverflow(t);
    return;
  }
  const product = t.temp64();
  pushExtended(t, left, size, true);
  pushExtended(t, right, size, true);
  w.op(Op.i64Mul);
  w.tee(product);
  w.op(Op.i32WrapI64);
  t.popOperand(insn.a!, size);
  pushNotFitting(t, product, size, true);
  setOverflow(t);
}

/** mulx: b (low half) and a (high half) = RDX * c, no flags. */
export function mulx(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const x = t.temp64();
  const y = t.temp64();
  t.pushOperand(insn.c!, size);
  if (size === 4) w.op(Op.i64ExtendI32U);
  w.set(y);
  t.pushReg(2, size);
  if (size === 4) w.op(Op.i64ExtendI32U);
  w.set(x);
  if (size === 4) {
    const product = t.temp64();
    w.get(x);
    w.get(y);
    w.op(Op.i64Mul);
    w.tee(product);
    w.op(Op.i32WrapI64);
    t.popOperand(insn.b!, 4);
    w.get(product);
    w.i64(32);
    w.op(Op.i64ShrU, Op.i32WrapI64);
    t.popOperand(insn.a!, 4);
    return;
  }
  const high = t.temp64();
  pushHighProduct(t, x, y);
  w.set(high);
  w.get(x);
  w.get(y);
  w.op(Op.i64Mul);
  t.popOperand(insn.b!, 8);
  w.get(high);
  t.popOperand(insn.a!, 8);
}

/** div and idiv. #DE for a zero divisor and for quotients that do not fit. */
export function divide(t: Translator, insn: Insn): void {
  if (insn.size === 8) divide128(t, insn);
  else divideNarrow(t, insn);
}

function divideNarrow(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const signed = insn.op === 'idiv';
  const bits = size * 8;
  const divisor = t.temp64();
  const dividend = t.temp64();
  const quotient = t.temp64();
  pushExtended(t, insn.a!, size, signed);
  w.set(divisor);
  if (size === 1) {
    t.pushReg(0, 2);
    if (signed) w.op(Op.i32Extend16S, Op.i64ExtendI32S);
    else w.op(Op.i64ExtendI32U);
  } else {
    t.pushReg(2, size);
    w.op(Op.i64ExtendI32U);
    w.i64(bits);
    w.op(Op.i64Shl);
    t.pushReg(0, size);
    w.op(Op.i64ExtendI32U, Op.i64Or);
    if (signed && size === 2) w.op(Op.i32WrapI64, Op.i64ExtendI32S);
  }
  w.set(dividend);
  t.aimAt({ kind: 'divide' });
  w.get(divisor);
  w.op(Op.i64Eqz);
  t.exitIf();
  if (signed && size === 4) {
    // -2^63 / -1 would trap in WebAssembly; it does not fit anyway.
    w.get(dividend);
    w.i64big(-(2n ** 63n));
    w.op(Op.i64Eq);
    t.exitIf();
  }
  w.get(dividend);
  w.get(divisor);
  w.op(signed ? Op.i64DivS : Op.i64DivU);
  w.set(quotient);
  pushNotFitting(t, quotient, size, signed);
  t.exitIf();
  const remainder = t.temp64();
  w.get(dividend);
  w.get(quotient);
  w.get(divisor);
  w.op(Op.i64Mul, Op.i64Sub);
  w.set(remainder);
  w.get(quotient);
  w.op(Op.i32WrapI64);
  t.popReg(0, size);
  w.get(remainder);
  w.op(Op.i32WrapI64);
  if (size === 1) t.popReg(0, 1, true);
  else t.popReg(2, size);
}

/** 128-bit dividends are left to the host unless the high half is only an extension of the low one. */
function divide128(t: Translator, insn: Insn): void {
  const { w } = t;
  const signed = insn.op === 'idiv';
  const divisor = t.temp64();
  const dividend = t.temp64();
  const quotient = t.temp64();
  t.pushOperand(insn.a!, 8);
  w.set(divisor);
  t.pushReg(0, 8);
  w.set(dividend);
  t.aimAt({ kind: 'divide', insn });
  t.pushReg(2, 8);
  if (signed) {
    w.get(dividend);
    w.i64(63);
    w.op(Op.i64ShrS, Op.i64Ne);
  } else w.op(Op.i64Eqz, Op.i32Eqz);
  w.get(divisor);
  w.op(Op.i64Eqz, Op.i32Or);
  if (signed) {
    w.get(dividend);
    w.i64big(-(2n ** 63n));
    w.op(Op.i64Eq);
    w.get(divisor);
    w.i64(-1);
    w.op(Op.i64Eq, Op.i32And, Op.i32Or);
  }
  t.exitIf();
  w.get(dividend);
  w.get(divisor);
  w.op(signed ? Op.i64DivS : Op.i64DivU);
  w.set(quotient);
  w.get(dividend);
  w.get(quotient);
  w.get(divisor);
  w.op(Op.i64Mul, Op.i64Sub);
  t.popReg(2, 8);
  w.get(quotient);
  t.popReg(0, 8);
}
