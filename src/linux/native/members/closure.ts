import { type Access, type Call, type Given, PASS, type Summary } from '../../../target/image/flow/access.js';
import { summarise } from '../../../target/image/flow/flow.js';
import type { Program } from '../../../target/image/flow/program.js';
import type { ImageGraph } from '../image-graph.js';

const NONE: Given = [];

/** What functions of an image, with all that they lead to, do to structs. Nothing is found out before it is asked for. */
export class Accesses {
  private readonly summaries = new Map<string, Summary>();

  constructor(
    private readonly program: Program,
    private readonly graph: ImageGraph,
    /** Whether something else answers where a place is called. */
    private readonly isLeaf: (place: number) => boolean,
  ) {}

  /** Tells of all accesses of a function and what it leads to, each with the function that does it. `visited` is added to. */
  visit(root: number, visited: Set<string>, tell: (access: Access, place: number) => void): void {
    const stack: Call[] = [{ place: root, given: NONE }];
    while (stack.length > 0) {
      const { place, given } = stack.pop()!;
      const key = keyOf(place, given);
      if (visited.has(key)) continue;
      visited.add(key);
      const summary = this.summaryOf(key, place, given);
      for (const access of summary.accesses) tell(access, place);
      for (const call of summary.calls) {
        if (this.isLeaf(call.place)) this.tellGiven(call, place, tell);
        else stack.push(call);
      }
      // What it does not call by itself it gives to others to call.
      for (const target of this.graph.targetsOf(place)) {
        const called = summary.calls.some((call) => call.place === target);
        if (!called && this.graph.isCode(target) && !this.isLeaf(target) && !this.isColdPart(target))
          stack.push({ place: target, given: NONE });
      }
    }
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
  private tellGiven({ given }: Call, place: number, tell: (access: Access, place: number) => void): void {
    const { layouts } = this.program;
    for (const pointers of given)
      for (const { type, offset } of pointers ?? []) {
        const struct = layouts.nameOf(type);
        if (struct === undefined || offset === 0) continue;
        const size = layouts.extentAt(type, offset);
        tell({ struct, offset, size, kind: PASS, bits: 0xff, lost: false, as: '' }, place);
      }
  }
}

function keyOf(place: number, given: Given): string {
  if (given.length === 0) return `${place}`;
  const pointers = given.map((one) => one?.map(({ type, offset }) => `${type}+${offset}`).join('|') ?? '');
  return `${place} ${pointers.join(',')}`;
}
