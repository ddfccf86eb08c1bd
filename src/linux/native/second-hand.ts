import type { BootCode } from './boot-code.js';
import type { ImageGraph } from './image-graph.js';
import type { Ownership } from './ownership.js';
import { PLACE } from './places.js';

/** A variable that functions work on which are never entered, since only bodies of TypeScript's functions lead to them. */
export interface Divided {
  readonly variable: number;
  /** The function that is never entered. */
  readonly part: number;
}

/**
 * Finds variables that belong to TypeScript at second hand: a part of the native body of one of its functions works on them, so what
 * that function does to them in a real kernel nobody does here.
 */
export class SecondHand {
  private parts: Uint8Array | undefined;
  private readonly known = new Map<number, number>();

  constructor(
    private readonly graph: ImageGraph,
    private readonly ownership: Ownership,
    private readonly boot: BootCode,
  ) {}

  /** The first variable that a function, or what it leads to, keeps and that is TypeScript's at second hand. */
  of(place: number): Divided | undefined {
    const { graph, ownership } = this;
    for (const at of ownership.reach(place))
      for (const variable of graph.targetsOf(at)) {
        if (!ownership.isState(variable) || !this.boot.changesLater(variable)) continue;
        const part = this.partAt(variable);
        if (part >= 0) return { variable, part };
      }
    return undefined;
  }

  private partAt(variable: number): number {
    let part = this.known.get(variable);
    if (part === undefined) {
      this.parts ??= this.findParts();
      const { parts } = this;
      part = this.graph.referrersOf(variable).find((at) => parts[at] !== 0) ?? -1;
      this.known.set(variable, part);
    }
    return part;
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
        if (isPart(place) || graph.kinds[place] !== PLACE.text || ownership.isExported(place)) continue;
        if (!graph.referrersOf(place).every(isPart)) continue;
        parts[place] = 1;
        open.push(place);
      }
    return parts;
  }
}
