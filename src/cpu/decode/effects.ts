import type { Insn, Operand } from './instruction.js';
import { COMPARES, type VectorSet, vectorEffects } from './vector-effects.js';
import { isHostVector } from './vector-table.js';

/** Arithmetic flags, as bits of RFLAGS. */
export const CF = 1;
export const PF = 4;
export const AF = 0x10;
export const ZF = 0x40;
export const SF = 0x80;
export const OF = 0x800;
export const ARITHMETIC = CF | PF | AF | ZF | SF | OF;
export const DF = 0x400;
export const IF = 0x200;

/** What an instruction reads and writes: masks of registers (bit n = register n) and of flags. */
export interface Effects {
  regsRead: number;
  /** Registers modified. */
  regsWritten: number;
  flagsRead: number;
  /** Flags overwritten in every case, or left undefined. */
  flagsWritten: number;
  vectorsRead: VectorSet;
  vectorsWritten: VectorSet;
}

type Access = 'r' | 'w' | 'rw' | '-';
interface Row {
  readonly a: Access;
  readonly b: Access;
  readonly read: number;
  readonly written: number;
  readonly implicitRead: number;
  readonly implicitWritten: number;
}

const rows = new Map<string, Row>();
function define(
  ops: string,
  a: Access,
  b: Access,
  read = 0,
  written = 0,
  implicitRead = 0,
  implicitWritten = 0,
): void {
  for (const op of ops.split(' ')) rows.set(op, { a, b, read, written, implicitRead, implicitWritten });
}

const RAX_BIT = 1;
const RCX_BIT = 2;
const RDX_BIT = 4;
export const RSP_BIT = 16;
const RBP_BIT = 32;
define('add sub and or xor xadd', 'rw', 'r', 0, ARITHMETIC);
define('adc sbb', 'rw', 'r', CF, ARITHMETIC);
define('cmp test', 'r', 'r', 0, ARITHMETIC);
define('neg', 'rw', '-', 0, ARITHMETIC);
define('inc dec', 'rw', '-', 0, ARITHMETIC & ~CF);
define('not bswap', 'rw', '-');
define('mov movzx movsx movbe', 'w', 'r');
define('lea', 'w', 'r');
define('xchg', 'rw', 'rw');
define('shl shr sar shld shrd', 'rw', 'r', 0, ARITHMETIC);
define('rol ror', 'rw', 'r', 0, CF | OF);
define('rorx shlx sarx shrx', 'w', 'r');
define('bt', 'r', 'r', 0, CF);
define('bts btr btc', 'rw', 'r', 0, CF);
define('bsf bsr', 'rw', 'r', 0, ZF);
define('tzcnt lzcnt', 'w', 'r', 0, CF | ZF);
define('popcnt', 'w', 'r', 0, ARITHMETIC);
define('andn bextr bzhi', 'w', 'r', 0, ARITHMETIC);
define('blsr blsmsk blsi', 'w', 'r', 0, ARITHMETIC);
define('adcx', 'rw', 'r', CF, CF);
define('adox', 'rw', 'r', OF, OF);
define('mulx', 'w', 'w', 0, 0, RDX_BIT);
define('imul', 'rw', 'r', 0, ARITHMETIC);
define('mul imul1', 'r', '-', 0, ARITHMETIC, RAX_BIT, RAX_BIT | RDX_BIT);
define('div idiv', 'r', '-', 0, 0, RAX_BIT | RDX_BIT, RAX_BIT | RDX_BIT);
define('cwd', '-', '-', 0, 0, RAX_BIT, RDX_BIT);
define('cmpxchg', 'rw', 'r', 0, ARITHMETIC, RAX_BIT, RAX_BIT);
define('push', 'r', '-', 0, 0, RSP_BIT, RSP_BIT);
define('pop', 'w', '-', 0, 0, RSP_BIT, RSP_BIT);
define('leave', '-', '-', 0, 0, RBP_BIT, RSP_BIT | RBP_BIT);
define('sahf', '-', '-', 0, CF | PF | AF | ZF | SF, RAX_BIT);
define('lahf', '-', '-', CF | PF | AF | ZF | SF, 0, RAX_BIT, RAX_BIT);
define('clc stc', '-', '-', 0, CF);
define('cmc', '-', '-', CF, CF);
define('jcc', '-', '-');
define('setcc', 'w', '-');
define('cmovcc', 'rw', 'r');
define('loop', '-', '-', 0, 0, RCX_BIT, RCX_BIT);
define('loope loopne', '-', '-', ZF, 0, RCX_BIT, RCX_BIT);
define('jrcxz', '-', '-', 0, 0, RCX_BIT);
define('crc32', 'rw', 'r');
define('nop', '-', '-');
define('ret', '-', '-', 0, 0, RSP_BIT, RSP_BIT);
define('call', '-', '-', 0, 0, RSP_BIT, RSP_BIT);
define('calli', 'r', '-', 0, 0, RSP_BIT, RSP_BIT);
define('jmpi', 'r', '-');

const STRING_ROW: Row = { a: '-', b: '-', read: 0, written: 0, implicitRead: 0, implicitWritten: 0 };
const RSI_BIT = 64;
const RDI_BIT = 128;

/** movs and stos with plain addresses; the others are left to the slow path. */
function stringRow(insn: Insn): Row | undefined {
  if (insn.addr32 || insn.segment) return undefined;
  const pointers = insn.op === 'movs' ? RSI_BIT | RDI_BIT : RDI_BIT;
  const count = insn.rep ? RCX_BIT : 0;
  const implicitRead = pointers | count | (insn.op === 'stos' ? RAX_BIT : 0);
  return { ...STRING_ROW, implicitRead, implicitWritten: pointers | count };
}

const CONDITION_FLAGS = [OF, CF, ZF, CF | ZF, SF, PF, SF | OF, ZF | SF | OF];

/** Flags that an x86 condition code depends on. */
export const conditionFlags = (cond: number): number => CONDITION_FLAGS[cond >> 1];

/** Whether shift and rotate counts are known, and what they are. */
export function constantCount(insn: Insn, count: Operand | undefined): number | undefined {
  return count?.kind === 'imm' ? count.value & (insn.size === 8 ? 63 : 31) : undefined;
}

const CONDITIONAL = new Set('shl shr sar rol ror shld shrd'.split(' '));

function effectsOfVector(insn: Insn): Effects {
  const { read, written } = vectorEffects(insn);
  const out: Effects = {
    regsRead: 0,
    regsWritten: 0,
    flagsRead: 0,
    flagsWritten: COMPARES.has(insn.op) ? ARITHMETIC : 0,
    vectorsRead: read,
    vectorsWritten: written,
  };
  if (insn.a) operand(out, insn.a, 'w');
  if (insn.b) operand(out, insn.b, 'r');
  if (insn.c) operand(out, insn.c, 'r');
  return out;
}

/** Effects of an instruction that is translated in line; undefined: it is executed by the slow path. */
export function effectsOf(insn: Insn): Effects | undefined {
  if (insn.vector) return isHostVector(insn.op) ? undefined : effectsOfVector(insn);
  const row = insn.op === 'movs' || insn.op === 'stos' ? stringRow(insn) : rows.get(insn.op);
  if (!row) return undefined;
  const out: Effects = {
    regsRead: row.implicitRead,
    regsWritten: row.implicitWritten,
    flagsRead: row.read,
    flagsWritten: row.written,
    vectorsRead: 0,
    vectorsWritten: 0,
  };
  const { op, a, b, c } = insn;
  if (row.implicitWritten & RDX_BIT) {
    // Byte forms use AX alone; word forms keep the rest of RDX_BIT.
    if (insn.size === 1) {
      out.regsRead &= ~RDX_BIT;
      out.regsWritten &= ~RDX_BIT;
    } else if (insn.size === 2) out.regsRead |= RDX_BIT;
  }
  // xor r,r and sub r,r do not depend on the register.
  const idiom =
    (op === 'xor' || op === 'sub') &&
    insn.size >= 4 &&
    a?.kind === 'reg' &&
    b?.kind === 'reg' &&
    a.reg === b.reg;
  const threeOperandImul = op === 'imul' && c !== undefined;
  if (a) operand(out, a, idiom ? 'w' : threeOperandImul ? 'w' : row.a);
  if (b && !idiom) operand(out, b, op === 'xadd' ? 'rw' : row.b);
  if (c) operand(out, c, 'r');
  if (op === 'jcc' || op === 'setcc' || op === 'cmovcc') out.flagsRead |= conditionFlags(insn.cond);
  else if (CONDITIONAL.has(op)) {
    const count = constantCount(insn, op === 'shld' || op === 'shrd' ? c : b);
    if (count === undefined) out.flagsRead |= out.flagsWritten;
    if (!count) out.flagsWritten = 0;
  }
  return out;
}

function operand(out: Effects, operand: Operand, access: Access): void {
  if (operand.kind === 'mem') {
    if (operand.base >= 0) out.regsRead |= 1 << operand.base;
    if (operand.index >= 0) out.regsRead |= 1 << operand.index;
  } else if (operand.kind === 'reg') {
    const bit = 1 << operand.reg;
    if (access === 'r' || access === 'rw' || (access === 'w' && operand.size < 4)) out.regsRead |= bit;
    if (access === 'w' || access === 'rw') out.regsWritten |= bit;
  }
}
