import { type Access, type Call, type Given, PASS, type Summary } from '../../../target/image/flow/access.js';
import { summarise } from '../../../target/image/flow/flow.js';
import type { Program } from '../../../target/image/flow/program.js';
import type { ImageGraph } from '../image-graph.js';
import type { Inside } from './inside.js';

const NONE: Given = [];

/** What functions of an image, with all that they lead to, do to structs. Nothing is found out before it is asked for. */
export class Accesses {
  private readonly summaries = new Map<string, Summary>();

  constructor(
    private readonly program: Program,
    private readonly graph: ImageGraph,
    /** Whether something else answers where a place is called. */
    private readonly isLeaf: (place: number) => boolean,
    private readonly inside: Inside,
  ) {}

  /**
   * Tells of all accesses of a function and of what it leads to, each with the function that does it; of no more than `limit` functions,
   * those that are nearest. What is in `told` is gone through, but not told of again. Returns the functions.
   */
  visit(
    root: number,
    tell: (access: Access, place: number) => void,
    limit = Infinity,
    told = new Set<string>(),
  ): ReadonlySet<number> {
    const visited = new Set<string>();
    const places = new Set<number>();
    const queue: Call[] = [{ place: root, given: NONE }];
    for (let at = 0; at < queue.length && visited.size < limit; at++) {
      const { place, given } = queue[at];
      const key = keyOf(place, given);
      if (visited.has(key)) continue;
      visited.add(key);
      places.add(place);
      const summary = this.summaryOf(key, place, given);
      const news = !told.has(key);
      told.add(key);
      if (news) for (const access of summary.accesses) if (this.counts(access)) tell(access, place);
      for (const call of summary.calls) {
        if (!this.isLeaf(call.place)) queue.push(call);
        else if (news) this.tellGiven(call, place, tell);
      }
      queue.push(...this.mentioned(place, summary));
    }
    return places;
  }

  /** What a function does not call by itself it gives to others to call. */
  private mentioned(place: number, { calls }: Summary): readonly Call[] {
    const called = new Set(calls.map((call) => call.place));
    return [...this.graph.targetsOf(place)]
      .filter((to) => !called.has(to) && this.graph.isCode(to) && !this.isLeaf(to) && !this.isColdPart(to))
      .map((to) => ({ place: to, given: NONE }));
  }

  /** What is passed on as what it is, another function of the image accesses by itself. */
  private counts({ kind, as, to, struct, offset }: Access): boolean {
    if (kind !== PASS || as === '' || (to >= 0 && this.isLeaf(to))) return true;
    return !this.inside.holds(struct, as, offset) && !this.inside.holds(as, struct, -offset);
  }

  /** Whether a struct goes as such to a function that something else answers: that looks at what it keeps of it, and at nothing else. */
  isAnswered({ kind, as, to }: Access): boolean {
    return kind === PASS && as !== '' && to >= 0 && this.isLeaf(to);
  }

  private isColdPart(place: number): boolean {
    return /\.cold\b/.test(this.graph.nameOf(place));
  }

  private summaryOf(key: string, place: number, given: Given): Summary {
    let summary = this.summaries.get(key);
    if (!summary) {
      summary = summarise(this.program, place, given);
      this.summaries.set(key, summary);
    }
    return summary;
  }

  /** What answers elsewhere is given pointers into structs that its prototype does not tell of. */
  private tellGiven(call: Call, place: number, tell: (access: Access, place: number) => void): void {
    const { layouts } = this.program;
    for (const pointers of call.given)
      for (const { type, offset } of pointers ?? []) {
        const struct = layouts.nameOf(type);
        if (struct === undefined || offset === 0) continue;
        const size = layouts.extentAt(type, offset);
        tell({ struct, offset, size, kind: PASS, bits: 0xff, lost: false, as: '', to: call.place }, place);
      }
  }
}

function keyOf(place: number, given: Given): string {
  if (given.length === 0) return `${place}`;
  const pointers = given.map((one) => one?.map(({ type, offset }) => `${type}+${offset}`).join('|') ?? '');
  return `${place} ${pointers.join(',')}`;
}
