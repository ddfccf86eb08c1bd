import { type Insn, OP_INVALID } from '../../../cpu/decode/instruction.js';
import type { Program } from './program.js';

/** Instructions of one function that are looked at. */
const MOST_INSNS = 20_000;

/** Instructions that are gone through one after the other. */
export interface Block {
  readonly start: number;
  readonly insns: readonly Insn[];
  /** Numbers of the blocks that it may go to. */
  readonly next: readonly number[];
  /** Addresses of its jumps to other functions. */
  readonly leaves: readonly number[];
}

/** The blocks of a function that can be come to, in order of address. What the compiler put aside of it (`.cold`) is part of it. */
export function findBlocks(program: Program, place: number): readonly Block[] {
  const finder = new BlockFinder(program, place);
  finder.discover();
  return finder.blocks();
}

class BlockFinder {
  private readonly insns = new Map<number, Insn>();
  private readonly leaders = new Set<number>();
  private readonly start: number;
  private readonly end: number;

  constructor(
    private readonly program: Program,
    place: number,
  ) {
    [this.start, this.end] = program.boundsOf(place);
  }

  /** Finds the instructions that can be come to, and where ways join. */
  discover(): void {
    const stack = [this.start];
    while (stack.length > 0) {
      let at = stack.pop()!;
      this.leaders.add(at);
      while (!this.insns.has(at) && this.insns.size < MOST_INSNS && this.program.isCode(at)) {
        const insn = this.program.decode(at);
        this.insns.set(at, insn);
        const targets = this.branchesOf(insn);
        stack.push(...targets);
        at += insn.length;
        if (this.endsFlow(insn) || this.begins(at)) break;
        if (targets.length > 0) this.leaders.add(at);
      }
    }
  }

  blocks(): readonly Block[] {
    const starts = [...this.leaders].filter((at) => this.insns.has(at)).sort((a, b) => a - b);
    const numbers = new Map(starts.map((start, number) => [start, number]));
    return starts.map((start) => this.blockAt(start, numbers));
  }

  private blockAt(start: number, numbers: ReadonlyMap<number, number>): Block {
    const insns: Insn[] = [];
    const next = new Set<number>();
    const leaves: number[] = [];
    const go = (to: number): void => {
      const number = numbers.get(to);
      if (number !== undefined) next.add(number);
    };
    for (let at = start; ; ) {
      const insn = this.insns.get(at);
      if (!insn) break;
      insns.push(insn);
      if (this.isTailCall(insn)) leaves.push(insn.address);
      for (const target of this.branchesOf(insn)) go(target);
      at += insn.length;
      if (this.endsFlow(insn) || this.begins(at)) break;
      if (!this.leaders.has(at)) continue;
      go(at);
      break;
    }
    return { start, insns, next: [...next], leaves };
  }

  /** Where an instruction may go within the function, other than on. */
  private branchesOf(insn: Insn): readonly number[] {
    const { target, op, address } = insn;
    const patched = this.program.patchedJump(address >>> 0);
    const targets = patched === undefined ? [] : [patched];
    if (target !== 0 && op !== 'call' && !this.isTailCall(insn)) targets.push(target >>> 0);
    return targets;
  }

  /** A jump to the beginning of another function. */
  private isTailCall({ op, target }: Insn): boolean {
    if ((op !== 'jmp' && op !== 'jcc') || target === 0) return false;
    const to = target >>> 0;
    if (to >= this.start && to < this.end) return false;
    const place = this.program.placeAt(to);
    if (place < 0 || this.program.boundsOf(place)[0] !== to) return false;
    return !/\.cold\b/.test(this.program.nameOf(place));
  }

  /** Whether something else begins at an address: the call before it does not come back. */
  private begins(at: number): boolean {
    if (at > this.start && at < this.end) return false;
    const place = this.program.placeAt(at);
    return place >= 0 && this.program.boundsOf(place)[0] === at;
  }

  /** Whether what follows an instruction is not come to from it. A jump that is patched in may be off. */
  private endsFlow({ op, address }: Insn): boolean {
    if (op === 'jmp') return this.program.patchedJump(address >>> 0) === undefined;
    return op === 'jmpi' || op === 'ret' || op === 'int3' || op === OP_INVALID;
  }
}
