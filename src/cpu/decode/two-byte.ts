import { imm, two } from './groups.js';
import { type Insn, OP_INVALID, OP_UNIMPLEMENTED, type Operand, type Size } from './instruction.js';
import type { InsnReader } from './reader.js';
import { decodeVector, decodeVectorState, legacyEncoding } from './vector.js';

/** A no-operation with a ModRM operand that is not accessed. */
function hint(r: InsnReader, insn: Insn): void {
  r.modrm();
  r.e(8);
  insn.op = 'nop';
}

/** Opcodes 0F xx (Intel SDM volume 2, table A-3). */
export function decodeTwoByte(r: InsnReader, insn: Insn): void {
  const opcode = r.u8();
  const size = r.size;
  const byteOr = opcode & 1 ? size : 1;
  const low = (opcode & 7) | ((r.rex & 1) << 3);
  if (opcode >= 0x80 && opcode < 0x90) {
    insn.op = 'jcc';
    insn.cond = opcode & 15;
    const offset = r.i32();
    insn.target = r.next + offset;
    return;
  }
  if (opcode >= 0x40 && opcode < 0x50) {
    insn.cond = opcode & 15;
    r.modrm();
    two(insn, 'cmovcc', r.g(size), r.e(size));
    return;
  }
  if (opcode >= 0x90 && opcode < 0xa0) {
    insn.op = 'setcc';
    insn.cond = opcode & 15;
    insn.size = 1;
    r.modrm();
    insn.a = r.e(1);
    return;
  }
  if (opcode >= 0xc8 && opcode < 0xd0) {
    insn.op = 'bswap';
    insn.a = r.register(low, size);
    return;
  }
  // 0F 18..1F are hints (prefetch, endbr, rdssp without shadow stacks, the long nops).
  if (opcode >= 0x18 && opcode < 0x20) {
    hint(r, insn);
    return;
  }
  switch (opcode) {
    case 0x01:
      decodeGroup7(r, insn);
      return;
    case 0x06:
      insn.op = 'clts';
      return;
    case 0x08:
    case 0x09:
      insn.op = 'nop';
      return;
    case 0x0b:
      insn.op = 'ud2';
      return;
    case 0x0d:
      hint(r, insn);
      return;
    case 0x20:
    case 0x22: {
      r.modrm();
      const general: Operand = { kind: 'reg', reg: r.rm | ((r.rex & 1) << 3), size: 8, high: false };
      insn.size = 8;
      insn.op = opcode === 0x20 ? 'movfromcr' : 'movtocr';
      insn.a = general;
      insn.b = imm(r.reg);
      return;
    }
    case 0x30:
      insn.op = 'wrmsr';
      return;
    case 0x31:
      insn.op = 'rdtsc';
      return;
    case 0x32:
      insn.op = 'rdmsr';
      return;
    case 0xa2:
      insn.op = 'cpuid';
      return;
    case 0xa3:
    case 0xab:
    case 0xb3:
    case 0xbb:
      r.modrm();
      two(insn, ['bt', 'bts', 'btr', 'btc'][(opcode >> 3) & 3], r.e(size), r.g(size));
      return;
    case 0xba: {
      r.modrm();
      const op = r.reg & 7;
      if (op < 4) return;
      const dest = r.e(size, 1);
      two(insn, ['bt', 'bts', 'btr', 'btc'][op - 4], dest, imm(r.u8()));
      return;
    }
    case 0xa4:
    case 0xac:
      r.modrm();
      two(insn, opcode === 0xa4 ? 'shld' : 'shrd', r.e(size, 1), r.g(size));
      insn.c = imm(r.u8());
      return;
    case 0xa5:
    case 0xad:
      r.modrm();
      two(insn, opcode === 0xa5 ? 'shld' : 'shrd', r.e(size), r.g(size));
      insn.c = { kind: 'reg', reg: 1, size: 1, high: false };
      return;
    case 0xae:
      decodeGroup15(r, insn);
      return;
    case 0xaf:
      r.modrm();
      two(insn, 'imul', r.g(size), r.e(size));
      return;
    case 0xb0:
    case 0xb1:
    case 0xc0:
    case 0xc1:
      insn.size = byteOr;
      r.modrm();
      two(insn, opcode < 0xc0 ? 'cmpxchg' : 'xadd', r.e(byteOr), r.g(byteOr));
      return;
    case 0xb6:
    case 0xb7:
    case 0xbe:
    case 0xbf:
      r.modrm();
      two(insn, opcode < 0xb8 ? 'movzx' : 'movsx', r.g(size), r.e(opcode & 1 ? 2 : 1));
      return;
    case 0xb8:
      if (r.rep !== 0xf3) return;
      r.modrm();
      two(insn, 'popcnt', r.g(size), r.e(size));
      return;
    case 0xbc:
    case 0xbd: {
      r.modrm();
      const counting = r.rep === 0xf3;
      const op = opcode === 0xbc ? (counting ? 'tzcnt' : 'bsf') : counting ? 'lzcnt' : 'bsr';
      two(insn, op, r.g(size), r.e(size));
      return;
    }
    case 0xc3:
      r.modrm();
      if (r.rmIsRegister || r.opsize16) return;
      two(insn, 'mov', r.memory(size), r.g(size));
      return;
    case 0xc7:
      decodeGroup9(r, insn);
      return;
    case 0x38:
      decode0f38(r, insn);
      return;
    case 0x3a: {
      const third = r.u8();
      if (!decodeVector(r, insn, third, legacyEncoding(r, 3))) insn.op = OP_UNIMPLEMENTED;
      return;
    }
    case 0xb9:
    case 0xff:
      r.modrm();
      r.e(size);
      insn.op = 'ud2';
      return;
    // Loads of far pointers, system calls, descriptor tables, debug registers, and MMX.
    default:
      if (!KNOWN.has(opcode)) return;
      if (!decodeVector(r, insn, opcode, legacyEncoding(r, 1))) insn.op = OP_UNIMPLEMENTED;
  }
}

/** Opcodes of the 0F map that exist; the rest is #UD. */
const KNOWN = new Set<number>();
for (const [first, last] of [
  [0x00, 0x03],
  [0x05, 0x07],
  [0x10, 0x17],
  [0x21, 0x21],
  [0x23, 0x23],
  [0x28, 0x2f],
  [0x33, 0x35],
  [0x3a, 0x3a],
  [0x50, 0x77],
  [0x7c, 0x7f],
  [0xa0, 0xa1],
  [0xa8, 0xaa],
  [0xb2, 0xb2],
  [0xb4, 0xb5],
  [0xc2, 0xc6],
  [0xd0, 0xfe],
])
  for (let opcode = first; opcode <= last; opcode++) KNOWN.add(opcode);

function decodeGroup7(r: InsnReader, insn: Insn): void {
  r.modrm();
  const op = r.reg & 7;
  if (!r.rmIsRegister) {
    r.memory(8);
    insn.op = op === 7 ? 'nop' : OP_UNIMPLEMENTED; // invlpg: there is no TLB
    return;
  }
  switch ((op << 3) | r.rm) {
    case 0o12:
      insn.op = 'clac';
      return;
    case 0o13:
      insn.op = 'stac';
      return;
    case 0o20:
      insn.op = 'xgetbv';
      return;
    case 0o34:
      insn.op = 'stgi';
      return;
    case 0o70:
      insn.op = 'swapgs';
      return;
    case 0o71:
      insn.op = 'rdtscp';
      return;
    default:
      insn.op = OP_UNIMPLEMENTED;
  }
}

function decodeGroup9(r: InsnReader, insn: Insn): void {
  r.modrm();
  const op = r.reg & 7;
  if (!r.rmIsRegister) {
    if (op === 1) {
      insn.op = r.rexW ? 'cmpxchg16b' : 'cmpxchg8b';
      insn.a = r.memory(r.rexW ? 16 : 8);
    } else insn.op = OP_UNIMPLEMENTED;
    return;
  }
  if (op < 6) return;
  if (op === 7 && r.rep === 0xf3) {
    insn.op = 'rdpid';
    insn.a = { kind: 'reg', reg: r.rm | ((r.rex & 1) << 3), size: 8, high: false };
    return;
  }
  insn.op = op === 6 ? 'rdrand' : 'rdseed';
  insn.a = r.e(r.size);
}

function decodeGroup15(r: InsnReader, insn: Insn): void {
  r.modrm();
  const op = r.reg & 7;
  if (r.rmIsRegister) {
    if (r.rep === 0xf3 && op < 4) {
      insn.op = ['rdfsbase', 'rdgsbase', 'wrfsbase', 'wrgsbase'][op];
      insn.a = r.e(r.rexW ? 8 : 4);
    } else if (op >= 5) insn.op = r.rep || r.opsize16 ? OP_UNIMPLEMENTED : 'nop'; // lfence, mfence, sfence
    return;
  }
  // clflush, clflushopt (66) and clwb (66 /6): no caches. The others save and load vector state.
  if ((op === 7 && !r.rep) || (op === 6 && r.opsize16)) {
    r.memory(8);
    insn.op = 'nop';
  } else decodeVectorState(r, insn, false);
}

function decode0f38(r: InsnReader, insn: Insn): void {
  const opcode = r.u8();
  if ((opcode === 0xf0 || opcode === 0xf1) && r.rep === 0xf2) {
    const source: Size = opcode === 0xf0 ? 1 : r.size;
    r.modrm();
    two(insn, 'crc32', r.g(r.rexW ? 8 : 4), r.e(source));
    return;
  }
  if ((opcode === 0xf0 || opcode === 0xf1) && !r.rep) {
    r.modrm();
    if (r.rmIsRegister) return;
    if (opcode === 0xf0) two(insn, 'movbe', r.g(r.size), r.memory(r.size));
    else two(insn, 'movbe', r.memory(r.size), r.g(r.size));
    return;
  }
  if (opcode === 0xf6 && (r.opsize16 || r.rep === 0xf3)) {
    insn.size = r.rexW ? 8 : 4;
    r.modrm();
    two(insn, r.rep === 0xf3 ? 'adox' : 'adcx', r.g(insn.size), r.e(insn.size));
    return;
  }
  if (decodeVector(r, insn, opcode, legacyEncoding(r, 2))) return;
  insn.op = opcode === 0xff ? OP_INVALID : OP_UNIMPLEMENTED;
}
