import { ARITHMETIC, CF, OF } from '../decode/effects.js';
import type { Insn } from '../decode/instruction.js';
import { Op } from '../wasm/op.js';
import type { Value } from './flags.js';
import { L, reg as localOf } from './locals.js';
import type { Translator } from './translator.js';

const WIDE: Record<string, number> = {
  add: Op.i64Add,
  sub: Op.i64Sub,
  cmp: Op.i64Sub,
  and: Op.i64And,
  test: Op.i64And,
  or: Op.i64Or,
  xor: Op.i64Xor,
};
const NARROW: Record<string, number> = {
  add: Op.i32Add,
  sub: Op.i32Sub,
  cmp: Op.i32Sub,
  and: Op.i32And,
  test: Op.i32And,
  or: Op.i32Or,
  xor: Op.i32Xor,
};

/** Second operand: a constant where it is an immediate, else a temporary that is set here. */
export function secondOperand(t: Translator, insn: Insn): Value {
  const { b, size } = insn;
  if (b?.kind === 'imm') return { constant: b.value };
  const local = t.temp(size);
  t.pushOperand(b!, size);
  t.w.set(local);
  return { local };
}

export function pushValue(t: Translator, value: Value, size: number): void {
  if ('constant' in value) t.pushImmediate(value.constant, size);
  else t.w.get(value.local);
}

/** add, sub, cmp, and, or, xor, test. */
export function binary(t: Translator, insn: Insn): void {
  const { op, size, w } = { op: insn.op, size: insn.size, w: t.w };
  const a = insn.a!;
  const discard = op === 'cmp' || op === 'test';
  const logic = op === 'and' || op === 'or' || op === 'xor' || op === 'test';
  if ((op === 'xor' || op === 'sub') && isSelf(insn)) {
    if (size === 8) w.i64(0);
    else w.i32(0);
    t.popOperand(a, size);
    t.flags.define('logic', size, ARITHMETIC, t.liveAfter, { r: zero(t, size) });
    return;
  }
  let left: number;
  let right: Value;
  if (a.kind === 'mem') {
    t.access(a, size, !discard);
    left = t.temp(size);
    t.load(size);
    w.set(left);
    right = secondOperand(t, insn);
  } else {
    right = secondOperand(t, insn);
    left = t.temp(size);
    t.pushReg(a.kind === 'reg' ? a.reg : 0, size, a.kind === 'reg' && a.high);
    w.set(left);
  }
  if (op === 'cmp') {
    t.flags.define('sub', size, ARITHMETIC, t.liveAfter, { a: { local: left }, b: right });
    return;
  }
  if (op === 'test' && !(t.liveAfter & ARITHMETIC)) return;
  const result = t.temp(size);
  w.get(left);
  pushValue(t, right, size);
  t.pick(size, WIDE[op], NARROW[op]);
  if (size < 4 && !logic) t.mask(size);
  w.set(result);
  if (!discard) {
    w.get(result);
    t.popOperand(a, size);
  }
  const r = { local: result };
  if (logic) t.flags.define('logic', size, ARITHMETIC, t.liveAfter, { r });
  else if (op === 'add') t.flags.define('add', size, ARITHMETIC, t.liveAfter, { a: { local: left }, r });
  else t.flags.define('sub', size, ARITHMETIC, t.liveAfter, { a: { local: left }, b: right });
}

function isSelf({ a, b }: Insn): boolean {
  return a?.kind === 'reg' && b?.kind === 'reg' && a.reg === b.reg && a.high === b.high;
}

function zero(t: Translator, size: number): Value {
  const local = t.temp(size);
  t.constant(0, size);
  t.w.set(local);
  return { local };
}

/** adc, sbb: the carry out is computed at once, the other flags later. */
export function withCarry(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const a = insn.a!;
  const add = insn.op === 'adc';
  const carry = t.temp32();
  const left = t.temp(size);
  let right: Value;
  if (a.kind === 'mem') {
    t.access(a, size, true);
    t.load(size);
    w.set(left);
    right = secondOperand(t, insn);
  } else {
    right = secondOperand(t, insn);
    t.pushOperand(a, size);
    w.set(left);
  }
  t.flags.push(CF);
  w.set(carry);
  const result = t.temp(size);
  w.get(left);
  pushValue(t, right, size);
  t.pick(size, add ? Op.i64Add : Op.i64Sub, add ? Op.i32Add : Op.i32Sub);
  w.get(carry);
  if (size === 8) w.op(Op.i64ExtendI32U);
  t.pick(size, add ? Op.i64Add : Op.i64Sub, add ? Op.i32Add : Op.i32Sub);
  t.mask(size);
  w.set(result);
  if (a.kind === 'mem') {
    w.get(result);
    t.store(size);
  }
  if (t.liveAfter & CF) {
    // adc: r < a, or r == a with carry; sbb: a < b, or a == b with borrow.
    const [x, y]: [Value, Value] = add ? [{ local: result }, { local: left }] : [{ local: left }, right];
    pushValue(t, x, size);
    pushValue(t, y, size);
    t.pick(size, Op.i64LtU, Op.i32LtU);
    pushValue(t, x, size);
    pushValue(t, y, size);
    t.pick(size, Op.i64Eq, Op.i32Eq);
    w.get(carry);
    w.op(Op.i32And, Op.i32Or);
    w.set(L.cf);
  }
  if (a.kind === 'reg') {
    w.get(result);
    t.popOperand(a, size);
  }
  t.flags.overwritten(CF);
  t.flags.define(add ? 'adc' : 'sbb', size, ARITHMETIC & ~CF, t.liveAfter, {
    a: { local: left },
    b: right,
    r: { local: result },
  });
}

/** inc, dec, neg, not. */
export function unary(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size, op } = insn;
  const a = insn.a!;
  const value = t.temp(size);
  const result = t.temp(size);
  if (a.kind === 'mem') {
    t.access(a, size, true);
    t.load(size);
  } else t.pushOperand(a, size);
  w.set(value);
  if (op === 'neg') {
    t.constant(0, size);
    w.get(value);
    t.pick(size, Op.i64Sub, Op.i32Sub);
  } else {
    w.get(value);
    t.constant(op === 'not' ? -1 : 1, size);
    if (op === 'not') t.pick(size, Op.i64Xor, Op.i32Xor);
    else if (op === 'inc') t.pick(size, Op.i64Add, Op.i32Add);
    else t.pick(size, Op.i64Sub, Op.i32Sub);
  }
  t.mask(size);
  w.tee(result);
  t.popOperand(a, size);
  const r = { local: result };
  if (op === 'neg')
    t.flags.define('sub', size, ARITHMETIC, t.liveAfter, { a: { constant: 0 }, b: { local: value } });
  else if (op !== 'not') t.flags.define(op as 'inc' | 'dec', size, ARITHMETIC & ~CF, t.liveAfter, { r });
}

/** adcx, adox: addition through CF or OF alone. */
export function addWithFlag(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const flag = insn.op === 'adcx' ? CF : OF;
  const right = secondOperand(t, insn);
  const left = t.temp(size);
  const result = t.temp(size);
  const carry = t.temp32();
  t.pushOperand(insn.a!, size);
  w.set(left);
  t.flags.push(flag);
  w.set(carry);
  w.get(left);
  pushValue(t, right, size);
  t.pick(size, Op.i64Add, Op.i32Add);
  w.get(carry);
  if (size === 8) w.op(Op.i64ExtendI32U);
  t.pick(size, Op.i64Add, Op.i32Add);
  w.tee(result);
  w.get(left);
  t.pick(size, Op.i64LtU, Op.i32LtU);
  w.get(result);
  w.get(left);
  t.pick(size, Op.i64Eq, Op.i32Eq);
  w.get(carry);
  w.op(Op.i32And, Op.i32Or);
  w.set(flag === CF ? L.cf : L.of);
  t.flags.overwritten(flag);
  w.get(result);
  t.popOperand(insn.a!, size);
}

/** xadd, cmpxchg: one virtual CPU, so a read and a write are atomic. */
export function exchangeAdd(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const a = insn.a!;
  const b = insn.b!;
  const old = t.temp(size);
  const added = t.temp(size);
  const result = t.temp(size);
  if (a.kind === 'mem') {
    t.access(a, size, true);
    t.load(size);
  } else t.pushOperand(a, size);
  w.set(old);
  t.pushOperand(b, size);
  w.set(added);
  w.get(old);
  w.get(added);
  t.pick(size, Op.i64Add, Op.i32Add);
  t.mask(size);
  w.set(result);
  // For two registers the source is written first (Intel SDM: TEMP, SRC := DEST, DEST := TEMP).
  if (a.kind === 'mem') {
    w.get(result);
    t.store(size);
  }
  w.get(old);
  t.popOperand(b, size);
  if (a.kind === 'reg') {
    w.get(result);
    t.popOperand(a, size);
  }
  t.flags.define('add', size, ARITHMETIC, t.liveAfter, { a: { local: old }, r: { local: result } });
}

export function compareExchange(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const a = insn.a!;
  const accumulator = t.temp(size);
  const old = t.temp(size);
  const equal = t.temp32();
  const source = t.temp(size);
  if (a.kind === 'mem') {
    t.access(a, size, true);
    t.load(size);
  } else t.pushOperand(a, size);
  w.set(old);
  t.pushReg(0, size);
  w.set(accumulator);
  t.pushOperand(insn.b!, size);
  w.set(source);
  w.get(accumulator);
  w.get(old);
  t.pick(size, Op.i64Eq, Op.i32Eq);
  w.set(equal);
  if (a.kind === 'mem') {
    w.get(source);
    w.get(old);
    w.get(equal);
    w.byte(Op.select);
    t.store(size);
    if (size === 4) {
      // Only a failed comparison writes EAX, and with it the upper half of RAX.
      w.get(localOf(0));
      w.get(old);
      w.op(Op.i64ExtendI32U);
      w.get(equal);
      w.byte(Op.select);
      w.set(localOf(0));
      t.dirty |= 1;
    } else {
      w.get(old);
      t.popReg(0, size);
    }
  } else if (a.kind === 'reg') {
    w.get(equal);
    w.op(Op.if, 0x40);
    t.depth++;
    w.get(source);
    t.popOperand(a, size);
    w.op(Op.else);
    w.get(old);
    t.popReg(0, size);
    w.op(Op.end);
    t.depth--;
  }
  t.flags.define('sub', size, ARITHMETIC, t.liveAfter, { a: { local: accumulator }, b: { local: old } });
}
