import { RSP } from '../cpu-types.js';
import { effectsOf } from '../decode/effects.js';
import type { Insn, MemOperand } from '../decode/instruction.js';
import { stackOperand } from '../decode/stack-operand.js';
import { type Graph, successors, type Terminator } from './cfg.js';

/**
 * Addresses as a root value plus a constant, so that one check can stand for all accesses of a basic block that
 * go through the same pointer, and one at function entry for all of the stack frame.
 */
export interface Symbolic {
  readonly root: number;
  readonly delta: number;
  /** Largest value the register can have, where that is known. */
  readonly bound?: number | undefined;
}

/** A symbolic address; a bounded index may add up to `extent` bytes to it. */
export interface Location extends Symbolic {
  readonly extent: number;
  readonly index?: { readonly reg: number; readonly scale: number };
}

/** Root of addresses relative to RSP at function entry. */
export const FRAME = 0;

/** What is checked at once: bytes [low, high) from the root. */
export interface Range {
  low: number;
  high: number;
  write: boolean;
  accesses: number;
  /** Local with the linear offset of `low`, once checked. */
  local: number;
}

/** The longest range checked at once. */
const MAX_RANGE = 12_000;
/** What a bounded index may add: tables of 256 words. Little in the stack frame, which may end near the top. */
const MAX_EXTENT = 4096;
const MAX_FRAME_EXTENT = 512;
const FAR = 2 ** 30;

/** Follows register values through a block; the same walk gives the same root numbers. */
export class SymbolicRegisters {
  private readonly values: Symbolic[] = [];
  private next = 1;

  constructor(rsp: number | undefined) {
    for (let reg = 0; reg < 16; reg++) this.values.push(this.fresh());
    if (rsp !== undefined) this.values[RSP] = { root: FRAME, delta: rsp };
  }

  get(reg: number): Symbolic {
    return this.values[reg];
  }

  get rsp(): number | undefined {
    const value = this.values[RSP];
    return value.root === FRAME ? value.delta : undefined;
  }

  private fresh(): Symbolic {
    return { root: this.next++, delta: 0 };
  }

  private move(reg: number, from: Symbolic, by: number): void {
    const delta = from.delta + by;
    this.values[reg] = Math.abs(delta) < FAR ? { root: from.root, delta } : this.fresh();
  }

  /** Bound of the register that an instruction writes, from the instruction alone. */
  private boundAfter({ op, a, b, size }: Insn): number | undefined {
    if (size < 4 || a?.kind !== 'reg') return undefined;
    if (op === 'movzx') return b?.kind === 'reg' || b?.kind === 'mem' ? 256 ** b.size - 1 : undefined;
    if (b?.kind === 'reg')
      return op === 'mov' && size === 4
        ? this.values[b.reg].bound
        : op === 'xor' && a.reg === b.reg
          ? 0
          : undefined;
    if (b?.kind !== 'imm' || b.value < 0) return undefined;
    if (op === 'mov') return b.value;
    if (op === 'and') return Math.min(b.value, this.values[a.reg].bound ?? b.value);
    return op === 'shr' ? 2 ** (size * 8 - (b.value & (size * 8 - 1))) - 1 : undefined;
  }

  /** Accounts for what an instruction does to registers. */
  step(insn: Insn): void {
    const { op, a, b, size } = insn;
    if (op === 'push' || op === 'pushf') {
      this.move(RSP, this.values[RSP], -size);
      return;
    }
    if (op === 'popf') {
      this.move(RSP, this.values[RSP], size);
      return;
    }
    const effects = effectsOf(insn);
    if (!effects) {
      if (op === 'enter') for (let reg = 0; reg < 16; reg++) this.values[reg] = this.fresh();
      return;
    }
    if (a?.kind === 'reg' && size === 8) {
      if ((op === 'add' || op === 'sub') && b?.kind === 'imm') {
        this.move(a.reg, this.values[a.reg], op === 'add' ? b.value : -b.value);
        return;
      }
      if (op === 'inc' || op === 'dec') {
        this.move(a.reg, this.values[a.reg], op === 'inc' ? 1 : -1);
        return;
      }
      if (op === 'mov' && b?.kind === 'reg') {
        this.move(a.reg, this.values[b.reg], 0);
        return;
      }
      if (op === 'lea' && b?.kind === 'mem' && b.base >= 0 && b.index < 0 && !b.addr32) {
        this.move(a.reg, this.values[b.base], b.disp);
        return;
      }
    }
    const bound = this.boundAfter(insn);
    for (let reg = 0; reg < 16; reg++)
      if (effects.regsWritten & (1 << reg) && !(op === 'pop' && reg === RSP)) this.values[reg] = this.fresh();
    if (bound !== undefined && a?.kind === 'reg') this.values[a.reg] = { ...this.values[a.reg], bound };
    if (op === 'pop' && !(a?.kind === 'reg' && a.reg === RSP)) this.move(RSP, this.values[RSP], size);
    else if (op === 'pop') this.values[RSP] = this.fresh();
  }

  /** The symbolic address of an operand, if it is one. */
  locate(memory: MemOperand): Location | undefined {
    if (memory.base < 0 || memory.segment || memory.addr32) return undefined;
    const base = this.values[memory.base];
    if (memory.index < 0) return { root: base.root, delta: base.delta + memory.disp, extent: 0 };
    const index = this.values[memory.index];
    const extent = (index.bound ?? Number.POSITIVE_INFINITY) * memory.scale;
    const limit = base.root === FRAME ? MAX_FRAME_EXTENT : MAX_EXTENT;
    if (extent > limit) return undefined;
    return {
      root: base.root,
      delta: base.delta + memory.disp,
      extent,
      index: { reg: memory.index, scale: memory.scale },
    };
  }
}

export interface AddressPlan {
  /** RSP at entry to each block, relative to function entry, where it is the same on all paths. */
  readonly rspIn: readonly (number | undefined)[];
  /** Ranges of each block by root. */
  readonly blocks: readonly Map<number, Range>[];
  /** The stack frame, if it is small enough to be checked at once. */
  readonly frame: Range | undefined;
}

/** The same without ranges but that of the frame. */
export function frameOnly({ rspIn, blocks, frame }: AddressPlan): AddressPlan {
  return { rspIn, blocks: blocks.map(() => new Map<number, Range>()), frame };
}

const NOT_ACCESSED = new Set(['lea', 'nop', 'xlat', 'ins', 'outs']);
const READ_ONLY = new Set(['cmp', 'test', 'bt', 'push', 'calli', 'jmpi', 'mul', 'imul1', 'div', 'idiv']);

/** Finds which accesses can be checked together. */
export function planAddresses(graph: Graph): AddressPlan {
  const rspIn = solveRsp(graph);
  const frame: Range = { low: 0, high: 8, write: true, accesses: 0, local: -1 };
  const blocks = graph.blocks.map((block, i) => {
    const symbols = new SymbolicRegisters(rspIn[i]);
    const ranges = new Map<number, Range>();
    const touch = (at: Location | undefined, bytes: number, write: boolean): void => {
      if (!at) return;
      const size = bytes + at.extent;
      const range = at.root === FRAME ? frame : ranges.get(at.root);
      if (!range) {
        ranges.set(at.root, { low: at.delta, high: at.delta + size, write, accesses: 1, local: -1 });
        return;
      }
      const low = Math.min(range.low, at.delta);
      const high = Math.max(range.high, at.delta + size);
      if (high - low > MAX_RANGE && range !== frame) return;
      range.low = low;
      range.high = high;
      range.write ||= write;
      range.accesses++;
    };
    const visit = (insn: Insn): void => {
      if (insn.op === 'push') touch(symbols.locate(stackOperand(-insn.size)), insn.size, true);
      else if (insn.op === 'call' || insn.op === 'calli') touch(symbols.locate(stackOperand(-8)), 8, true);
      else if (insn.op === 'pop' || insn.op === 'ret') touch(symbols.locate(stackOperand(0)), 8, false);
      [insn.a, insn.b, insn.c].forEach((operand, n) => {
        if (operand?.kind !== 'mem' || NOT_ACCESSED.has(insn.op) || (operand.size > 8 && !insn.vector))
          return;
        if (insn.op.startsWith('bt') && insn.b?.kind === 'reg') return;
        touch(symbols.locate(operand), operand.size, n === 0 && !READ_ONLY.has(insn.op));
      });
    };
    for (const insn of block.insns) {
      visit(insn);
      symbols.step(insn);
    }
    const end = block.terminator;
    if ('insn' in end && end.kind !== 'trap' && (effectsOf(end.insn) || end.insn.op === 'ret'))
      visit(end.insn);
    for (const [root, range] of ranges) if (range.accesses < 2) ranges.delete(root);
    return ranges;
  });
  const usable = frame.accesses >= 2 && frame.high - frame.low <= MAX_RANGE;
  return { rspIn, blocks, frame: usable ? frame : undefined };
}

/** Forward data flow: RSP relative to entry. */
function solveRsp(graph: Graph): (number | undefined)[] {
  const UNSEEN = Number.NaN;
  const inAt: (number | undefined)[] = graph.blocks.map(() => UNSEEN);
  inAt[0] = 0;
  const work = [0];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    const block = graph.blocks[at];
    const symbols = new SymbolicRegisters(inAt[at]);
    for (const insn of block.insns) symbols.step(insn);
    const out = afterTerminator(symbols, block.terminator);
    for (const next of successors(block.terminator)) {
      const before = inAt[next];
      const merged = Number.isNaN(before) ? out : before === out ? before : undefined;
      if (!Object.is(merged, before)) {
        inAt[next] = merged;
        work.push(next);
      }
    }
  }
  return inAt.map((value) => (Number.isNaN(value) ? undefined : value));
}

function afterTerminator(symbols: SymbolicRegisters, terminator: Terminator): number | undefined {
  // A call comes back with RSP as it was; that is checked after it.
  if (terminator.kind === 'sync' && terminator.insn.op !== 'call' && terminator.insn.op !== 'calli')
    symbols.step(terminator.insn);
  return symbols.rsp;
}
