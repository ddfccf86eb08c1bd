import { effectsOf } from '../decode/effects.js';
import {
  type Insn,
  OP_FETCH_FAULT,
  OP_INVALID,
  OP_TOO_LONG,
  OP_UNIMPLEMENTED,
} from '../decode/instruction.js';

/** How a block ends. Block numbers index Graph.blocks. */
export type Terminator =
  | { readonly kind: 'goto'; to: number }
  | { readonly kind: 'cond'; readonly insn: Insn; taken: number; fall: number }
  /** Code that runs elsewhere, with the register file true: a call, or an instruction done by the slow path. */
  | { readonly kind: 'sync'; readonly insn: Insn; to: number }
  | { readonly kind: 'ret'; readonly insn: Insn }
  | { readonly kind: 'indirect'; readonly insn: Insn }
  /** Goes on at an address outside of this unit. */
  | { readonly kind: 'leave'; readonly ptr: number; readonly address: number }
  /** An instruction that always raises an exception. */
  | { readonly kind: 'trap'; readonly insn: Insn };

export interface Block {
  readonly ptr: number;
  readonly address: number;
  readonly insns: Insn[];
  terminator: Terminator;
}

export interface Graph {
  /** blocks[0] is the entry. */
  readonly blocks: Block[];
  /** Byte ranges that were decoded: pairs of start and end. */
  readonly ranges: number[];
}

/** What the graph builder asks about addresses. */
export interface CodeSource {
  /** Decodes at `ptr`, with thunks replaced by what they do. */
  decode(ptr: number): Insn;
  /** Linear offset of an address, or undefined if it is in no region. */
  toPtr(address: number): number | undefined;
  toAddress(ptr: number): number;
  /** Whether a jump to `ptr` stays within the unit entered at `entry`. */
  isLocal(ptr: number, entry: number): boolean;
  isNoReturn(ptr: number): boolean;
}

const TRAPS = new Set([OP_INVALID, OP_UNIMPLEMENTED, OP_FETCH_FAULT, OP_TOO_LONG, 'ud2', 'int3', 'hlt']);
const LOOPS = new Set(['loop', 'loope', 'loopne', 'jrcxz']);
/** Instructions of one unit; what lies beyond becomes units of its own. */
const MAX_INSNS = 6000;

/** Decodes what is reachable from `entry` by direct control flow and splits it into basic blocks. */
export function buildGraph(source: CodeSource, entry: number): Graph {
  const insns = new Map<number, Insn>();
  const leaders = new Set<number>([entry]);
  const work = [entry];
  const local = (address: number): number | undefined => {
    const ptr = source.toPtr(address);
    if (ptr === undefined) return undefined;
    if (leaders.has(ptr)) return ptr;
    return insns.size < MAX_INSNS && source.isLocal(ptr, entry) ? ptr : undefined;
  };
  const lead = (ptr: number): void => {
    if (leaders.has(ptr)) return;
    leaders.add(ptr);
    work.push(ptr);
  };
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    for (let ptr = at; !insns.has(ptr); ) {
      const insn = source.decode(ptr);
      insns.set(ptr, insn);
      const next = insn.ptr + insn.length;
      const kind = classify(insn);
      if (kind === 'ret' || kind === 'indirect' || kind === 'trap') break;
      if (kind === 'jump' || kind === 'cond') {
        const target = local(insn.target);
        if (target !== undefined) lead(target);
        if (kind === 'jump') break;
        lead(next);
        break;
      }
      if (kind === 'sync') {
        if (!fallsThrough(insn, source)) break;
        lead(next);
        break;
      }
      if (insns.size >= MAX_INSNS) {
        leaders.add(next);
        break;
      }
      ptr = next;
    }
  }
  return assemble(source, entry, insns, leaders);
}

function fallsThrough(insn: Insn, source: CodeSource): boolean {
  if (insn.op !== 'call') return true;
  const target = source.toPtr(insn.target);
  return target === undefined || !source.isNoReturn(target);
}

type Kind = 'plain' | 'jump' | 'cond' | 'sync' | 'ret' | 'indirect' | 'trap';

function classify(insn: Insn): Kind {
  switch (insn.op) {
    case 'jmp':
      return 'jump';
    case 'jcc':
      return 'cond';
    case 'call':
    case 'calli':
      return 'sync';
    case 'ret':
      return 'ret';
    case 'jmpi':
      return 'indirect';
  }
  if (TRAPS.has(insn.op)) return 'trap';
  if (LOOPS.has(insn.op)) return 'cond';
  return effectsOf(insn) ? 'plain' : 'sync';
}

function assemble(source: CodeSource, entry: number, insns: Map<number, Insn>, leaders: Set<number>): Graph {
  const blocks: Block[] = [];
  const numbers = new Map<number, number>();
  const open = (ptr: number): number => {
    let number = numbers.get(ptr);
    if (number === undefined) {
      number = blocks.length;
      numbers.set(ptr, number);
      const address = source.toAddress(ptr);
      blocks.push({ ptr, address, insns: [], terminator: { kind: 'leave', ptr, address } });
    }
    return number;
  };
  open(entry);
  const jump = (address: number): number => {
    const ptr = source.toPtr(address);
    if (ptr !== undefined && insns.has(ptr)) return open(ptr);
    // A block of its own that leaves the unit; addresses in no region are kept as they are.
    const number = blocks.length;
    blocks.push({
      ptr: ptr ?? -1,
      address,
      insns: [],
      terminator: { kind: 'leave', ptr: ptr ?? -1, address },
    });
    return number;
  };
  const ranges: number[] = [];
  for (let number = 0; number < blocks.length; number++) {
    const block = blocks[number];
    if (block.ptr < 0 || !insns.has(block.ptr)) continue;
    let ptr = block.ptr;
    for (;;) {
      const insn = insns.get(ptr);
      if (!insn || (ptr !== block.ptr && leaders.has(ptr))) {
        block.terminator = { kind: 'goto', to: open(ptr) };
        break;
      }
      const next = insn.ptr + insn.length;
      ptr = next;
      const kind = classify(insn);
      if (kind === 'plain') {
        block.insns.push(insn);
        continue;
      }
      if (kind === 'jump') block.terminator = { kind: 'goto', to: jump(insn.target) };
      else if (kind === 'cond')
        block.terminator = { kind: 'cond', insn, taken: jump(insn.target), fall: open(next) };
      else if (kind === 'sync')
        block.terminator = { kind: 'sync', insn, to: fallsThrough(insn, source) ? open(next) : -1 };
      else block.terminator = { kind, insn };
      break;
    }
    ranges.push(block.ptr, ptr);
  }
  return { blocks, ranges };
}

export function successors(terminator: Terminator): number[] {
  switch (terminator.kind) {
    case 'goto':
      return [terminator.to];
    case 'cond':
      return terminator.taken === terminator.fall ? [terminator.taken] : [terminator.taken, terminator.fall];
    case 'sync':
      return terminator.to < 0 ? [] : [terminator.to];
    default:
      return [];
  }
}
