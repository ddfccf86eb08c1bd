import { WORD } from '../../conventions/amd64.js';
import type { KernelImage } from '../../target/image/kernel-image.js';
import type { LinuxTarget } from '../../target/index.js';
import { Accesses } from './accesses.js';
import { ABSENT_HYPERVISORS, ABSENT_TABLES } from './as-built.js';
import { DataPointers } from './data-pointers.js';
import type { ImageGraph } from './image-graph.js';
import { lowOf, PLACE } from './places.js';
import { structOf } from './shared-structs.js';

/** A function of the image that a kernel calls by itself while it boots, and that takes nothing. */
export interface BootFunction {
  readonly name: string;
  readonly place: number;
  /** When: compared as words are, number by number, the one that is lower runs first. */
  readonly when: readonly number[];
  /** Whether its result is an error number, or 0. */
  readonly returnsError: boolean;
}

/** How a variable comes to hold what it holds once a kernel has booted. */
export interface SetAtBoot {
  /** Functions that set it, in the order in which they run; none: it is right as the image has it. */
  readonly functions: readonly BootFunction[];
  /** Code that sets it and that cannot be called by itself. */
  readonly others: readonly number[];
}

/** Parts of a boot, in order. */
const PHASE = { start: 0, early: 1, freeable: 2, levels: 3, last: 4 } as const;
/** What calls, one after the other, what sets up each part of the kernel; init calls come between them. */
const ROOTS: readonly (readonly [string, number])[] = [
  ['start_kernel', PHASE.start],
  ['kernel_init_freeable', PHASE.freeable],
  // The thread that calls the one before first.
  ['kernel_init', PHASE.last],
];

/** Bytes of struct obs_kernel_param (include/linux/init.h): pointers to name and function, and an int. */
const PARAMETER_SIZE = 24;
const HANDLER_AT = 8;

/** Functions that are looked at to find who runs one at boot. */
const MANY = 200;

/** Which of two functions a boot runs first: negative for the first. */
export function compareBoot(a: Pick<BootFunction, 'when'>, b: Pick<BootFunction, 'when'>): number {
  const at = a.when.findIndex((number, i) => number !== b.when[i]);
  return at < 0 ? a.when.length - b.when.length : a.when[at] - (b.when[at] ?? -1);
}

/**
 * What of an image runs while a kernel boots, and in which order: the table of init calls, and what start_kernel calls, found in
 * the image. Handlers of boot parameters only run where the command line has theirs.
 */
export class BootCode {
  /** The init calls, in the order in which they run. */
  readonly initcalls: readonly BootFunction[];
  readonly accesses: Accesses;
  private readonly pointers: DataPointers;
  private readonly functions = new Map<number, BootFunction>();
  private readonly parameterHandlers: ReadonlySet<number>;
  private readonly bootOnly = new Map<number, boolean>();
  private readonly known = new Map<number, SetAtBoot>();
  private readonly workers = new Map<number, readonly BootFunction[]>();
  private readonly times = new Map<number, readonly number[] | undefined>();

  constructor(
    private readonly image: KernelImage,
    private readonly graph: ImageGraph,
    private readonly target: LinuxTarget,
  ) {
    this.accesses = new Accesses(image, graph);
    this.pointers = new DataPointers(image, graph);
    this.parameterHandlers = new Set(this.readParameters());
    for (const [name, phase] of ROOTS) this.times.set(this.placeOf(name), [phase]);
    this.initcalls = this.readInitcalls();
  }

  /** A function that a boot calls by itself; undefined for any other. */
  functionAt(place: number): BootFunction | undefined {
    const known = this.functions.get(place);
    if (known || this.isRoot(place)) return known;
    const when = this.timeOf(place);
    // What takes something is a part of who calls it.
    if (!when || this.target.types.findPrototype(this.graph.nameOf(place))?.params.length !== 0)
      return undefined;
    return this.add(place, when);
  }

  /** Whether nothing runs a function once the kernel is up. */
  isBootCode(place: number): boolean {
    const known = this.bootOnly.get(place);
    if (known !== undefined) return known;
    // Functions that call each other are no boot code for that.
    this.bootOnly.set(place, false);
    const found = this.findBootCode(place);
    this.bootOnly.set(place, found);
    return found;
  }

  /** How a variable is set at boot. */
  setAtBoot(variable: number): SetAtBoot {
    let known = this.known.get(variable);
    if (!known) {
      known = this.findSetters(variable);
      this.known.set(variable, known);
    }
    return known;
  }

  /** Whether code that runs once the kernel is up may change a variable. */
  changesLater(variable: number): boolean {
    return this.graph
      .referrersOf(variable)
      .some((at) => !this.isBootCode(at) && this.accesses.sets(at, variable));
  }

  /**
   * Boot functions that register structures with callbacks that work on a variable, notifiers and the like: in a kernel that has
   * booted, these are called.
   */
  workersOn(variable: number): readonly BootFunction[] {
    let known = this.workers.get(variable);
    if (!known) {
      known = this.findWorkers(variable);
      this.workers.set(variable, known);
    }
    return known;
  }

  private findBootCode(place: number): boolean {
    const { graph } = this;
    const kind = graph.kinds[place];
    if (kind === PLACE.initText || this.functions.has(place)) return true;
    if (kind !== PLACE.text || this.target.exports.has(graph.nameOf(place))) return false;
    const referrers = graph.referrersOf(place);
    return referrers.length > 0 && referrers.every((at) => this.isBootCode(at));
  }

  private findSetters(variable: number): SetAtBoot {
    const { graph, accesses } = this;
    const referrers = [...graph.referrersOf(variable)];
    const functions = new Set<BootFunction>();
    const others = new Set<number>();
    const seen = new Set<number>();
    for (const place of referrers)
      if (this.isBootCode(place) && accesses.sets(place, variable))
        this.climb(place, seen, functions, others);
    // Nobody can write to it once the kernel is up: whoever does so runs at boot.
    if (graph.kinds[variable] === PLACE.setByInit)
      for (const place of referrers)
        if (!this.isBootCode(place) && accesses.writes(place, variable))
          this.climbText(place, functions, others);
    if (!referrers.some((at) => accesses.writes(at, variable)) && this.isUnsetNumber(variable))
      for (const holder of this.pointers.holdersOf(variable)) this.climbFrom(holder, functions, others);
    return { functions: [...functions].sort(compareBoot), others: [...others] };
  }

  /** Who registers a structure at boot. */
  private climbFrom(structure: number, functions: Set<BootFunction>, others: Set<number>): void {
    for (const place of this.graph.referrersOf(structure))
      if (this.isBootCode(place)) this.climb(place, new Set(), functions, others);
  }

  private findWorkers(variable: number): readonly BootFunction[] {
    const { graph, pointers } = this;
    const functions = new Set<BootFunction>();
    for (const worker of graph.referrersOf(variable))
      if (graph.kinds[worker] === PLACE.text)
        for (const structure of pointers.holdersOf(worker)) this.climbFrom(structure, functions, new Set());
    return [...functions].sort(compareBoot);
  }

  /** Whether a variable is a number or a pointer that is 0 in the image: if no code writes it, who has a pointer to it does, or nobody. */
  private isUnsetNumber(variable: number): boolean {
    const address = this.graph.addressOf(variable);
    const size = this.graph.endOf(variable) - address;
    return size <= WORD && this.image.read(address, size).every((byte) => byte === 0);
  }

  /** Who runs a function at boot: itself, or those that call it. */
  private climb(place: number, seen: Set<number>, functions: Set<BootFunction>, others: Set<number>): void {
    if (seen.has(place) || this.isForAbsent(place)) return;
    seen.add(place);
    const itself = this.functionAt(place);
    if (itself) {
      functions.add(itself);
      return;
    }
    const callers = this.isRoot(place) ? [] : this.bootCallers(place);
    if (callers.length === 0) others.add(place);
    for (const caller of callers) this.climb(caller, seen, functions, others);
  }

  /** Who runs a function at boot that others call later as well. */
  private climbText(place: number, functions: Set<BootFunction>, others: Set<number>): void {
    const seen = new Set([place]);
    const found = new Set<BootFunction>();
    for (const at of seen) {
      if (seen.size > MANY) break;
      const boot = this.isBootCode(at);
      if (boot) this.climb(at, new Set(), found, others);
      else for (const caller of this.graph.referrersOf(at)) seen.add(caller);
    }
    if (found.size === 0) others.add(place);
    for (const one of found) functions.add(one);
  }

  /** Whether a function only runs where the command line or the machine has what it is for. */
  private isForAbsent(place: number): boolean {
    if (this.parameterHandlers.has(place)) return true;
    const { graph, target } = this;
    const name = graph.nameOf(place);
    if (ABSENT_HYPERVISORS.test(name)) return true;
    if (graph.referrersOf(place).length > 0) return false;
    const [first] = target.types.findPrototype(name)?.params ?? [];
    const struct = first && structOf(target.types, first.type);
    return struct !== undefined && ABSENT_TABLES.has(struct);
  }

  private bootCallers(place: number): number[] {
    return [...this.graph.referrersOf(place)].filter((at) => this.isBootCode(at));
  }

  private isRoot(place: number): boolean {
    return this.times.get(place)?.length === 1;
  }

  /** When start_kernel or kernel_init_freeable come to a function; undefined: never, or only by an init call. */
  private timeOf(place: number): readonly number[] | undefined {
    if (this.times.has(place)) return this.times.get(place);
    this.times.set(place, undefined);
    let earliest: readonly number[] | undefined;
    if (this.isBootCode(place) && !this.functions.has(place))
      for (const caller of this.bootCallers(place)) {
        const before = this.timeOf(caller);
        const at = before && this.accesses.callAt(caller, place);
        if (!before || at === undefined) continue;
        const when = [...before, at];
        if (!earliest || compareBoot({ when }, { when: earliest }) < 0) earliest = when;
      }
    this.times.set(place, earliest);
    return earliest;
  }

  private readInitcalls(): BootFunction[] {
    const found: BootFunction[] = [];
    const levels = lowOf(this.target.symbols.lookup('__initcall0_start')?.address ?? 0n);
    for (const [start, bytes] of this.table('__initcall_start', '__initcall_end'))
      for (let offset = 0; offset < bytes.byteLength; offset += 4) {
        const at = start + offset;
        const place = this.graph.entryAt(at + bytes.getInt32(offset, true));
        if (place >= 0) found.push(this.add(place, [at < levels ? PHASE.early : PHASE.levels, offset]));
      }
    this.addConsoles();
    return found;
  }

  /** What console_init() calls of a table: no init calls, since start_kernel calls that. */
  private addConsoles(): void {
    const when = this.timeOf(this.placeOf('console_init'));
    if (!when) return;
    for (const [start, bytes] of this.table('__con_initcall_start', '__con_initcall_end'))
      for (let offset = 0; offset < bytes.byteLength; offset += 4) {
        const place = this.graph.entryAt(start + offset + bytes.getInt32(offset, true));
        if (place >= 0) this.add(place, [...when, offset]);
      }
  }

  private readParameters(): number[] {
    const found: number[] = [];
    for (const [, bytes] of this.table('__setup_start', '__setup_end'))
      for (let offset = 0; offset + PARAMETER_SIZE <= bytes.byteLength; offset += PARAMETER_SIZE)
        found.push(this.graph.entryAt(lowOf(bytes.getBigUint64(offset + HANDLER_AT, true))));
    return found.filter((place) => place >= 0);
  }

  /** A table of the image between two symbols, with the lower half of its address; none where there are no such symbols. */
  private table(from: string, to: string): readonly [number, DataView][] {
    const { symbols } = this.target;
    const [start, end] = [symbols.lookup(from), symbols.lookup(to)];
    if (!start || !end) return [];
    const bytes = this.image.read(lowOf(start.address), Number(end.address - start.address));
    return [[lowOf(start.address), new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)]];
  }

  private add(place: number, when: readonly number[]): BootFunction {
    const { graph, target } = this;
    const name = graph.nameOf(place);
    const result = target.types.findPrototype(name)?.result;
    const returnsError = result !== undefined && target.types.classify(result).kind === 'int';
    const made = { name, place, when, returnsError };
    this.functions.set(place, made);
    return made;
  }

  private placeOf(name: string): number {
    const symbol = this.target.symbols.lookup(name);
    return symbol ? this.graph.entryAt(lowOf(symbol.address)) : -1;
  }
}
