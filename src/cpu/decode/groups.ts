import { type Insn, OP_UNIMPLEMENTED, type Operand, type Size } from './instruction.js';
import type { InsnReader } from './reader.js';

/** Arithmetic operations by their number in opcodes and ModRM. */
export const ALU = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'];

export const imm = (value: number): Operand => ({ kind: 'imm', value });

export function two(insn: Insn, op: string, a: Operand, b: Operand): void {
  insn.op = op;
  insn.a = a;
  insn.b = b;
}

export function decodeAlu(r: InsnReader, opcode: number, insn: Insn): void {
  const op = ALU[opcode >> 3];
  const size = opcode & 1 ? r.size : 1;
  insn.size = size;
  switch (opcode & 7) {
    case 0:
    case 1:
      r.modrm();
      two(insn, op, r.e(size), r.g(size));
      return;
    case 2:
    case 3:
      r.modrm();
      two(insn, op, r.g(size), r.e(size));
      return;
    case 4:
    case 5:
      two(insn, op, r.register(0, size), imm(r.imm(size)));
      return;
  }
}

export function string(insn: Insn, op: string, size: Size): void {
  insn.op = op;
  insn.size = size;
}

/** mov between the accumulator and a 64-bit absolute address. */
export function decodeMoffs(r: InsnReader, opcode: number, insn: Insn, size: Size): void {
  insn.size = size;
  const address = r.addr32 ? BigInt(r.i32() >>> 0) : r.i64();
  const disp = Number(address);
  if (!Number.isSafeInteger(disp)) {
    insn.op = OP_UNIMPLEMENTED;
    return;
  }
  const accumulator = r.register(0, size);
  const memory: Operand = {
    kind: 'mem',
    base: -1,
    index: -1,
    scale: 1,
    disp,
    segment: r.segment,
    size,
    addr32: false,
  };
  if (opcode < 0xa2) two(insn, 'mov', accumulator, memory);
  else two(insn, 'mov', memory, accumulator);
}

export function decodeGroup3(r: InsnReader, insn: Insn, size: Size): void {
  insn.size = size;
  r.modrm();
  const op = r.reg & 7;
  if (op < 2) {
    const dest = r.e(size, Math.min(size, 4));
    two(insn, 'test', dest, imm(r.imm(size)));
    return;
  }
  insn.op = ['', '', 'not', 'neg', 'mul', 'imul1', 'div', 'idiv'][op];
  insn.a = r.e(size);
}

export function decodeGroup5(r: InsnReader, opcode: number, insn: Insn, size: Size): void {
  r.modrm();
  const op = r.reg & 7;
  insn.size = size;
  if (op < 2) {
    insn.op = op === 0 ? 'inc' : 'dec';
    insn.a = r.e(size);
    return;
  }
  if (opcode === 0xfe) return;
  switch (op) {
    case 2:
    case 4:
      insn.op = op === 2 ? 'calli' : 'jmpi';
      insn.size = 8;
      insn.a = r.e(8);
      return;
    case 6:
      insn.op = 'push';
      insn.size = r.stackSize;
      insn.a = r.e(insn.size);
      return;
    case 3:
    case 5:
      // Far call and jump through memory.
      if (!r.rmIsRegister) {
        r.memory(8);
        insn.op = OP_UNIMPLEMENTED;
      }
  }
}
