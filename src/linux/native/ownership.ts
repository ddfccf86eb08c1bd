import { PART, PRIVILEGED, UNDECODED } from '../../target/image/references.js';
import type { Target } from '../../target/index.js';
import type { ImageGraph } from './image-graph.js';
import { lowOf, PLACE } from './places.js';

/** Why a native function may not run by itself. `via` is the function, itself or one that it leads to, that is in the way. */
export type Hindrance =
  /** It touches a variable whose contents TypeScript keeps elsewhere. */
  | { readonly kind: 'trespasser'; readonly via: string; readonly variable: string }
  /** It is a part of something that TypeScript does in another way. */
  | { readonly kind: 'internal'; readonly via: string; readonly of: string }
  /** It handles the machine itself, or has instructions that are not translated. */
  | { readonly kind: 'privileged'; readonly via: string }
  /** It only runs while a kernel boots. */
  | { readonly kind: 'init'; readonly via: string }
  /** It leads to so many functions that nobody can say what it does. */
  | { readonly kind: 'huge' };

/** What a native function, and everything that it calls by name, does. */
export type Verdict =
  /** It touches no variable: its result depends on its arguments and on memory that they point to. */
  | { readonly kind: 'pure' }
  /** It touches variables of its own that begin as the image has them. */
  | { readonly kind: 'own-data'; readonly variables: readonly string[] }
  /** It touches variables that code run at boot sets: places in `unset`, their names in `variables`. */
  | { readonly kind: 'needs-init'; readonly variables: readonly string[]; readonly unset: readonly number[] }
  | Hindrance;

/** What TypeScript has of a kernel, as far as ownership depends on it. */
export interface Implemented {
  /** Addresses of the functions that it has, and of code that the processor does itself, with their names. */
  readonly functions: ReadonlyMap<bigint, string>;
  /** Variables that it has asked for by name or fills at boot. */
  readonly variables: ReadonlySet<string>;
}

/** Functions that are looked at before giving up. */
const HUGE = 3000;

/**
 * Variables that say nothing of a subsystem's state: keys and classes of locks, what was warned of, limits of messages, debug
 * messages that can be turned on, tracepoints, keys of branches and of static calls.
 */
const INCIDENTAL =
  /^(__key|__already_done|__warned|_rs|__print_once|descriptor|__UNIQUE_ID_\w*|once|___once_key|__func__|__tracepoint_\w+|__SCK__\w+|__bpf_trace_\w+|event_\w+)(\.\d+)*$|_key(\.\d+)?$/;

/** Variables that hold what is true of the machine without anybody setting them: of its one CPU and its one node. */
const TRUE_AS_ZERO = new Set(['cpu_number', 'numa_node', 'cpu_llc_id', 'cpu_l2c_id', 'cpu_die_id']);

/** Where the running task is: struct pcpu_hot begins with it. */
const CURRENT = new Set(['current_task', 'pcpu_hot']);

/**
 * What is only gone to while a tracepoint is on that lies where RCU does not watch (`trace_..._rcuidle`). TypeScript's RCU always
 * does.
 */
const UNWATCHED = /^(ct|rcu)_irq_(enter|exit)(_irqson)?$/;

/** Remembers what was found of a place. */
function remembered<T>(find: (place: number) => T): (place: number) => T {
  const known = new Map<number, T>();
  return (place) => {
    let value = known.get(place);
    if (value === undefined) {
      value = find(place);
      known.set(place, value);
    }
    return value;
  };
}

/**
 * Which functions of an image may run beside TypeScript's, from what its code refers to. A private variable that the native body of
 * a function refers to which TypeScript has is TypeScript's. Nothing is found out before it is asked for.
 */
export class Ownership {
  /** Places that are entries of functions which TypeScript has. */
  private readonly implemented: Uint8Array;
  private readonly names: ReadonlySet<string>;

  constructor(
    private readonly graph: ImageGraph,
    private readonly target: Target,
    private readonly has: Implemented,
  ) {
    this.implemented = new Uint8Array(graph.kinds.length);
    this.names = new Set(has.functions.values());
    for (const address of has.functions.keys()) {
      const place = graph.entryAt(lowOf(address));
      if (place >= 0) this.implemented[place] = 1;
    }
  }

  /** What a function of the image, and all that it leads to, does. */
  readonly verdict = remembered((place): Verdict => this.judge(place));

  /** Whether a variable is TypeScript's: native code would not find in it what it expects. */
  readonly isOwned = remembered((place): boolean => {
    const { graph } = this;
    if (!this.isState(place) || this.isExported(place)) return false;
    return (
      this.has.variables.has(graph.nameOf(place)) || graph.referrersOf(place).some((at) => this.isBody(at))
    );
  });

  /** Whether code that runs at boot sets a variable. */
  readonly isSetByInit = remembered((place): boolean => {
    const { kinds } = this.graph;
    if (kinds[place] === PLACE.setByInit) return true;
    return this.graph.referrersOf(place).some((at) => kinds[at] === PLACE.initText);
  });

  /** Whether a variable holds something that the behaviour of who touches it may depend on, and that TypeScript does not keep. */
  readonly isState = remembered((place): boolean => {
    const { graph } = this;
    // Per-CPU offset 0 is fixed_percpu_data: the stack protector's value.
    if (!graph.isVariable(place) || graph.addressOf(place) === 0) return false;
    const name = graph.nameOf(place);
    const kept = this.has.variables.has(name) && this.target.exports.has(name);
    return !kept && !CURRENT.has(name) && !TRUE_AS_ZERO.has(name) && !INCIDENTAL.test(name);
  });

  /** What keeps a function itself, wherever it leads to, from running. Variables that code run at boot sets do not. */
  hindrance(place: number): Hindrance | undefined {
    return this.directHindrance(place) ?? this.internal(place);
  }

  /** Whether TypeScript has the function at a place. */
  isImplemented(place: number): boolean {
    return this.implemented[place] !== 0;
  }

  /** Variables that a function itself refers to and that code run at boot sets. */
  initVariables(place: number): readonly number[] {
    return [...this.graph.targetsOf(place)].filter(
      (target) => this.isState(target) && this.isSetByInit(target),
    );
  }

  /** Whether a function, or what it leads to, asks which task runs, and so may look into its task_struct. */
  readonly knowsCurrent = remembered((place): boolean =>
    this.reach(place).some((at) => this.graph.targetsOf(at).some((target) => this.isCurrent(target))),
  );

  private readonly isCurrent = remembered(
    (place): boolean => this.graph.isVariable(place) && CURRENT.has(this.graph.nameOf(place)),
  );

  /** Functions of the image that run where one is called. */
  reach(place: number): readonly number[] {
    return this.graph.reach(place, (at) => this.isLeaf(at), HUGE);
  }

  private readonly isUnwatched = remembered((place): boolean => UNWATCHED.test(this.graph.nameOf(place)));

  private isExported(place: number): boolean {
    return this.target.exports.has(this.graph.nameOf(place));
  }

  /** The native bodies of functions that TypeScript has, and parts of such. */
  *bodies(): Generator<number> {
    for (let place = 0; place < this.implemented.length; place++)
      if (this.graph.isCode(place) && this.isBody(place)) yield place;
  }

  /** Whether something else answers where a function is called from native code, or it is not called. */
  isLeaf(place: number): boolean {
    return this.isImplemented(place) || this.isUnwatched(place);
  }

  /** Whether a place is the native body of a function that TypeScript has, or a part of one. */
  private isBody(place: number): boolean {
    if (this.isImplemented(place)) return true;
    if ((this.graph.flags[place] & PART) === 0) return false;
    const name = this.graph.nameOf(place);
    return this.names.has(name.slice(0, name.indexOf('.')));
  }

  private directHindrance(place: number): Hindrance | undefined {
    const { graph } = this;
    const via = graph.nameOf(place);
    const kind = graph.kinds[place];
    if (kind === PLACE.initText || kind === PLACE.exitText) return { kind: 'init', via };
    if (graph.flags[place] & (PRIVILEGED | UNDECODED)) return { kind: 'privileged', via };
    const variable = graph.targetsOf(place).find((target) => this.isOwned(target));
    return variable === undefined ? undefined : { kind: 'trespasser', via, variable: graph.nameOf(variable) };
  }

  /** A function that bodies of TypeScript's functions call: who enters it by another way skips what TypeScript does. */
  private internal(place: number): Hindrance | undefined {
    const { graph } = this;
    const caller = graph.referrersOf(place).find((at) => this.isBody(at));
    if (caller === undefined || this.isExported(place) || this.isPure(place)) return undefined;
    return { kind: 'internal', via: graph.nameOf(place), of: graph.nameOf(caller) };
  }

  private readonly isPure = remembered((place): boolean => {
    const reached = this.reach(place);
    return reached.length < HUGE && reached.every((at) => this.isPureItself(at));
  });

  private readonly isPureItself = remembered(
    (place): boolean =>
      !this.directHindrance(place) && !this.graph.targetsOf(place).some((target) => this.isState(target)),
  );

  private judge(root: number): Verdict {
    if (this.isPure(root)) return { kind: 'pure' };
    const { graph } = this;
    const places = this.reach(root);
    for (const place of places) {
      const hindrance = this.hindrance(place);
      if (hindrance) return hindrance;
    }
    if (places.length >= HUGE) return { kind: 'huge' };
    const touched = new Set(places.flatMap((place) => [...graph.targetsOf(place)]));
    const variables = [...touched].filter((place) => this.isState(place));
    const unset = variables.filter((place) => this.isSetByInit(place));
    const namesOf = (found: readonly number[]): string[] => found.map((place) => graph.nameOf(place));
    if (unset.length === 0) return { kind: 'own-data', variables: namesOf(variables) };
    return { kind: 'needs-init', variables: namesOf(unset), unset };
  }
}
