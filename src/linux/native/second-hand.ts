import type { BootCode } from './boot-code.js';
import type { ImageGraph } from './image-graph.js';
import type { Ownership } from './ownership.js';
import { PLACE } from './places.js';

/** A variable that functions work on which bodies of TypeScript's functions lead to. */
export interface Divided {
  readonly variable: number;
  /** The function that such a body calls, and that TypeScript does not. */
  readonly part: number;
}

/**
 * Finds variables that belong to TypeScript at second hand: a part of the native body of one of its functions works on them, so what
 * that function does to them, or by them, in a real kernel nobody does here.
 */
export class SecondHand {
  private parts: Uint8Array | undefined;
  private readonly known = new Map<number, number>();

  constructor(
    private readonly graph: ImageGraph,
    private readonly ownership: Ownership,
    private readonly boot: BootCode,
  ) {}

  /** The first of some variables that is TypeScript's at second hand. */
  among(variables: readonly number[]): Divided | undefined {
    for (const variable of variables) {
      const part = this.partAt(variable);
      if (part >= 0) return { variable, part };
    }
    return undefined;
  }

  private partAt(variable: number): number {
    let part = this.known.get(variable);
    if (part === undefined) {
      // What nobody changes any more says the same to all.
      const suspects = this.boot.changesLater(variable) ? [...this.graph.referrersOf(variable)] : [];
      part = suspects.find((at) => this.isMissed(at, variable)) ?? -1;
      this.known.set(variable, part);
    }
    return part;
  }

  /** Whether what a function does with a variable is missed, since TypeScript's functions do not call it as their bodies do. */
  private isMissed(at: number, variable: number): boolean {
    const { graph, ownership } = this;
    if (graph.kinds[at] !== PLACE.text || ownership.isBody(at)) return false;
    if (ownership.hindrance(at)?.kind === 'beyond') return false;
    this.parts ??= this.findParts();
    if (this.parts[at] !== 0) return true;
    if (!graph.referrersOf(at).some((caller) => ownership.isBody(caller))) return false;
    // What others may call as well does its part for them; it is what it leaves behind that is missed.
    if (ownership.isOffered(at)) return this.boot.accesses.sets(at, variable);
    return ownership.hindrance(at)?.kind === 'internal';
  }

  /** Functions of which every caller is a body of TypeScript's or such a function. */
  private findParts(): Uint8Array {
    const { graph, ownership } = this;
    const parts = new Uint8Array(graph.kinds.length);
    const open: number[] = [];
    for (let place = 0; place < parts.length; place++) if (ownership.isBody(place)) open.push(place);
    const isPart = (place: number): boolean => parts[place] !== 0 || ownership.isBody(place);
    for (const body of open)
      for (const place of graph.targetsOf(body)) {
        if (isPart(place) || graph.kinds[place] !== PLACE.text || ownership.isOffered(place)) continue;
        if (!graph.referrersOf(place).every(isPart)) continue;
        parts[place] = 1;
        open.push(place);
      }
    return parts;
  }
}
