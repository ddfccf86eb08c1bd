import {
  type Insn,
  OP_INVALID,
  OP_UNIMPLEMENTED,
  type Operand,
  type RegOperand,
  type Size,
} from './instruction.js';
import type { InsnReader } from './reader.js';
import { decodeVector, decodeVectorState } from './vector.js';

/** VEX-encoded instructions (Intel SDM volume 2, section 2.3): AVX, and BMI1 and BMI2 (table A-4). */
export function decodeVex(r: InsnReader, first: number, insn: Insn): void {
  insn.op = OP_UNIMPLEMENTED;
  if (r.rex || r.opsize16 || r.rep || r.lock) {
    insn.op = OP_INVALID;
    return;
  }
  let payload = r.u8();
  let map = 1;
  let rex = payload & 0x80 ? 0 : 4;
  if (first === 0xc4) {
    map = payload & 31;
    rex |= (payload & 0x40 ? 0 : 2) | (payload & 0x20 ? 0 : 1);
    payload = r.u8();
    if (payload & 0x80) rex |= 8;
  }
  r.rex = 0x40 | rex;
  const size: Size = rex & 8 ? 8 : 4;
  const v: RegOperand = { kind: 'reg', reg: (~payload >> 3) & 15, size, high: false };
  const prefix = payload & 3; // 0 none, 1: 66, 2: F3, 3: F2
  const long = (payload & 4) !== 0;
  const opcode = r.u8();
  if (decodeVector(r, insn, opcode, { vex: true, long, vvvv: v.reg, map, prefix })) return;
  if (map === 1 && opcode === 0xae && prefix === 0 && !long) {
    r.modrm();
    if (!r.rmIsRegister) decodeVectorState(r, insn, true);
    return;
  }
  if (long) return;
  decodeGeneral(r, insn, { map, prefix, opcode, size, v });
}

interface GeneralVex {
  readonly map: number;
  readonly prefix: number;
  readonly opcode: number;
  readonly size: Size;
  readonly v: RegOperand;
}

/** BMI1 and BMI2. */
function decodeGeneral(r: InsnReader, insn: Insn, { map, prefix, opcode, size, v }: GeneralVex): void {
  insn.size = size;
  const set = (op: string, a: Operand, b: Operand, c: Operand | undefined): void => {
    insn.op = op;
    insn.a = a;
    insn.b = b;
    insn.c = c;
  };
  if (map === 3) {
    if (opcode !== 0xf0 || prefix !== 3) return;
    r.modrm();
    const source = r.e(size, 1);
    set('rorx', r.g(size), source, { kind: 'imm', value: r.u8() });
    return;
  }
  if (map !== 2) return;
  switch (opcode) {
    case 0xf2:
      if (prefix !== 0) return;
      r.modrm();
      set('andn', r.g(size), v, r.e(size));
      return;
    case 0xf3: {
      if (prefix !== 0) return;
      r.modrm();
      const op = r.reg & 7;
      if (op < 1 || op > 3) {
        insn.op = OP_INVALID;
        return;
      }
      set(['', 'blsr', 'blsmsk', 'blsi'][op], v, r.e(size), undefined);
      return;
    }
    case 0xf5: {
      if (prefix === 1) return;
      r.modrm();
      const rm = r.e(size);
      if (prefix === 0) {
        set('bzhi', r.g(size), rm, v);
        return;
      }
      set(prefix === 2 ? 'pext' : 'pdep', r.g(size), v, rm);
      return;
    }
    case 0xf6:
      if (prefix !== 3) return;
      r.modrm();
      set('mulx', r.g(size), v, r.e(size));
      return;
    case 0xf7: {
      r.modrm();
      const rm = r.e(size);
      set(['bextr', 'shlx', 'sarx', 'shrx'][prefix], r.g(size), rm, v);
      return;
    }
  }
}
