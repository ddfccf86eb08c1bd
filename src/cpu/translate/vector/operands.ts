import type { Insn, MemOperand, Operand, VecOperand } from '../../decode/instruction.js';
import { Op } from '../../wasm/op.js';
import { Simd } from '../../wasm/simd.js';
import type { Translator } from '../translator.js';
import type { VectorLocals } from '../vector-locals.js';

/** 0: bits 0..127 of a vector, 1: bits 128..255. */
export type Half = 0 | 1;

const LOW: readonly Half[] = [0];
const BOTH: readonly Half[] = [0, 1];

/** The halves that an instruction works on. */
export const halvesOf = (insn: Insn): readonly Half[] => (insn.vector?.size === 32 ? BOTH : LOW);

export function locals(t: Translator): VectorLocals {
  if (!t.vectors) throw new Error('a function without vector registers');
  return t.vectors;
}

/** Local of a half of a register operand. */
export function localOf(t: Translator, operand: Operand, half: Half): number {
  return locals(t).of((operand as VecOperand).reg + half * 16);
}

export function pushZero(t: Translator): void {
  t.w.v128(ZERO);
}

const ZERO = new Array<number>(16).fill(0);

/** Something to read vectors from, as often as wanted. */
export interface Source {
  push(half: Half): void;
  /** The value in a local: the register's own, or a temporary. */
  local(half: Half): number;
}

/** Checks a memory operand of `size` bytes and gives access to it; partial ones are zero-extended. */
export function source(t: Translator, insn: Insn, operand: Operand): Source {
  if (operand.kind === 'vec')
    return {
      push: (half) => t.w.get(localOf(t, operand, half)),
      local: (half) => localOf(t, operand, half),
    };
  const memory = operand as MemOperand;
  t.access(memory, memory.size, false, insn.vector?.align ?? 1);
  const push = (half: Half): void => loadVector(t, memory.size, half);
  return {
    push,
    local(half) {
      const local = locals(t).temporary();
      push(half);
      t.w.set(local);
      return local;
    },
  };
}

/** Loads a half of the checked operand. */
export function loadVector(t: Translator, size: number, half: Half): void {
  const { w } = t;
  if (size < 4) {
    t.load(size);
    w.simd(Simd.i32x4Splat);
    w.v128(size === 1 ? [255, ...ZERO.slice(1)] : [255, 255, ...ZERO.slice(2)]);
    w.simd(Simd.and);
    return;
  }
  t.pushLinear();
  const opcode = size >= 16 ? Simd.load : size === 8 ? Simd.load64Zero : Simd.load32Zero;
  w.simdMemory(opcode, t.linearOffset + half * 16);
}

/** Pops a half of the destination register. */
export function popHalf(t: Translator, operand: Operand, half: Half): void {
  const vectors = locals(t);
  const number = (operand as VecOperand).reg + half * 16;
  t.w.set(vectors.of(number));
  vectors.dirty |= 1 << number;
}

/** Clears the destination's upper half where the encoding does. */
export function finish(t: Translator, insn: Insn): void {
  if (!insn.vector?.vex || insn.vector.size === 32 || insn.a?.kind !== 'vec') return;
  pushZero(t);
  popHalf(t, insn.a, 1);
}

/** Emits a result from one or two vectors in locals. */
export type Lane1 = (t: Translator, x: number, imm: number) => void;
export type Lane2 = (t: Translator, x: number, y: number, imm: number) => void;

/** a = f(b), each half for itself. */
export function unary(t: Translator, insn: Insn, emit: Lane1): void {
  const from = source(t, insn, insn.b!);
  for (const half of halvesOf(insn)) {
    const mark = locals(t).mark();
    emit(t, from.local(half), insn.vector!.imm);
    popHalf(t, insn.a!, half);
    locals(t).release(mark);
  }
  finish(t, insn);
}

/** a = f(b, c), each half for itself. */
export function binary(t: Translator, insn: Insn, emit: Lane2): void {
  const right = source(t, insn, insn.c!);
  for (const half of halvesOf(insn)) {
    const mark = locals(t).mark();
    const y = right.local(half);
    emit(t, localOf(t, insn.b!, half), y, insn.vector!.imm);
    popHalf(t, insn.a!, half);
    locals(t).release(mark);
  }
  finish(t, insn);
}

/** a = b op c with single instructions; memory operands go without a temporary. */
export function simple(t: Translator, insn: Insn, opcodes: readonly number[], swapped = false): void {
  const right = source(t, insn, insn.c!);
  for (const half of halvesOf(insn)) {
    if (swapped) right.push(half);
    t.w.get(localOf(t, insn.b!, half));
    if (!swapped) right.push(half);
    t.w.simd(...opcodes);
    popHalf(t, insn.a!, half);
  }
  finish(t, insn);
}

/** Puts the value on the stack into a new temporary. */
export function hold(t: Translator): number {
  const local = locals(t).temporary();
  t.w.set(local);
  return local;
}

/** Applies opcodes to locals pushed in turn. */
export function apply(t: Translator, opcodes: readonly number[], ...operands: readonly number[]): void {
  for (const local of operands) t.w.get(local);
  t.w.simd(...opcodes);
}

/** Pushes a vector of four equal 32-bit numbers. */
export function pushSplat(t: Translator, value: number): void {
  const bytes = [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);
  t.w.v128([...bytes, ...bytes, ...bytes, ...bytes]);
}

/** Pushes a scalar half of a vector's count operand as i64. */
export function pushLane64(t: Translator, local: number, lane: number): void {
  t.w.get(local);
  t.w.simdLane(Simd.i64x2Extract, lane);
}

export const select = Op.select;
