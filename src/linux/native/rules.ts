import type { ImageGraph } from './image-graph.js';
import type { NeglectedMember, NeglectedMembers } from './members/neglect.js';
import type { Ownership, Verdict } from './ownership.js';
import type { SharedStructs } from './shared-structs.js';
import type { NativeSubsystem } from './subsystem.js';
import { describeNeglected, describeUnset, describeVerdict } from './words.js';

/** Whether a function that guest code calls and nobody implements runs from the image. */
export type Decision =
  | { readonly kind: 'runs' }
  /** Once the subsystem, and what it needs, is set up. */
  | { readonly kind: 'in-subsystem'; readonly subsystem: NativeSubsystem }
  | { readonly kind: 'stops'; readonly verdict: Verdict['kind'] | 'shared'; readonly why: string };

/** Decides what of an image may be called: pure functions, and those of subsystems as far as what these set reaches. */
export class NativeRules {
  private readonly reached = new Map<NativeSubsystem, ReadonlySet<number>>();

  constructor(
    private readonly graph: ImageGraph,
    private readonly ownership: Ownership,
    /** Structures that TypeScript makes, and what it does not keep of them. */
    private readonly structs: { readonly shared: SharedStructs; readonly members: NeglectedMembers },
    private readonly subsystems: readonly NativeSubsystem[],
    /** Place of the symbol of a name; -1 for none. */
    private readonly placeOf: (name: string) => number,
  ) {}

  /** About an exported function, by its name and place. */
  decide(name: string, place: number): Decision {
    const verdict = this.ownership.verdict(place);
    const subsystem = this.subsystems.find(({ functions }) => functions.test(name));
    const stops = (kind: Verdict['kind'] | 'shared', why: string): Decision => ({
      kind: 'stops',
      verdict: kind,
      why,
    });
    switch (verdict.kind) {
      case 'pure':
        return (
          this.neglected(name, place, subsystem) ??
          (subsystem ? { kind: 'in-subsystem', subsystem } : { kind: 'runs' })
        );
      case 'own-data':
      case 'needs-init': {
        if (!subsystem) return stops(verdict.kind, describeVerdict(name, verdict));
        const unset =
          verdict.kind === 'needs-init' ? verdict.unset.filter((at) => !this.sets(subsystem, at)) : [];
        if (unset.length > 0)
          return stops(
            'needs-init',
            describeUnset(
              name,
              subsystem.name,
              unset.map((at) => this.graph.nameOf(at)),
            ),
          );
        return this.neglected(name, place, subsystem) ?? { kind: 'in-subsystem', subsystem };
      }
      default:
        return stops(verdict.kind, describeVerdict(name, verdict));
    }
  }

  /**
   * Why a function that else might run would find less in TypeScript's structures than the kernel has there. Of what it is given a
   * subsystem says itself what is complete, and what else it meets was tried with it.
   */
  private neglected(name: string, place: number, subsystem?: NativeSubsystem): Decision | undefined {
    const { shared, members } = this.structs;
    const met = [...shared.of(name), ...(this.ownership.knowsCurrent(place) ? ['task_struct'] : [])];
    const tried = subsystem && new Set(met.filter((struct) => !subsystem.shares?.includes(struct)));
    if (tried?.size === 0) return undefined;
    const found = tried ? members.lookedAt(place, (struct) => tried.has(struct)) : members.enteredAt(place);
    if (!found) return undefined;
    const via = this.graph.nameOf(found.place);
    return { kind: 'stops', verdict: 'shared', why: describeNeglected(name, via, found) };
  }

  /** A subsystem and what it needs, in the order in which they are set up. */
  inOrder(subsystem: NativeSubsystem): readonly NativeSubsystem[] {
    const order: NativeSubsystem[] = [];
    const visit = (one: NativeSubsystem): void => {
      if (order.includes(one)) return;
      for (const name of one.needs ?? []) {
        const needed = this.subsystems.find((other) => other.name === name);
        if (!needed) throw new Error(`native subsystem ${one.name} needs ${name}, which nobody declares`);
        visit(needed);
      }
      order.push(one);
    };
    visit(subsystem);
    return order;
  }

  /** Whether a variable is set once a subsystem is set up: its init functions, or those of what it needs, refer to it. */
  sets(subsystem: NativeSubsystem, variable: number): boolean {
    return this.inOrder(subsystem).some((one) => this.variablesOf(one).has(variable));
  }

  /** Whether the image's function at a place may be entered from native code, with these subsystems set up. */
  mayEnter(place: number, set: Iterable<NativeSubsystem>): boolean {
    const { ownership } = this;
    const free = !ownership.hindrance(place) && this.unset(place, set).length === 0;
    return (ownership.verdict(place).kind === 'pure' || free) && !this.looksAtNeglected(place, set);
  }

  /**
   * What TypeScript does not keep of its structures and a function looks at that is entered by a pointer: what was allowed by name is
   * known with all that it calls. Where a subsystem is set up such functions are taken for its own, which were tried with it.
   */
  looksAtNeglected(place: number, set: Iterable<NativeSubsystem>): NeglectedMember | undefined {
    for (const _ of set) return undefined;
    return this.structs.members.enteredAt(place);
  }

  /** Variables that a function itself refers to and that none of these subsystems sets. */
  unset(place: number, set: Iterable<NativeSubsystem>): readonly number[] {
    const subsystems = [...set];
    return this.ownership
      .initVariables(place)
      .filter((variable) => !subsystems.some((one) => this.variablesOf(one).has(variable)));
  }

  /** Whether a place is reached from a subsystem's init functions. */
  private variablesOf(subsystem: NativeSubsystem): ReadonlySet<number> {
    let known = this.reached.get(subsystem);
    if (!known) {
      const places = subsystem.init
        .map(this.placeOf)
        .filter((place) => place >= 0)
        .flatMap((place) => this.ownership.reach(place));
      const asBuilt = (subsystem.asBuilt ?? []).map(this.placeOf).filter((place) => place >= 0);
      known = new Set([...asBuilt, ...places.flatMap((place) => [...this.graph.targetsOf(place)])]);
      this.reached.set(subsystem, known);
    }
    return known;
  }
}
