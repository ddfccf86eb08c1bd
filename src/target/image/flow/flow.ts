import { AccessList, type Call, type Given, type Summary } from './access.js';
import { type Block, findBlocks } from './blocks.js';
import { ARGUMENTS, registerArguments } from './calls.js';
import { Interpreter } from './interpreter.js';
import { Objects } from './objects.js';
import type { Program } from './program.js';
import { State } from './state.js';
import { EXACT, pointerTo } from './values.js';

/** Times that a block is gone through, on average, before the rest is left as it is known: more than any function of a kernel needs. */
const MOST_ROUNDS = 60;

/** Instructions before one that tell which bits it changes. */
const SEEN = 12;

/**
 * Follows pointers to structs through the code of one function: arguments by its prototype, or as `given`, members that are pointers by
 * their types, results of calls by their prototypes. Nothing is run; a branch is taken both ways.
 */
export function summarise(program: Program, place: number, given: Given = []): Summary {
  return new FunctionFlow(program, place, given).run();
}

class FunctionFlow {
  private readonly blocks: readonly Block[];
  /** What is known at the beginning of each block. */
  private readonly states: (State | undefined)[];
  private readonly objects = new Objects();

  constructor(
    private readonly program: Program,
    private readonly place: number,
    private readonly given: Given,
  ) {
    this.blocks = findBlocks(program, place);
    this.states = new Array(this.blocks.length);
  }

  run(): Summary {
    const entry = this.blocks.findIndex(({ start }) => start === this.program.boundsOf(this.place)[0]);
    if (entry < 0) return { accesses: [], calls: [], untyped: 0 };
    this.states[entry] = this.entryState();
    this.settle(entry);
    return this.record();
  }

  /** Goes through the blocks until nothing new is known at the beginning of any. */
  private settle(entry: number): void {
    const interpreter = new Interpreter(this.program, this.objects, undefined, [], this.place);
    const pending = new Uint8Array(this.blocks.length);
    pending[entry] = 1;
    let left = MOST_ROUNDS * this.blocks.length;
    // In order of address, which is nearly the order in which what comes before is known.
    for (let number = entry; number >= 0 && left > 0; left--) {
      pending[number] = 0;
      const state = this.states[number]!.copy();
      this.objects.news = false;
      this.goThrough(this.blocks[number], state, interpreter);
      // What an object is may matter wherever it was loaded from.
      if (this.objects.news) this.markKnown(pending);
      for (const next of this.blocks[number].next) if (this.flow(state, next, interpreter)) pending[next] = 1;
      number = pending.indexOf(1);
    }
  }

  private goThrough({ insns, leaves }: Block, state: State, interpreter: Interpreter): void {
    for (const [i, insn] of insns.entries())
      interpreter.step(insn, state, leaves.includes(insn.address), {
        before: insns.slice(Math.max(0, i - SEEN), i),
        after: insns.slice(i + 1, i + 3),
      });
  }

  private markKnown(pending: Uint8Array): void {
    for (let number = 0; number < pending.length; number++) if (this.states[number]) pending[number] = 1;
  }

  private flow(state: State, to: number, { lose }: Interpreter): boolean {
    const known = this.states[to];
    if (known) return known.merge(state, lose);
    this.states[to] = state.copy();
    return true;
  }

  /** Goes through every block once more, with all that is known. */
  private record(): Summary {
    const accesses = new AccessList();
    const calls: Call[] = [];
    const interpreter = new Interpreter(this.program, this.objects, accesses, calls, this.place);
    for (const [number, block] of this.blocks.entries()) {
      const state = this.states[number]?.copy();
      if (!state) continue;
      this.goThrough(block, state, interpreter);
    }
    return { accesses: accesses.all, calls, untyped: accesses.untyped };
  }

  private entryState(): State {
    const state = State.atEntry();
    const prototype = this.program.prototypeOf(this.place);
    const typed = prototype ? registerArguments(prototype, this.program.layouts) : [];
    for (const [i, register] of ARGUMENTS.entries()) {
      const pointee = typed[i]?.pointee;
      const given = this.given[i];
      if (pointee !== undefined) state.registers[register] = pointerTo(pointee);
      else if (given)
        state.registers[register] = given.map(({ type, offset }) => ({
          base: type,
          offset,
          precision: EXACT,
        }));
      else if (typed[i]) state.registers[register] = pointerTo(this.objects.at(`argument ${i}`));
    }
    return state;
  }
}
