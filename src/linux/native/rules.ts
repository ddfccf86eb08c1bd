import { type AutomaticSubsystems, type BootState, isAutomatic, type Setters } from './automatic.js';
import type { ImageGraph } from './image-graph.js';
import type { NeglectedMember, NeglectedMembers } from './members/neglect.js';
import type { Ownership, Verdict } from './ownership.js';
import type { Divided, SecondHand } from './second-hand.js';
import type { SharedStructs } from './shared-structs.js';
import { initFunction, type NativeSubsystem } from './subsystem.js';
import { describeDivided, describeNeglected, describeUnset, describeVerdict } from './words.js';

/** Why a function that guest code calls stops. */
type Obstacle = Verdict['kind'] | 'shared' | 'divided' | 'no-symbols';

/** Whether a function that guest code calls and nobody implements runs from the image. */
export type Decision =
  | { readonly kind: 'runs' }
  /** Once the subsystems, and what they need, are set up, one after the other. */
  | { readonly kind: 'in-subsystem'; readonly subsystems: readonly NativeSubsystem[] }
  | { readonly kind: 'stops'; readonly verdict: Obstacle; readonly why: string };

const stops = (verdict: Obstacle, why: string): Decision => ({ kind: 'stops', verdict, why });

const NONE: ReadonlySet<number> = new Set();

/** What of the image is set up at a moment. */
export interface SetUpState extends BootState {
  readonly subsystems: ReadonlySet<NativeSubsystem>;
}

/**
 * Decides what of an image may be called: functions that touch nothing but what is theirs, those of declared subsystems, and those
 * whose variables boot functions set that can be made up for.
 */
export class NativeRules {
  private readonly reached = new Map<NativeSubsystem, ReadonlySet<number>>();

  constructor(
    private readonly graph: ImageGraph,
    private readonly ownership: Ownership,
    /** Structures that TypeScript makes, and what it does not keep of them. */
    private readonly structs: { readonly shared: SharedStructs; readonly members: NeglectedMembers },
    private readonly secondHand: SecondHand,
    private readonly automatic: AutomaticSubsystems,
    private readonly subsystems: readonly NativeSubsystem[],
    /** Place of the symbol of a name; -1 for none. */
    private readonly placeOf: (name: string) => number,
  ) {}

  /** About an exported function, by its name and place. */
  decide(name: string, place: number): Decision {
    const verdict = this.ownership.verdict(place);
    const subsystem = this.subsystems.find(({ functions }) => functions.test(name));
    switch (verdict.kind) {
      case 'pure':
      case 'own-data':
      case 'needs-init':
        return this.decideClean(name, place, verdict, subsystem);
      default:
        return stops(verdict.kind, describeVerdict(name, verdict));
    }
  }

  /** About a function that nothing keeps from running but what it finds in variables and structures. */
  private decideClean(
    name: string,
    place: number,
    verdict: Verdict,
    subsystem: NativeSubsystem | undefined,
  ): Decision {
    const setters = this.settersFor(subsystem, verdict.kind === 'needs-init' ? verdict.unset : []);
    if (setters.unset.length > 0) return stops('needs-init', this.describeNeed(name, subsystem, setters));
    // A declared subsystem says what it is a part of, and a test of it that it works.
    const kept = subsystem || verdict.kind === 'pure' ? [] : this.ownership.keptBy(place);
    const divided = this.secondHand.among(kept);
    if (divided) return stops('divided', this.describeDivision(name, divided));
    const neglected = this.neglected(name, place, subsystem);
    if (neglected) return neglected;
    const found = [
      ...setters.subsystems,
      ...this.automatic.workersOn(kept),
      ...(subsystem ? [subsystem] : []),
    ];
    const subsystems = [...new Set(found)];
    return subsystems.length > 0 ? { kind: 'in-subsystem', subsystems } : { kind: 'runs' };
  }

  /** What has to be set up before a function is entered from native code; variables that nobody can set. */
  settersOnEntry(place: number, state: SetUpState): Setters {
    return this.automatic.settersOf(this.unset(place, state), state.now);
  }

  private settersFor(subsystem: NativeSubsystem | undefined, variables: readonly number[]): Setters {
    return this.automatic.settersOf(
      subsystem ? variables.filter((variable) => !this.sets(subsystem, variable)) : variables,
    );
  }

  private describeDivision(name: string, { variable, part }: Divided): string {
    return describeDivided(name, this.graph.nameOf(variable), this.graph.nameOf(part));
  }

  private describeNeed(name: string, subsystem: NativeSubsystem | undefined, { unset }: Setters): string {
    const variables = unset.map((variable) => this.graph.nameOf(variable));
    return subsystem
      ? describeUnset(name, subsystem.name, variables)
      : describeVerdict(name, { kind: 'needs-init', variables, unset });
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
    return stops('shared', describeNeglected(name, via, found));
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

  /** Whether the image's function at a place may be entered from native code as things are. */
  mayEnter(place: number, state: SetUpState): boolean {
    const { ownership } = this;
    const free = !ownership.hindrance(place) && this.unset(place, state).length === 0;
    return (ownership.verdict(place).kind === 'pure' || free) && !this.looksAtNeglected(place, state);
  }

  /**
   * What TypeScript does not keep of its structures and a function looks at that is entered by a pointer: what was allowed by name is
   * known with all that it calls. Where a subsystem is set up such functions are taken for its own, which were tried with it.
   */
  looksAtNeglected(place: number, { subsystems }: SetUpState): NeglectedMember | undefined {
    for (const _ of subsystems) return undefined;
    return this.structs.members.enteredAt(place);
  }

  /** Variables that a function itself refers to, that boot code sets, and that are not set. */
  unset(place: number, state: SetUpState): readonly number[] {
    const declared = [...state.subsystems];
    return this.ownership
      .initVariables(place)
      .filter(
        (variable) =>
          !declared.some((one) => this.variablesOf(one).has(variable)) &&
          !this.automatic.isSet(variable, state),
      );
  }

  /** Whether a place is reached from a subsystem's init functions. */
  private variablesOf(subsystem: NativeSubsystem): ReadonlySet<number> {
    // What one of the image's boot functions sets is known of each variable.
    if (isAutomatic(subsystem)) return NONE;
    let known = this.reached.get(subsystem);
    if (!known) {
      const places = subsystem.init
        .map((line) => this.placeOf(initFunction(line)))
        .filter((place) => place >= 0)
        .flatMap((place) => this.ownership.reach(place));
      const asBuilt = (subsystem.asBuilt ?? []).map(this.placeOf).filter((place) => place >= 0);
      known = new Set([...asBuilt, ...places.flatMap((place) => [...this.graph.targetsOf(place)])]);
      this.reached.set(subsystem, known);
    }
    return known;
  }
}
