import { ALU, decodeAlu, decodeGroup3, decodeGroup5, decodeMoffs, imm, string, two } from './groups.js';
import {
  type Insn,
  OP_FETCH_FAULT,
  OP_INVALID,
  OP_TOO_LONG,
  OP_UNIMPLEMENTED,
  type Operand,
  type Size,
} from './instruction.js';
import { FetchStop, InsnReader } from './reader.js';
import { decodeTwoByte } from './two-byte.js';
import { decodeVex } from './vex.js';

const SHIFTS = ['rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'shl', 'sar'];
const LOCKABLE = new Set(
  'add or adc sbb and sub xor not neg inc dec xchg bts btr btc cmpxchg cmpxchg8b cmpxchg16b xadd'.split(' '),
);

/** Decodes the integer instructions of 64-bit mode (Intel SDM volume 2, appendix A). */
export class Decoder {
  private readonly reader: InsnReader;

  constructor(bytes: Uint8Array, executableEnd: (ptr: number) => number) {
    this.reader = new InsnReader(bytes, executableEnd);
  }

  /** Decodes one instruction; never throws: what cannot be decoded becomes a pseudo instruction. */
  decode(ptr: number, address: number): Insn {
    const insn: Insn = {
      op: OP_INVALID,
      ptr,
      address,
      length: 1,
      size: 4,
      a: undefined,
      b: undefined,
      c: undefined,
      cond: 0,
      target: 0,
      rep: 0,
      lock: false,
      segment: undefined,
      addr32: false,
    };
    const r = this.reader;
    try {
      r.begin(ptr, address);
      const opcode = r.prefixes();
      insn.size = r.size;
      decodeOneByte(r, opcode, insn);
      insn.rep = r.rep;
      insn.lock = r.lock;
      insn.segment = r.segment;
      insn.addr32 = r.addr32;
      if (r.lock && insn.op !== OP_UNIMPLEMENTED && !(LOCKABLE.has(insn.op) && insn.a?.kind === 'mem'))
        insn.op = OP_INVALID;
    } catch (error) {
      if (!(error instanceof FetchStop)) throw error;
      insn.op = error.tooLong ? OP_TOO_LONG : OP_FETCH_FAULT;
    }
    insn.length = Math.max(1, r.length);
    return insn;
  }
}

function decodeOneByte(r: InsnReader, opcode: number, insn: Insn): void {
  if (opcode === 0x0f) {
    decodeTwoByte(r, insn);
    return;
  }
  if (opcode < 0x40) {
    decodeAlu(r, opcode, insn);
    return;
  }
  const size = opcode & 1 ? r.size : 1;
  const low = (opcode & 7) | ((r.rex & 1) << 3);
  if (opcode >= 0x70 && opcode < 0x80) {
    insn.op = 'jcc';
    insn.cond = opcode & 15;
    const offset = r.i8();
    insn.target = r.next + offset;
    return;
  }
  if (opcode >= 0x50 && opcode < 0x60) {
    insn.op = opcode < 0x58 ? 'push' : 'pop';
    insn.size = r.stackSize;
    insn.a = r.register(low, insn.size);
    return;
  }
  if (opcode > 0x90 && opcode < 0x98) {
    two(insn, 'xchg', r.register(low, r.size), r.register(0, r.size));
    return;
  }
  if (opcode >= 0xb0 && opcode < 0xb8) {
    insn.size = 1;
    two(insn, 'mov', r.register(low, 1), imm(r.i8()));
    return;
  }
  if (opcode >= 0xb8 && opcode < 0xc0) {
    const dest = r.register(low, r.size);
    if (r.size !== 8) {
      two(insn, 'mov', dest, imm(r.imm(r.size)));
      return;
    }
    const big = r.i64();
    const value = Number(big);
    two(insn, 'mov', dest, Number.isSafeInteger(value) ? imm(value) : { kind: 'imm', value, big });
    return;
  }
  switch (opcode) {
    case 0x63:
      r.modrm();
      two(insn, 'movsx', r.g(r.size), r.e(r.size === 2 ? 2 : 4));
      return;
    case 0x68:
    case 0x6a:
      insn.op = 'push';
      insn.size = r.stackSize;
      insn.a = imm(opcode === 0x6a ? r.i8() : r.imm(insn.size));
      return;
    case 0x69:
    case 0x6b: {
      r.modrm();
      const immediate = opcode === 0x6b ? 1 : Math.min(r.size, 4);
      two(insn, 'imul', r.g(r.size), r.e(r.size, immediate));
      insn.c = imm(opcode === 0x6b ? r.i8() : r.imm(r.size));
      return;
    }
    case 0x80:
    case 0x81:
    case 0x83: {
      insn.size = opcode === 0x80 ? 1 : r.size;
      r.modrm();
      const immediate = opcode === 0x81 ? Math.min(r.size, 4) : 1;
      const dest = r.e(insn.size, immediate);
      two(insn, ALU[r.reg & 7], dest, imm(opcode === 0x81 ? r.imm(r.size) : r.i8()));
      return;
    }
    case 0x84:
    case 0x85:
    case 0x86:
    case 0x87:
      insn.size = size;
      r.modrm();
      two(insn, opcode < 0x86 ? 'test' : 'xchg', r.e(size), r.g(size));
      return;
    case 0x88:
    case 0x89:
      insn.size = size;
      r.modrm();
      two(insn, 'mov', r.e(size), r.g(size));
      return;
    case 0x8a:
    case 0x8b:
      insn.size = size;
      r.modrm();
      two(insn, 'mov', r.g(size), r.e(size));
      return;
    case 0x8c: {
      r.modrm();
      const dest = r.rmIsRegister ? r.e(r.size) : r.memory(2);
      insn.op = (r.reg & 7) < 6 ? 'movfromseg' : OP_INVALID;
      insn.a = dest;
      insn.b = imm(r.reg & 7);
      return;
    }
    case 0x8d:
      r.modrm();
      if (r.rmIsRegister) return;
      two(insn, 'lea', r.g(r.size), r.memory(8));
      return;
    case 0x8f:
      r.modrm();
      if (r.reg & 7) return;
      insn.op = 'pop';
      insn.size = r.stackSize;
      insn.a = r.e(insn.size);
      return;
    case 0x90:
      if (r.rex & 1) {
        two(insn, 'xchg', r.register(8, r.size), r.register(0, r.size));
        return;
      }
      insn.op = 'nop';
      return;
    case 0x98:
      two(insn, 'movsx', r.register(0, r.size), {
        kind: 'reg',
        reg: 0,
        size: (r.size / 2) as Size,
        high: false,
      });
      return;
    case 0x99:
      insn.op = 'cwd';
      return;
    case 0x9c:
    case 0x9d:
      insn.op = opcode === 0x9c ? 'pushf' : 'popf';
      insn.size = r.stackSize;
      return;
    case 0x9e:
    case 0x9f:
      insn.op = opcode === 0x9e ? 'sahf' : 'lahf';
      return;
    case 0xa0:
    case 0xa1:
    case 0xa2:
    case 0xa3:
      decodeMoffs(r, opcode, insn, size);
      return;
    case 0xa4:
    case 0xa5:
      string(insn, 'movs', size);
      return;
    case 0xa6:
    case 0xa7:
      string(insn, 'cmps', size);
      return;
    case 0xa8:
    case 0xa9:
      insn.size = size;
      two(insn, 'test', r.register(0, size), imm(r.imm(size)));
      return;
    case 0xaa:
    case 0xab:
      string(insn, 'stos', size);
      return;
    case 0xac:
    case 0xad:
      string(insn, 'lods', size);
      return;
    case 0xae:
    case 0xaf:
      string(insn, 'scas', size);
      return;
    case 0x6c:
    case 0x6d:
      string(insn, 'ins', opcode === 0x6c ? 1 : r.opsize16 ? 2 : 4);
      return;
    case 0x6e:
    case 0x6f:
      string(insn, 'outs', opcode === 0x6e ? 1 : r.opsize16 ? 2 : 4);
      return;
    case 0xc0:
    case 0xc1:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
      insn.size = size;
      r.modrm();
      const dest = r.e(size, opcode < 0xd0 ? 1 : 0);
      const count: Operand =
        opcode < 0xd0 ? imm(r.u8()) : opcode < 0xd2 ? imm(1) : { kind: 'reg', reg: 1, size: 1, high: false };
      two(insn, SHIFTS[r.reg & 7], dest, count);
      return;
    }
    case 0xc2:
    case 0xc3:
      insn.op = r.stackSize === 2 ? OP_UNIMPLEMENTED : 'ret';
      insn.a = imm(opcode === 0xc2 ? r.i16() & 0xffff : 0);
      return;
    case 0xc4:
    case 0xc5:
      decodeVex(r, opcode, insn);
      return;
    case 0xc6:
    case 0xc7: {
      insn.size = size;
      r.modrm();
      if (r.reg & 7) {
        if (r.mod === 3 && (r.reg & 7) === 7 && r.rm === 0) insn.op = OP_UNIMPLEMENTED;
        return;
      }
      const dest = r.e(size, Math.min(size, 4));
      two(insn, 'mov', dest, imm(r.imm(size)));
      return;
    }
    case 0xc8:
      insn.op = 'enter';
      insn.size = r.stackSize;
      insn.a = imm(r.i16() & 0xffff);
      insn.b = imm(r.u8() & 31);
      return;
    case 0xc9:
      insn.op = 'leave';
      insn.size = r.stackSize;
      return;
    case 0xcc:
      insn.op = 'int3';
      return;
    case 0xd7:
      insn.op = 'xlat';
      return;
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3: {
      insn.op = ['loopne', 'loope', 'loop', 'jrcxz'][opcode & 3];
      const offset = r.i8();
      insn.target = r.next + offset;
      return;
    }
    case 0xe4:
    case 0xe5:
    case 0xe6:
    case 0xe7:
    case 0xec:
    case 0xed:
    case 0xee:
    case 0xef:
      insn.op = opcode & 2 ? 'out' : 'in';
      insn.size = opcode & 1 ? (r.opsize16 ? 2 : 4) : 1;
      insn.a = opcode < 0xe8 ? imm(r.u8()) : { kind: 'reg', reg: 2, size: 2, high: false };
      return;
    case 0xe8:
    case 0xe9: {
      insn.op = opcode === 0xe8 ? 'call' : 'jmp';
      const offset = r.i32();
      insn.target = r.next + offset;
      return;
    }
    case 0xeb: {
      insn.op = 'jmp';
      const offset = r.i8();
      insn.target = r.next + offset;
      return;
    }
    case 0xf4:
    case 0xf5:
    case 0xf8:
    case 0xf9:
    case 0xfa:
    case 0xfb:
    case 0xfc:
    case 0xfd:
      insn.op = ['hlt', 'cmc', '', '', 'clc', 'stc', 'cli', 'sti', 'cld', 'std'][opcode - 0xf4];
      return;
    case 0xf6:
    case 0xf7:
      decodeGroup3(r, insn, size);
      return;
    case 0xfe:
    case 0xff:
      decodeGroup5(r, opcode, insn, size);
      return;
    // Far returns, interrupts, segment loads and x87 exist, but kernel modules have no use for them here.
    case 0x8e:
    case 0x9b:
    case 0xca:
    case 0xcb:
    case 0xcd:
    case 0xcf:
    case 0xf1:
    case 0x62:
      insn.op = OP_UNIMPLEMENTED;
      return;
    default:
      if (opcode >= 0xd8 && opcode < 0xe0) insn.op = OP_UNIMPLEMENTED;
  }
}
