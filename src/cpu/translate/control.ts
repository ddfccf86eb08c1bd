import { RSP } from '../cpu-types.js';
import { ARITHMETIC } from '../decode/effects.js';
import type { Insn } from '../decode/instruction.js';
import { stackOperand } from '../decode/stack-operand.js';
import { slowFlags } from '../flow/liveness.js';
import { EXIT_CODE, EXIT_CONTINUE, EXIT_RESULT, RFLAGS, RIP, regOffset } from '../runtime/layout.js';
import { Op } from '../wasm/op.js';
import { FLAG_BITS } from './frame.js';
import { L, reg as localOf } from './locals.js';
import { moveRsp } from './moves.js';
import { callService, TYPE_GUEST } from './services.js';
import { tellCall, tellReturn } from './tell.js';
import type { Translator } from './translator.js';
import type { UnitTranslation } from './unit.js';

export const isFlagUser = (op: string): boolean => slowFlags(op) !== 0;

/** Writes live flags to the RFLAGS image, through their locals. */
export function storeFlagImage(t: Translator, live: number): void {
  const flags = live & ARITHMETIC;
  if (!flags) return;
  const { w } = t;
  t.flags.materialise(flags);
  w.i32(0);
  w.i32(0);
  w.memory(0x28, RFLAGS);
  w.i32(~flags);
  w.op(Op.i32And);
  for (const [mask, bit, local] of FLAG_BITS) {
    if (!(flags & mask)) continue;
    w.get(local);
    w.i32(bit);
    w.op(Op.i32Shl, Op.i32Or);
  }
  w.memory(Op.i32Store, RFLAGS);
}

/** Pushes an i32: whether jcc, loop, loope, loopne or jrcxz branches. */
export function pushCondition(t: Translator, insn: Insn): void {
  const { w } = t;
  if (insn.op === 'jcc') {
    t.flags.condition(insn.cond);
    return;
  }
  const rcx = localOf(1);
  const wide = !insn.addr32;
  if (insn.op !== 'jrcxz') {
    if (wide) {
      w.get(rcx);
      w.i64(1);
      w.op(Op.i64Sub);
    } else {
      w.get(rcx);
      w.op(Op.i32WrapI64);
      w.i32(1);
      w.op(Op.i32Sub, Op.i64ExtendI32U);
    }
    w.set(rcx);
    t.dirty |= 2;
  }
  w.get(rcx);
  if (!wide) w.op(Op.i32WrapI64);
  w.op(wide ? Op.i64Eqz : Op.i32Eqz);
  if (insn.op === 'jrcxz') return;
  w.op(Op.i32Eqz);
  if (insn.op === 'loop') return;
  t.flags.condition(insn.op === 'loope' ? 4 : 5);
  w.op(Op.i32And);
}

/** ret: makes the register file true and hands the popped address to whoever called. */
export function ret(u: UnitTranslation, insn: Insn): void {
  const { t, w } = u;
  const address = t.temp64();
  t.access(stackOperand(0), 8, false);
  t.load(8);
  w.set(address);
  const bytes = 8 + (insn.a?.kind === 'imm' ? insn.a.value : 0);
  moveRsp(t, bytes);
  t.flushAll();
  tellReturn(u, bytes, () => w.get(address));
  w.get(address);
  w.get(L.fuel);
  w.byte(Op.return);
}

function pushReturnAddress(u: UnitTranslation, next: number): void {
  const { t, w } = u;
  t.access(stackOperand(-8), 8, true);
  w.i64(next);
  t.store(8);
  moveRsp(t, -8);
}

/** After a callee's results are on the stack: go on only if it came back to where it was called. */
function afterCall(u: UnitTranslation, next: number, to: number): void {
  const { w } = u;
  w.set(L.fuel);
  w.set(L.returned);
  if (to < 0) {
    u.unwind();
    return;
  }
  w.get(L.returned);
  w.i64(next);
  w.op(Op.i64Ne);
  u.unwindIf();
  if (u.expectsRsp(to)) {
    // The frame was checked once for all; it is another one if RSP came back different.
    w.i32(0);
    w.memory(Op.i64Load, regOffset(RSP));
    w.get(localOf(RSP));
    w.i64(8);
    w.op(Op.i64Add, Op.i64Ne);
    u.unwindIf();
  }
  u.reloadAfterCall(to);
}

export function call(u: UnitTranslation, insn: Insn, to: number): void {
  const { w } = u;
  const next = insn.address + insn.length;
  pushReturnAddress(u, next);
  u.t.flushAll();
  const ptr = u.env.toPtr(insn.target);
  if (ptr === undefined) {
    goWild(u, insn.target);
    return;
  }
  if (u.env.isHost(ptr)) {
    callHost(u, ptr, next, to);
    return;
  }
  tellCall(u, insn, () => w.i64(insn.target));
  const direct = u.shared.functions.get(ptr);
  if (direct === undefined) {
    pushArguments(u, ptr);
    w.op(Op.callIndirect, TYPE_GUEST, 0);
  } else {
    w.get(L.depth);
    w.i32(0);
    w.get(localOf(RSP));
    w.get(L.fuel);
    w.byte(Op.call);
    w.u32(direct);
  }
  afterCall(u, next, to);
}

/** Arguments of a translated function, and the slot for call_indirect. */
function pushArguments(u: UnitTranslation, ptr: number): void {
  const { w } = u;
  w.get(L.depth);
  u.pushSlot(ptr);
  w.get(localOf(RSP));
  w.get(L.fuel);
  u.pushSlot(ptr);
}

/** Control passes to an address that no code can be at; the run loop raises the fault. */
function goWild(u: UnitTranslation, address: number): void {
  const { w } = u;
  w.i32(0);
  w.i64(address);
  w.memory(Op.i64Store, RIP);
  w.i32(0);
  w.i32(EXIT_CONTINUE);
  w.memory(Op.i32Store, EXIT_CODE);
  u.storeFuel();
  w.i64(EXIT_RESULT);
  w.i64(0);
  w.byte(Op.return);
}

/** Calls a host function directly; it returns to here if RSP and the return address are what they were. */
function callHost(u: UnitTranslation, ptr: number, next: number, to: number): void {
  const { w, t } = u;
  u.storeDepth();
  u.storeFuel();
  w.i64(EXIT_RESULT);
  w.set(L.returned);
  u.pushSlot(ptr);
  callService(w, 'host');
  u.unwindIf();
  w.i32(0);
  w.memory(Op.i64Load, regOffset(RSP));
  w.get(localOf(RSP));
  w.op(Op.i64Ne);
  w.get(localOf(RSP));
  w.i64(-0x8000_0000);
  w.op(Op.i64Add, Op.i32WrapI64);
  w.memory(Op.i64Load, 0);
  w.i64(next);
  w.op(Op.i64Ne, Op.i32Or, Op.if, 0x40);
  t.depth++;
  callService(w, 'pop');
  u.unwind();
  w.byte(Op.end);
  t.depth--;
  moveRsp(t, 8);
  u.t.flushRegs(1 << RSP);
  if (to < 0) {
    w.i64(next);
    w.set(L.returned);
    u.unwind();
  } else u.reload(to);
}

function pushDispatch(u: UnitTranslation, target: number): void {
  const { w } = u;
  w.get(target);
  w.get(L.depth);
  w.get(localOf(RSP));
  w.get(L.fuel);
}

export function indirectCall(u: UnitTranslation, insn: Insn, to: number): void {
  const { w, t } = u;
  const target = t.temp64();
  t.pushOperand(insn.a!, 8);
  w.set(target);
  const next = insn.address + insn.length;
  pushReturnAddress(u, next);
  t.flushAll();
  tellCall(u, insn, () => w.get(target));
  pushDispatch(u, target);
  callService(w, 'dispatch');
  afterCall(u, next, to);
}

export function indirectJump(u: UnitTranslation, insn: Insn): void {
  const { w, t } = u;
  const target = t.temp64();
  t.pushOperand(insn.a!, 8);
  w.set(target);
  t.flushAll();
  pushDispatch(u, target);
  callService(w, 'dispatch');
  w.byte(Op.return);
}

/** Goes on in another unit: a tail call, or code beyond what one unit holds. */
export function leaveUnit(u: UnitTranslation, ptr: number, address: number): void {
  const { w } = u;
  if (ptr < 0 || !u.env.isFunction(ptr)) storeFlagImage(u.t, ARITHMETIC);
  u.t.flushAll();
  if (ptr < 0) {
    goWild(u, address);
    return;
  }
  pushArguments(u, ptr);
  w.op(Op.callIndirect, TYPE_GUEST, 0, Op.return);
}
