import type { Compared } from './constants-of.js';
import type { BankRead } from './register-bank.js';

/** Registers that have a value of their own, one byte each. */
export type Contents = ReadonlyMap<number, number>;

/** What came of one probe. */
export interface Attempt {
  readonly bound: boolean;
  readonly reads: readonly BankRead[];
  readonly accesses: number;
  /** Instructions that the driver executed. */
  readonly executed: number;
}

export interface Learnt {
  readonly filler: number;
  readonly contents: Contents;
  readonly attempts: number;
}

/** Registers that are tried of those which a failed probe had read, the last first. */
const SUSPECTS = 4;
const DEPTH = 8;
/** Bytes of a long read that are tried. */
const MOST_BYTES = 6;
/** As many values as an identity may have: one, or those of its revisions. */
const FEW = 16;

interface Tried {
  readonly contents: Contents;
  readonly now: Attempt;
}

/** A change that made a difference; `rarity`: how many values make the same. */
interface Step extends Tried {
  readonly rarity: number;
}

/**
 * Looks for contents of a chip that its driver accepts, without knowing either. A probe that fails has read registers; values are put into the last of them, and
 * one is kept that lets the probe go another way: further over the bus, or through code that others do not reach.
 */
export class Learner {
  private attempts = 0;

  constructor(
    private readonly probe: (filler: number, contents: Contents) => Attempt,
    private readonly compared: Compared,
    /** No more attempts are to be made. */
    private readonly isOver: (attempts: number) => boolean,
  ) {}

  search(filler: number): Learnt | undefined {
    let contents: Contents = new Map();
    let now = this.try(filler, contents);
    const found = (): Learnt => ({ filler, contents, attempts: this.attempts });
    for (let depth = 0; depth < DEPTH && !now.bound; depth++) {
      const better = this.improve(filler, contents, now);
      if (!better) return undefined;
      ({ contents, now } = better);
    }
    return now.bound ? found() : undefined;
  }

  private try(filler: number, contents: Contents): Attempt {
    this.attempts++;
    return this.probe(filler, contents);
  }

  /** A step that few values make, at any of the registers that were read; else the best of all that led elsewhere. */
  private improve(filler: number, contents: Contents, base: Attempt): Step | undefined {
    const steps: Step[] = [];
    for (const suspect of suspectsOf(base.reads)) {
      const tried: Tried[] = [];
      for (const values of this.candidates(suspect)) {
        if (this.isOver(this.attempts)) return undefined;
        const changed = new Map(contents);
        for (const [i, value] of values.entries())
          if (value !== undefined) changed.set(suspect.register + i, value);
        const now = this.try(filler, changed);
        if (now.bound) return { contents: changed, now, rarity: 0 };
        tried.push({ contents: changed, now });
      }
      const step = rarest(tried, base);
      if (!step) continue;
      if (step.rarity <= FEW && step.now.accesses >= base.accesses) return step;
      steps.push(step);
    }
    return steps.sort(byWorth)[0];
  }

  /** Values for the bytes of a register: of one byte all, else what the driver compares longer ones with, in either order, and each byte by itself. */
  private *candidates({ bytes }: BankRead): Generator<readonly (number | undefined)[]> {
    const { bytes: known, words, longs } = this.compared;
    const all = [...new Set([...known, ...Array(256).keys()])];
    if (bytes === 4)
      for (const long of longs) yield* bothWays([24, 16, 8, 0].map((shift) => (long >>> shift) & 0xff));
    if (bytes === 2) for (const word of words) yield* bothWays([word >> 8, word & 0xff]);
    for (let at = 0; at < Math.min(bytes, MOST_BYTES); at++)
      for (const value of bytes === 1 ? all : known)
        yield [...new Array<undefined>(at).fill(undefined), value];
  }
}

function* bothWays(bytes: readonly number[]): Generator<readonly number[]> {
  yield bytes;
  yield [...bytes].reverse();
}

function suspectsOf(reads: readonly BankRead[]): BankRead[] {
  const suspects = new Map<number, BankRead>();
  for (const read of [...reads].reverse())
    if (!suspects.has(read.register)) suspects.set(read.register, read);
  return [...suspects.values()].slice(0, SUSPECTS);
}

const wayOf = ({ accesses, executed }: Attempt): string => `${accesses} ${executed}`;

/** The attempt that went where fewest others did, of those that went furthest; undefined where all went the way that is known. */
function rarest(tried: readonly Tried[], base: Attempt): Step | undefined {
  const counts = new Map<string, number>();
  for (const { now } of tried) counts.set(wayOf(now), (counts.get(wayOf(now)) ?? 0) + 1);
  return tried
    .filter(({ now }) => wayOf(now) !== wayOf(base))
    .map((one): Step => ({ ...one, rarity: counts.get(wayOf(one.now)) ?? 0 }))
    .sort(byWorth)[0];
}

function byWorth(a: Step, b: Step): number {
  return b.now.accesses - a.now.accesses || a.rarity - b.rarity || b.now.executed - a.now.executed;
}
