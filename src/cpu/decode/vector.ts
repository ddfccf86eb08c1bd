import { type Insn, OP_INVALID, OP_UNIMPLEMENTED, type Operand, type Size } from './instruction.js';
import type { InsnReader } from './reader.js';
import { type VectorRow, vectorRows } from './vector-table.js';

/** How a vector instruction is encoded, apart from ModRM. */
export interface VectorEncoding {
  readonly vex: boolean;
  /** VEX.L. */
  readonly long: boolean;
  /** VEX.vvvv, 0 without VEX. */
  readonly vvvv: number;
  /** 1 0F, 2 0F38, 3 0F3A. */
  readonly map: number;
  /** Mandatory prefix: 0 none, 1 66, 2 F3, 3 F2. */
  readonly prefix: number;
}

export function legacyEncoding(r: InsnReader, map: number): VectorEncoding {
  const prefix = r.rep === 0xf3 ? 2 : r.rep === 0xf2 ? 3 : r.opsize16 ? 1 : 0;
  return { vex: false, long: false, vvvv: 0, map, prefix };
}

const FIXED: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8, x: 16 };
const SHARES: Readonly<Record<string, number>> = { '': 1, h: 2, f: 4, e: 8 };

/** Decodes what follows the opcode of a vector instruction; leaves `insn` alone if there is none. */
export function decodeVector(r: InsnReader, insn: Insn, opcode: number, e: VectorEncoding): boolean {
  if (e.map === 1) {
    if (opcode >= 0x71 && opcode <= 0x73) return decodeShift(r, insn, opcode, e);
    if ((opcode & 0xfe) === 0x10 && e.prefix >= 2) return decodeScalarMove(r, insn, opcode, e);
    if ((opcode === 0x12 || opcode === 0x16) && e.prefix === 0) return decodeHalfMove(r, insn, opcode, e);
    if (opcode === 0x12 && e.prefix === 3) return decodeMovddup(r, insn, e);
    if (opcode === 0x77 && e.prefix === 0 && e.vex) {
      complete(insn, e.long ? 'zeroall' : 'zeroupper', e);
      return true;
    }
  }
  const rows = vectorRows(e.map, e.prefix, opcode);
  const row = rows.find(({ encoding, w }) => {
    if (encoding !== 'both' && (encoding === 'vex') !== e.vex) return false;
    return w === undefined || (w === 1) === r.rexW;
  });
  if (row) decodeRow(r, insn, row, row.scalar ? { ...e, long: false } : e);
  return row !== undefined;
}

function complete(insn: Insn, op: string, e: VectorEncoding, imm = 0, align = 1): void {
  insn.op = op;
  insn.vector = { vex: e.vex, size: e.long ? 32 : 16, imm, align };
}

const vec = (reg: number, size: number): Operand => ({ kind: 'vec', reg, size });

/** The vector register or memory that ModRM names. */
function rm(r: InsnReader, size: number, immediate = 0): Operand {
  return r.rmIsRegister ? vec(r.rm | ((r.rex & 1) << 3), size) : r.memory(size, immediate);
}

function decodeRow(r: InsnReader, insn: Insn, row: VectorRow, e: VectorEncoding): void {
  const { operands } = row;
  const size = e.long ? 32 : 16;
  r.modrm();
  const immediate = operands.some((code) => code === 'I' || code === 'L') ? 1 : 0;
  const general: Size = r.rexW ? 8 : 4;
  insn.size = general;
  let valid =
    (row.length === undefined || row.length === size * 8) && (operands.includes('H') || e.vvvv === 0);
  let whole = false;
  const decoded = operands.map((code): Operand | undefined => {
    const suffix = code.slice(1);
    const bytes = suffix === 'y' ? general : (FIXED[suffix] ?? size / SHARES[suffix]);
    switch (code[0]) {
      case 'V':
        return vec(r.reg, size);
      case 'X':
        return vec(r.reg, 16);
      case 'H':
        return vec(e.vex ? e.vvvv : r.reg, size);
      case 'G':
        return { kind: 'reg', reg: r.reg, size: suffix === 'y' ? general : 4, high: false };
      case 'E':
        return r.rmIsRegister ? r.e(bytes === 8 ? 8 : 4) : r.memory(bytes, immediate);
      case 'W':
      case 'U':
      case 'M':
        valid &&= code[0] === 'W' || (code[0] === 'U') === r.rmIsRegister;
        whole =
          bytes === size && code !== 'Wx' ? !r.rmIsRegister : code === 'Wx' && !r.rmIsRegister && !e.vex;
        return rm(r, bytes, immediate);
      default:
        return undefined;
    }
  });
  const imm = immediate ? r.u8() : 0;
  const [a, b, c] = decoded;
  insn.a = a;
  insn.b = b;
  insn.c = c;
  if (operands.includes('L')) insn.d = vec(imm >> 4, size);
  else if (row.encoding === 'sse' && IMPLICIT.has(row.name)) insn.d = vec(0, size);
  const aligned = whole && (row.alignment === 'aligned' || (row.alignment === 'sse' && !e.vex));
  complete(insn, row.name, e, imm, aligned ? size : 1);
  if (!valid) insn.op = OP_INVALID;
}

/** Instructions whose legacy form has XMM0 as another source. */
const IMPLICIT = new Set(['pblendvb', 'blendvps', 'blendvpd', 'sha256rnds2']);

const SHIFTS: Readonly<Record<number, readonly string[]>> = {
  113: ['', '', 'psrlw', '', 'psraw', '', 'psllw', ''],
  114: ['', '', 'psrld', '', 'psrad', '', 'pslld', ''],
  115: ['', '', 'psrlq', 'psrldq', '', '', 'psllq', 'pslldq'],
};

/** Shifts by an immediate: groups 12, 13 and 14. */
function decodeShift(r: InsnReader, insn: Insn, opcode: number, e: VectorEncoding): boolean {
  if (e.prefix !== 1) return false;
  const size = e.long ? 32 : 16;
  r.modrm();
  const op = SHIFTS[opcode][r.reg & 7];
  if (op === '' || !r.rmIsRegister) {
    insn.op = OP_INVALID;
    return true;
  }
  const source = rm(r, size);
  insn.a = e.vex ? vec(e.vvvv, size) : source;
  insn.b = source;
  complete(insn, op, e, r.u8());
  return true;
}

/** movss and movsd: loads clear the rest of the register, moves between registers keep it. */
function decodeScalarMove(r: InsnReader, insn: Insn, opcode: number, e: VectorEncoding): boolean {
  const bytes = e.prefix === 2 ? 4 : 8;
  r.modrm();
  const register = vec(r.reg, 16);
  const other = rm(r, bytes);
  const op = e.prefix === 2 ? 'movss' : 'movsd';
  if (other.kind === 'mem') {
    insn.a = opcode === 0x10 ? register : other;
    insn.b = opcode === 0x10 ? other : register;
    complete(insn, op, { ...e, long: false });
    if (e.vvvv !== 0) insn.op = OP_INVALID;
    return true;
  }
  insn.a = opcode === 0x10 ? register : other;
  insn.b = e.vex ? vec(e.vvvv, 16) : insn.a;
  insn.c = opcode === 0x10 ? other : register;
  complete(insn, op, { ...e, long: false });
  return true;
}

/** movlps, movhlps, movhps, movlhps. */
function decodeHalfMove(r: InsnReader, insn: Insn, opcode: number, e: VectorEncoding): boolean {
  r.modrm();
  const low = opcode === 0x12;
  insn.a = vec(r.reg, 16);
  insn.b = vec(e.vex ? e.vvvv : r.reg, 16);
  const op = r.rmIsRegister ? (low ? 'movhlps' : 'movlhps') : low ? 'movlps' : 'movhps';
  insn.c = rm(r, 8);
  complete(insn, op, e);
  if (e.long) insn.op = OP_INVALID;
  return true;
}

function decodeMovddup(r: InsnReader, insn: Insn, e: VectorEncoding): boolean {
  r.modrm();
  insn.a = vec(r.reg, e.long ? 32 : 16);
  insn.b = rm(r, e.long ? 32 : 8);
  complete(insn, 'movddup', e);
  if (e.vvvv !== 0) insn.op = OP_INVALID;
  return true;
}

/** Group 15 with a memory operand: state of the vector unit. */
export function decodeVectorState(r: InsnReader, insn: Insn, vex: boolean): void {
  const op = r.reg & 7;
  if (op === 2 || op === 3) {
    insn.op = op === 2 ? 'ldmxcsr' : 'stmxcsr';
    insn.a = r.memory(4);
    return;
  }
  r.memory(8);
  insn.op = vex ? OP_INVALID : OP_UNIMPLEMENTED;
}
