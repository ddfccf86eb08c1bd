import { effectsOf } from '../decode/effects.js';
import type { Insn, MemOperand } from '../decode/instruction.js';
import { type Graph, successors, type Terminator } from './cfg.js';

/**
 * Addresses as a root value plus a constant, so that one check can stand for all accesses of a basic block that
 * go through the same pointer, and one at function entry for all of the stack frame.
 */
export interface Symbolic {
  readonly root: number;
  readonly delta: number;
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

const RSP = 4;
/** The longest range checked at once; it may touch two pages. */
const MAX_RANGE = 4000;
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
    for (let reg = 0; reg < 16; reg++)
      if (effects.regsWritten & (1 << reg) && !(op === 'pop' && reg === RSP)) this.values[reg] = this.fresh();
    if (op === 'pop' && !(a?.kind === 'reg' && a.reg === RSP)) this.move(RSP, this.values[RSP], size);
    else if (op === 'pop') this.values[RSP] = this.fresh();
  }

  /** The symbolic address of an operand, if it is one. */
  locate(memory: MemOperand): Symbolic | undefined {
    if (memory.base < 0 || memory.index >= 0 || memory.segment || memory.addr32) return undefined;
    const { root, delta } = this.values[memory.base];
    return { root, delta: delta + memory.disp };
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

const NOT_ACCESSED = new Set(['lea', 'nop', 'xlat', 'ins', 'outs']);
const READ_ONLY = new Set(['cmp', 'test', 'bt', 'push', 'calli', 'jmpi', 'mul', 'imul1', 'div', 'idiv']);

/** Finds which accesses can be checked together. */
export function planAddresses(graph: Graph): AddressPlan {
  const rspIn = solveRsp(graph);
  const frame: Range = { low: 0, high: 8, write: true, accesses: 0, local: -1 };
  const blocks = graph.blocks.map((block, i) => {
    const symbols = new SymbolicRegisters(rspIn[i]);
    const ranges = new Map<number, Range>();
    const touch = (at: Symbolic | undefined, size: number, write: boolean): void => {
      if (!at) return;
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
      if (insn.op === 'push') touch(symbols.locate(stackAt(-insn.size)), insn.size, true);
      else if (insn.op === 'call' || insn.op === 'calli') touch(symbols.locate(stackAt(-8)), 8, true);
      else if (insn.op === 'pop' || insn.op === 'ret') touch(symbols.locate(stackAt(0)), 8, false);
      [insn.a, insn.b, insn.c].forEach((operand, n) => {
        if (operand?.kind !== 'mem' || NOT_ACCESSED.has(insn.op) || operand.size > 8) return;
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

const stackAt = (disp: number): MemOperand => ({
  kind: 'mem',
  base: RSP,
  index: -1,
  scale: 1,
  disp,
  segment: undefined,
  size: 8,
  addr32: false,
});

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
