import { RBP, RSP } from '../cpu-types.js';
import { AF, CF, PF, SF, ZF } from '../decode/effects.js';
import type { Insn, MemOperand, Operand } from '../decode/instruction.js';
import { stackOperand } from '../decode/stack-operand.js';
import { Op } from '../wasm/op.js';
import { L, reg as localOf } from './locals.js';
import type { Translator } from './translator.js';

export function mov(t: Translator, insn: Insn): void {
  const a = insn.a!;
  const b = insn.b!;
  const { size } = insn;
  if (a.kind === 'mem') {
    t.access(a, size, true);
    t.pushLinear();
    if (b.kind === 'reg' && size < 8 && !b.high) {
      t.w.get(localOf(b.reg));
      t.w.op(Op.i32WrapI64);
    } else t.pushOperand(b, size);
    t.storeAt(size);
  } else {
    t.pushOperand(b, size);
    t.popOperand(a, size);
  }
}

export function movExtend(t: Translator, insn: Insn): void {
  const { w } = t;
  const from = insn.b!.kind === 'imm' ? 4 : (insn.b as MemOperand).size;
  t.pushOperand(insn.b!, from);
  if (insn.op === 'movzx') {
    if (insn.size === 8) w.op(Op.i64ExtendI32U);
  } else {
    if (from === 1) w.op(Op.i32Extend8S);
    else if (from === 2) w.op(Op.i32Extend16S);
    if (insn.size === 8) w.op(Op.i64ExtendI32S);
  }
  t.popOperand(insn.a!, insn.size);
}

export function lea(t: Translator, insn: Insn): void {
  t.pushAddress({ ...(insn.b as MemOperand), segment: undefined });
  if (insn.size < 8) t.w.op(Op.i32WrapI64);
  t.popOperand(insn.a!, insn.size);
}

export function xchg(t: Translator, insn: Insn): void {
  const { w } = t;
  const a = insn.a!;
  const b = insn.b!;
  const { size } = insn;
  const old = t.temp(size);
  if (a.kind === 'mem') {
    t.access(a, size, true);
    t.load(size);
    w.set(old);
    t.pushOperand(b, size);
    t.store(size);
    w.get(old);
    t.popOperand(b, size);
    return;
  }
  t.pushOperand(a, size);
  w.set(old);
  t.pushOperand(b, size);
  t.popOperand(a, size);
  w.get(old);
  t.popOperand(b, size);
}

/** Reverses the bytes of the i32 or i64 on the stack. */
function reverse(t: Translator, size: number): void {
  const { w } = t;
  if (size === 8) {
    const x = t.temp64();
    w.set(x);
    const swap = (mask: bigint, bits: number): void => {
      w.get(x);
      w.i64big(mask);
      w.op(Op.i64And);
      w.i64(bits);
      w.op(Op.i64Shl);
      w.get(x);
      w.i64(bits);
      w.op(Op.i64ShrU);
      w.i64big(mask);
      w.op(Op.i64And, Op.i64Or);
      w.set(x);
    };
    swap(0x00ff_00ff_00ff_00ffn, 8);
    swap(0x0000_ffff_0000_ffffn, 16);
    w.get(x);
    w.i64(32);
    w.op(Op.i64Rotl);
    return;
  }
  const x = t.temp32();
  w.set(x);
  if (size === 2) {
    w.get(x);
    w.i32(8);
    w.op(Op.i32Shl);
    w.get(x);
    w.i32(0xff00);
    w.op(Op.i32And);
    w.i32(8);
    w.op(Op.i32ShrU, Op.i32Or);
    t.mask(2);
    return;
  }
  // Bytes 0 and 2 rotated right by 8, bytes 1 and 3 rotated left by 8.
  w.get(x);
  w.i32(8);
  w.op(Op.i32Rotr);
  w.i32(0xff00ff00 | 0);
  w.op(Op.i32And);
  w.get(x);
  w.i32(8);
  w.op(Op.i32Rotl);
  w.i32(0x00ff00ff);
  w.op(Op.i32And, Op.i32Or);
}

export function bswap(t: Translator, insn: Insn): void {
  const { size } = insn;
  if (size === 2) {
    // Undefined by the manual; processors clear the register's low half.
    t.w.i32(0);
    t.popOperand(insn.a!, 2);
    return;
  }
  t.pushOperand(insn.a!, size);
  reverse(t, size);
  t.popOperand(insn.a!, size);
}

export function movbe(t: Translator, insn: Insn): void {
  const { size } = insn;
  if (insn.a!.kind === 'mem') t.access(insn.a!, size, true);
  t.pushOperand(insn.b!, size);
  reverse(t, size);
  t.popOperand(insn.a!, size);
}

export function cmov(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const a = insn.a as Operand & { kind: 'reg' };
  t.pushOperand(insn.b!, size);
  t.pushReg(a.reg, size);
  t.flags.condition(insn.cond);
  w.byte(Op.select);
  t.popReg(a.reg, size);
}

export function setcc(t: Translator, insn: Insn): void {
  if (insn.a!.kind === 'mem') t.access(insn.a!, 1, true);
  t.flags.condition(insn.cond);
  t.popOperand(insn.a!, 1);
}

/** cbw's sister: the sign of the accumulator into DX, EDX or RDX. */
export function cwd(t: Translator, insn: Insn): void {
  const { w } = t;
  t.pushReg(0, insn.size);
  if (insn.size === 8) {
    w.i64(63);
    w.op(Op.i64ShrS);
  } else {
    t.signExtend(insn.size);
    w.i32(31);
    w.op(Op.i32ShrS);
  }
  t.popReg(2, insn.size);
}

export function moveRsp(t: Translator, by: number): void {
  t.w.get(localOf(RSP));
  t.w.i64(by);
  t.w.op(Op.i64Add);
  t.w.set(localOf(RSP));
  t.dirty |= 1 << RSP;
}

export function push(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const value = t.temp(size);
  t.pushOperand(insn.a!, size);
  w.set(value);
  t.access(stackOperand(-size, size), size, true);
  w.get(value);
  t.store(size);
  moveRsp(t, -size);
}

export function pop(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const value = t.temp(size);
  t.access(stackOperand(0, size), size, false);
  t.load(size);
  w.set(value);
  const a = insn.a!;
  if (a.kind === 'mem') {
    // RSP as base of the destination is the incremented one.
    const at = a.base === RSP ? { ...a, disp: a.disp + size } : a;
    t.access(at, size, true);
    w.get(value);
    t.store(size);
    moveRsp(t, size);
  } else {
    moveRsp(t, size);
    w.get(value);
    t.popOperand(a, size);
  }
}

export function leave(t: Translator, insn: Insn): void {
  const { w } = t;
  const { size } = insn;
  const value = t.temp(size);
  t.access({ ...stackOperand(0, size), base: RBP }, size, false);
  t.load(size);
  w.set(value);
  w.get(localOf(RBP));
  w.i64(size);
  w.op(Op.i64Add);
  w.set(localOf(RSP));
  t.dirty |= 1 << RSP;
  w.get(value);
  t.popReg(RBP, size);
}

const AH_FLAGS: readonly [number, number, number][] = [
  [CF, 0, L.cf],
  [PF, 2, L.pf],
  [AF, 4, L.af],
  [ZF, 6, L.zf],
  [SF, 7, L.sf],
];

export function lahf(t: Translator): void {
  const { w } = t;
  w.i32(2);
  for (const [flag, bit] of AH_FLAGS) {
    t.flags.push(flag);
    w.i32(bit);
    w.op(Op.i32Shl, Op.i32Or);
  }
  t.popReg(0, 1, true);
}

export function sahf(t: Translator): void {
  const { w } = t;
  for (const [flag, bit, local] of AH_FLAGS) {
    if (!(t.liveAfter & flag)) continue;
    t.pushReg(0, 1, true);
    w.i32(bit);
    w.op(Op.i32ShrU);
    w.i32(1);
    w.op(Op.i32And);
    w.set(local);
  }
  t.flags.overwritten(CF | PF | AF | ZF | SF);
}

export function carry(t: Translator, insn: Insn): void {
  if (insn.op === 'cmc') {
    t.flags.push(CF);
    t.w.op(Op.i32Eqz);
  } else t.w.i32(insn.op === 'stc' ? 1 : 0);
  t.w.set(L.cf);
  t.flags.overwritten(CF);
}
