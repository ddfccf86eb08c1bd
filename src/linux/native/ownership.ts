import type { KernelImage } from '../../target/image/kernel-image.js';
import { PRIVILEGED, placeAt, type ReferenceTable, UNDECODED } from '../../target/image/references.js';
import type { Target } from '../../target/index.js';
import { KERNEL_HALF } from '../../target/symbol-table.js';
import { lowOf, PLACE, placeKinds } from './places.js';

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
  /** It touches variables that code run at boot sets. */
  | { readonly kind: 'needs-init'; readonly variables: readonly string[] }
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

/** Pointers to what TypeScript keeps, but not all of: who follows them may meet what is not filled. */
const PARTLY_KEPT = new Set(['current_task', 'pcpu_hot']);

/** What the compiler makes of a function's parts: `flush_work.part.0`, `foo.cold`. */
const PART = /\.(part|cold|isra|constprop|lto_priv)\b/;

/** Which functions of an image may run beside TypeScript's, from what its code refers to: see README.md. */
export class Ownership {
  private readonly kinds: Uint8Array;
  private readonly references: ReferenceTable;
  /** Places that are entries of functions which TypeScript has. */
  private readonly implemented: Uint8Array;
  private readonly owned: Uint8Array;
  private readonly setByInit: Uint8Array;
  /** A place whose function TypeScript has and whose native body calls this one; 0 for none (place 0 is no function). */
  private readonly calledBy: Uint32Array;
  private readonly visited: Uint32Array;
  private visit = 0;
  private readonly verdicts = new Map<number, Verdict>();
  private readonly pure = new Map<number, boolean>();
  private readonly names = new Map<number, string>();
  private readonly states = new Map<number, boolean>();
  private percpuNames: ReadonlyMap<number, string> | undefined;

  constructor(
    image: KernelImage,
    private readonly target: Target,
    private readonly has: Implemented,
  ) {
    const { references } = image;
    const count = references.places.length;
    this.references = references;
    this.kinds = placeKinds(image, target);
    this.implemented = new Uint8Array(count);
    this.owned = new Uint8Array(count);
    this.setByInit = new Uint8Array(count);
    this.calledBy = new Uint32Array(count);
    this.visited = new Uint32Array(count);
    for (const address of has.functions.keys()) {
      const place = this.entryAt(lowOf(address));
      if (place >= 0) this.implemented[place] = 1;
    }
    for (let place = 0; place < count; place++) {
      if (this.kinds[place] === PLACE.initText) this.noteInit(place);
      else if (this.kinds[place] === PLACE.setByInit) this.setByInit[place] = 1;
      else if (this.implemented[place]) this.noteBody(place, place);
    }
    for (const name of has.variables) this.noteAsked(name);
  }

  /** The place of a function that begins at an address (its lower half); -1 where none does. */
  entryAt(low: number): number {
    const { places } = this.references;
    const place = placeAt(places, low);
    return place >= 0 && places[place] === low && this.isCode(place) ? place : -1;
  }

  /** Whether TypeScript has the function at a place. */
  isImplemented(place: number): boolean {
    return this.implemented[place] !== 0;
  }

  /** What a function of the image, and all that it leads to, does. */
  verdict(place: number): Verdict {
    let known = this.verdicts.get(place);
    if (!known) {
      known = this.judge(place);
      this.verdicts.set(place, known);
    }
    return known;
  }

  /** What keeps the function itself, wherever it leads to, from running. Variables that code run at boot sets do not. */
  hindrance(place: number): Hindrance | undefined {
    return this.directHindrance(place) ?? this.internal(place);
  }

  /** Whether a variable is TypeScript's: native code finds in it what it has at boot, or what TypeScript puts there. */
  isOwned(place: number): boolean {
    return this.owned[place] !== 0;
  }

  /** Variables that a function itself refers to and that code run at boot sets. */
  initVariables(place: number): number[] {
    return [...this.targetsOf(place)].filter((target) => this.setByInit[target] && this.isState(target));
  }

  /** Places of functions that are reached from one without entering what TypeScript has; at most `limit`. */
  reach(root: number, limit = Number.POSITIVE_INFINITY): readonly number[] {
    const { visited } = this;
    const visit = ++this.visit;
    const stack = [root];
    const reached: number[] = [];
    while (stack.length > 0 && reached.length < limit) {
      const place = stack.pop()!;
      if (visited[place] === visit) continue;
      visited[place] = visit;
      if (place !== root && this.implemented[place]) continue;
      reached.push(place);
      for (const target of this.targetsOf(place)) if (this.isCode(target)) stack.push(target);
    }
    return reached;
  }

  nameOf(place: number): string {
    let name = this.names.get(place);
    if (name === undefined) {
      name = this.findName(place);
      this.names.set(place, name);
    }
    return name;
  }

  private findName(place: number): string {
    const low = this.references.places[place];
    if (this.kinds[place] === PLACE.perCpu) {
      this.percpuNames ??= this.namePerCpu();
      return this.percpuNames.get(low) ?? `per-CPU offset 0x${low.toString(16)}`;
    }
    const address = KERNEL_HALF | BigInt(low);
    return (
      this.has.functions.get(address) ?? this.target.symbols.nearest(address)?.name ?? `0x${low.toString(16)}`
    );
  }

  /** Symbols stand in order of address, those of per-CPU variables first. */
  private namePerCpu(): Map<number, string> {
    const names = new Map<number, string>();
    for (const { name, address } of this.target.symbols.all()) {
      if (address >= KERNEL_HALF) break;
      // Of several the variable's own: marks of where a section begins come before it.
      names.set(Number(address), name);
    }
    return names;
  }

  private targetsOf(place: number): Uint32Array {
    const { first, targets } = this.references;
    return targets.subarray(first[place], first[place + 1]);
  }

  private isCode(place: number): boolean {
    const kind = this.kinds[place];
    return kind === PLACE.text || kind === PLACE.initText;
  }

  private isVariable(place: number): boolean {
    const kind = this.kinds[place];
    return kind === PLACE.variable || kind === PLACE.setByInit || kind === PLACE.perCpu;
  }

  private isExported(place: number): boolean {
    return this.target.exports.has(this.nameOf(place));
  }

  /** Whether a variable holds something that the behaviour of who touches it may depend on, and that TypeScript does not keep. */
  private isState(place: number): boolean {
    let state = this.states.get(place);
    if (state === undefined) {
      const name = this.nameOf(place);
      const kept = this.has.variables.has(name) && this.target.exports.has(name) && !PARTLY_KEPT.has(name);
      // Per-CPU offset 0 is fixed_percpu_data: the stack protector's value.
      const incidental =
        this.references.places[place] === 0 || TRUE_AS_ZERO.has(name) || INCIDENTAL.test(name);
      state = this.isVariable(place) && !kept && !incidental;
      this.states.set(place, state);
    }
    return state;
  }

  /** Code that runs at boot sets the variables that it refers to. */
  private noteInit(place: number): void {
    for (const target of this.targetsOf(place)) if (this.isVariable(target)) this.setByInit[target] = 1;
  }

  /** The native body of a function that TypeScript has, or a part of it: its private variables are TypeScript's. */
  private noteBody(place: number, entry: number): void {
    for (const target of this.targetsOf(place)) {
      if (this.isVariable(target)) {
        if (this.isState(target) && !this.isExported(target)) this.owned[target] = 1;
      } else if (
        this.kinds[target] === PLACE.text &&
        !this.implemented[target] &&
        this.calledBy[target] === 0
      ) {
        this.calledBy[target] = entry;
        const name = this.nameOf(target);
        if (PART.test(name) && name.startsWith(`${this.nameOf(entry)}.`)) this.noteBody(target, entry);
      }
    }
  }

  private noteAsked(name: string): void {
    const symbol = this.target.exports.has(name) ? undefined : this.target.symbols.lookup(name);
    if (!symbol) return;
    const place = placeAt(this.references.places, lowOf(symbol.address));
    if (place >= 0 && this.isState(place)) this.owned[place] = 1;
  }

  private directHindrance(place: number): Hindrance | undefined {
    if (this.kinds[place] === PLACE.initText) return { kind: 'init', via: this.nameOf(place) };
    if (this.references.flags[place] & (PRIVILEGED | UNDECODED))
      return { kind: 'privileged', via: this.nameOf(place) };
    const variable = this.targetsOf(place).find((target) => this.owned[target] !== 0);
    if (variable === undefined) return undefined;
    return { kind: 'trespasser', via: this.nameOf(place), variable: this.nameOf(variable) };
  }

  /** A function that only the bodies of TypeScript's functions know: who enters it by another way skips what TypeScript does. */
  private internal(place: number): Hindrance | undefined {
    const caller = this.calledBy[place];
    if (caller === 0 || this.isExported(place) || this.isPure(place)) return undefined;
    return { kind: 'internal', via: this.nameOf(place), of: this.nameOf(caller) };
  }

  private isPure(place: number): boolean {
    let pure = this.pure.get(place);
    if (pure === undefined) {
      const reached = this.reach(place, HUGE);
      pure =
        reached.length < HUGE &&
        reached.every(
          (at) => !this.directHindrance(at) && !this.targetsOf(at).some((to) => this.isState(to)),
        );
      this.pure.set(place, pure);
    }
    return pure;
  }

  private judge(root: number): Verdict {
    if (this.isPure(root)) return { kind: 'pure' };
    const places = this.reach(root, HUGE);
    for (const place of places) {
      const hindrance = this.hindrance(place);
      if (hindrance) return hindrance;
    }
    if (places.length >= HUGE) return { kind: 'huge' };
    const touched = new Set(places.flatMap((place) => [...this.targetsOf(place)]));
    const variables = [...touched].filter((place) => this.isState(place));
    const set = variables.filter((place) => this.setByInit[place]);
    if (set.length === 0)
      return { kind: 'own-data', variables: variables.map((place) => this.nameOf(place)) };
    return { kind: 'needs-init', variables: set.map((place) => this.nameOf(place)) };
  }
}
