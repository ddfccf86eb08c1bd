import type { TypedPointer } from './access.js';

/** Types that one object is taken for. */
const MOST_TYPES = 3;
/** The first base of an object: OWN_FRAME is above. */
const FIRST = -2;

/** Objects of which nothing tells the type where a function gets hold of them: what `void *` points to, and global variables. */
export class Objects {
  private readonly bases = new Map<string, number>();
  private readonly types = new Map<number, TypedPointer[]>();
  /** Objects in the function's own stack frame, by where they begin. */
  readonly frameTypes: TypedPointer[] = [];
  /** Whether anything was learnt since this was last set to false. */
  news = false;

  /** The base of pointers to an object that is had at a certain place. */
  at(origin: string): number {
    let base = this.bases.get(origin);
    if (base === undefined) {
      base = FIRST - this.bases.size;
      this.bases.set(origin, base);
    }
    return base;
  }

  /** What an object is, as far as it was learnt: its start is at `offset` of `type`. */
  typesOf(base: number): readonly TypedPointer[] {
    return this.types.get(base) ?? [];
  }

  /** A pointer at an offset in an object is used as one to a type. */
  learn(base: number, offset: number, type: number): void {
    let known = this.types.get(base);
    if (!known) {
      known = [];
      this.types.set(base, known);
    }
    if (known.length >= MOST_TYPES) return;
    if (known.some((other) => other.type === type && other.offset === -offset)) return;
    known.push({ type, offset: -offset });
    this.news = true;
  }

  /** Types that others were found to be part of, with where these are in them. */
  private readonly outer = new Map<number, TypedPointer[]>();

  /** What a type is part of where this function meets it. */
  outerOf(type: number): readonly TypedPointer[] {
    return this.outer.get(type) ?? [];
  }

  /** A pointer at an offset from one type is used as one to another, which that type is at `-offset` of. */
  learnOuter(type: number, offset: number, outer: number): void {
    const known = this.outer.get(type) ?? [];
    if (known.length >= MOST_TYPES || known.some((one) => one.type === outer && one.offset === -offset))
      return;
    this.outer.set(type, [...known, { type: outer, offset: -offset }]);
    this.news = true;
  }

  /** There is an object of a type at an offset of the stack frame. */
  learnFrame(offset: number, type: number): void {
    if (this.frameTypes.some((other) => other.offset === offset && other.type === type)) return;
    this.frameTypes.push({ offset, type });
    this.news = true;
  }
}
