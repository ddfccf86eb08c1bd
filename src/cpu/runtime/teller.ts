import { HOST_RETURN, RSP } from '../cpu-types.js';
import { type CodeObserver, TOLD_BLOCK, TOLD_CALL } from '../instrumentation.js';
import type { Ptr } from '../layout.js';
import type { CodeKnowledge } from './code-source.js';
import type { Registers } from './registers.js';

/** Passes on what instrumented code tells of itself. */
export class Teller {
  private observer: CodeObserver | undefined;
  /** Blocks that were told of. */
  private readonly covered = new Set<Ptr>();

  constructor(
    private readonly regs: Registers,
    private readonly knowledge: CodeKnowledge,
  ) {}

  /** From now on `observer` is told, of every block again. */
  begin(observer: CodeObserver): void {
    this.observer = observer;
    this.covered.clear();
  }

  /** The code in a range of memory is another. */
  forget(start: Ptr, bytes: number): void {
    for (const at of this.covered) if (at >= start && at < start + bytes) this.covered.delete(at);
  }

  /** The service `tell`; RIP is where control goes. Always 0, for the code to go on. */
  tell(what: number, at: Ptr): number {
    if (what === TOLD_BLOCK) this.block(at);
    else if (what === TOLD_CALL) this.call(at);
    // What the base kernel called returns to it: it knows.
    else if (this.regs.rip !== HOST_RETURN) this.observer?.returned(at, this.pointer(RSP) - what);
    return 0;
  }

  private block(at: Ptr): void {
    if (this.covered.has(at)) return;
    this.covered.add(at);
    this.observer?.covered(at);
  }

  private call(returnsTo: Ptr): void {
    const { regs } = this;
    const fn = regs.space.fromHalves(regs.ripLow, regs.ripHigh);
    // Functions of the base kernel are told of by who runs them.
    if (!this.knowledge.hosts.has(fn)) this.observer?.called(fn, returnsTo);
  }

  private pointer(register: number): Ptr {
    const { regs } = this;
    return regs.space.fromHalves(regs.low(register), regs.high(register));
  }
}
