import type { VectorSet } from '../decode/vector-effects.js';
import { FIRST_VECTOR } from './locals.js';

/** Temporaries of type v128 that one instruction may use. */
const TEMPORARIES = 10;

/** The WebAssembly locals that hold vector registers in one function: only those it uses. */
export class VectorLocals {
  /** Halves whose locals are newer than the register file. */
  dirty: VectorSet = 0;
  readonly count: number;
  private readonly locals: readonly number[];
  private readonly firstTemporary: number;
  private temporaries = 0;

  constructor(used: VectorSet) {
    let next = FIRST_VECTOR;
    this.locals = Array.from({ length: 32 }, (_, half) => ((used >>> half) & 1 ? next++ : -1));
    this.firstTemporary = next;
    this.count = next - FIRST_VECTOR + TEMPORARIES;
  }

  /** Local of a half register: 0..15 lower halves, 16..31 upper ones. */
  of(half: number): number {
    const local = this.locals[half];
    if (local < 0) throw new Error(`no local for half vector register ${half}`);
    return local;
  }

  temporary(): number {
    if (this.temporaries === TEMPORARIES) throw new Error('too many vector temporaries');
    return this.firstTemporary + this.temporaries++;
  }

  /** How many temporaries are in use; give it to `release` to have those made since free again. */
  mark(): number {
    return this.temporaries;
  }

  release(mark: number): void {
    this.temporaries = mark;
  }
}
