import { type EntryGuard, RSP } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import { prototypeText } from '../../kernel/abi/signature.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import type { KernelImage } from '../../target/image/kernel-image.js';
import type { LinuxKernel } from '../kernel.js';
import { analysisOf } from './analysis.js';
import type { ImageGraph } from './image-graph.js';
import { ImageMemory, lowOfPtr } from './image-memory.js';
import type { Ownership } from './ownership.js';
import { PLACE } from './places.js';
import { type Decision, NativeRules } from './rules.js';
import type { NativeSubsystem } from './subsystem.js';
import { NATIVE_SUBSYSTEMS } from './subsystems.js';
import { describeNeglected, describeVerdict } from './words.js';

/** Whether the target's own code runs where TypeScript has nothing: never, or where the analysis of its image allows it. */
export type NativeMode = 'off' | 'auto';

/** What of the target's own code a machine has run, as a report has it. */
export interface NativeUse {
  readonly subsystems: readonly string[];
  /** Functions that guest code called and TypeScript does not have. */
  readonly functions: readonly string[];
}

interface Active {
  readonly memory: ImageMemory;
  readonly graph: ImageGraph;
  readonly ownership: Ownership;
  readonly rules: NativeRules;
}

/**
 * The target's own code beside TypeScript's. Nothing of it is there until guest code first calls a function that nobody implements;
 * from then on the image's pages come as they are needed, each function that TypeScript has takes its place at its address, and
 * every other function is entered only where the rules allow it. What they do not allow stops by name.
 */
export class NativeCode implements EntryGuard {
  private active: Active | undefined;
  private readonly start: Ptr;
  private readonly end: Ptr;
  /** Functions that may be entered and whose first call is behind them. */
  private readonly passed = new Set<Ptr>();
  private readonly functions: string[] = [];
  /** Subsystems that are set up, or are about to be. */
  private readonly set = new Set<NativeSubsystem>();
  /** What is being set up, and by which function. */
  private starting: { readonly subsystem: string; readonly by: string } | undefined;

  constructor(
    private readonly k: LinuxKernel,
    private readonly image: KernelImage,
  ) {
    this.start = k.symbol('_text');
    this.end = k.symbol('_end');
    k.cpu.guard(this);
  }

  /** Whether calls of what nobody implements at an address are answered here. */
  covers(address: Ptr): boolean {
    return address >= this.start && address < this.end;
  }

  /** As `covers`, of an address that somebody was just linked to. */
  leaves(address: Ptr): boolean {
    if (!this.covers(address)) return false;
    // Native code may know it already: from now on its first call is told of.
    this.k.cpu.entryChanged(address);
    return true;
  }

  get use(): NativeUse {
    return { subsystems: [...this.set].map(({ name }) => name), functions: [...this.functions] };
  }

  /** Fixups and BUG() sites of the image, once its code may run. */
  get tables(): Pick<ImageMemory, 'section'> | undefined {
    return this.active?.memory;
  }

  /** What is being set up, in words: what is found meanwhile is not the fault of who called. */
  get settingUp(): string | undefined {
    return this.starting && `native ${this.starting.subsystem}: ${this.starting.by}()`;
  }

  /** The task that sets a subsystem up ends: whoever needs the subsystem from now on is told why. */
  setUpFailed(reason: string): void {
    if (!this.starting) return;
    this.failed.set(this.starting.subsystem, `${this.settingUp}: ${reason}`);
    this.starting = undefined;
  }

  /** Subsystems that could not be set up, with the reasons. */
  private readonly failed = new Map<string, string>();

  stops(ptr: Ptr): boolean {
    if (!this.covers(ptr) || this.passed.has(ptr)) return false;
    if (this.isMissing(ptr)) return true;
    if (!this.active) return false;
    const { ownership, graph } = this.active;
    const place = graph.entryAt(lowOfPtr(ptr));
    if (place < 0 || this.isThunk(ptr)) return false;
    return ownership.isImplemented(place) || !this.mayEnter(this.active, place);
  }

  arrived(ptr: Ptr): void {
    const { k } = this;
    const active = this.activate();
    const { ownership, graph, rules } = active;
    const place = graph.entryAt(lowOfPtr(ptr));
    const name = k.exports.nameAt(ptr) ?? this.nameOf(active, place);
    if (place >= 0 && ownership.isImplemented(place)) {
      k.exports.address(name);
      return;
    }
    if (place < 0) this.stop(ptr, name, 'the image has no code there');
    else if (!this.isMissing(ptr)) this.stop(ptr, name, this.whyNot(active, place));
    else this.answer(ptr, name, rules.decide(name, place));
  }

  /** Whether a function that nobody implements may be called, and by which rule. Brings the image in. */
  decide(name: string): Decision {
    const active = this.activate();
    const place = this.entryOf(active.graph, name);
    if (place < 0) return { kind: 'stops', verdict: 'init', why: 'the image has no code there' };
    return active.rules.decide(name, place);
  }

  /** Sets a subsystem up, and what it needs before it. Throws Unimplemented where that cannot be done. */
  *setUp(subsystem: NativeSubsystem): Sleepable<void> {
    const active = this.activate();
    for (const one of active.rules.inOrder(subsystem)) {
      const reason = this.failed.get(one.name);
      if (reason !== undefined) throw new Unimplemented(`native ${subsystem.name}`, '', reason);
      if (this.set.has(one)) continue;
      this.set.add(one);
      for (const name of one.init) {
        const place = this.entryOf(active.graph, name);
        if (place >= 0) yield* this.runInit(one.name, name, this.ptrAt(active.graph, place));
      }
      one.glue?.(this.k);
    }
  }

  /** A key of branches was turned on or off. */
  keyChanged(key: Ptr): void {
    this.active?.memory.keyChanged(key);
  }

  private answer(ptr: Ptr, name: string, decision: Decision): void {
    const { k } = this;
    if (decision.kind === 'stops') {
      this.stop(ptr, name, decision.why);
      return;
    }
    const { subsystem } = decision.kind === 'in-subsystem' ? decision : {};
    if (subsystem && !this.isSetUp(subsystem)) {
      const begin = (): Sleepable<undefined> => this.beginWith(subsystem, ptr, name);
      k.executor.bind(ptr, name, begin, () => {});
      return;
    }
    this.pass(ptr, name);
  }

  private isSetUp(subsystem: NativeSubsystem): boolean {
    return this.set.has(subsystem) && !this.failed.has(subsystem.name);
  }

  private pass(ptr: Ptr, name: string): void {
    this.passed.add(ptr);
    this.functions.push(name);
    this.k.executor.unbind(ptr);
    this.k.cpu.entryChanged(ptr);
  }

  /** The first call of a function whose subsystem is not set up: it is, and the call goes on as it was. */
  private *beginWith(subsystem: NativeSubsystem, ptr: Ptr, name: string): Sleepable<undefined> {
    const { cpu, space } = this.k;
    const context = cpu.saveContext();
    yield* this.setUp(subsystem);
    cpu.loadContext(context);
    this.pass(ptr, name);
    const stack = cpu.getPtr(RSP) - 8;
    space.storePtr(stack, ptr);
    cpu.setPtr(RSP, stack);
    return undefined;
  }

  /** Calls an init function as the kernel does at boot: nothing is locked, nobody is interrupted. */
  private *runInit(subsystem: string, by: string, fn: Ptr): Sleepable<void> {
    const { cpu, processes } = this.k;
    const { preemptCount } = processes;
    const { interruptsEnabled } = cpu;
    const outer = this.starting;
    this.starting = { subsystem, by };
    processes.preemptCount = 0;
    cpu.interruptsEnabled = true;
    yield { kind: 'call', fn, args: [] };
    processes.preemptCount = preemptCount;
    cpu.interruptsEnabled = interruptsEnabled;
    this.starting = outer;
  }

  private stop(ptr: Ptr, name: string, why: string): void {
    const { k } = this;
    const fail = (): never => {
      throw new Unimplemented(name, prototypeText(k.target.types, name), why);
    };
    k.executor.bind(ptr, name, fail, () => {});
  }

  /** Why native code may not enter a function that is not exported, or that no module has called. */
  private whyNot({ ownership, graph, rules }: Active, place: number): string {
    const name = graph.nameOf(place);
    const hindrance = ownership.hindrance(place);
    if (hindrance) return `native: ${describeVerdict(name, hindrance)}`;
    const looked = rules.looksAtNeglected(place, this.set);
    if (looked) return `native: ${describeNeglected(name, graph.nameOf(looked.place), looked)}`;
    const unset = rules.unset(place, this.set).map((variable) => graph.nameOf(variable));
    return `native: ${describeVerdict(name, { kind: 'needs-init', variables: unset, unset: [] })}`;
  }

  private nameOf({ graph }: Active, place: number): string {
    return place < 0 ? 'a function' : (this.names.get(graph.addressOf(place)) ?? graph.nameOf(place));
  }

  /** Names that TypeScript's functions are defined under, by the lower half of their addresses. */
  private names: ReadonlyMap<number, string> = new Map();

  /** Whether a module was linked to the address for a function that nobody implements. */
  private isMissing(ptr: Ptr): boolean {
    const name = this.k.exports.nameAt(ptr);
    return name !== undefined && !this.k.exports.implemented(name);
  }

  private isThunk(ptr: Ptr): boolean {
    const name = this.k.exports.nameAt(ptr);
    return name !== undefined && this.k.exports.isReserved(name);
  }

  private mayEnter({ graph, rules }: Active, place: number): boolean {
    const kind = graph.kinds[place];
    if (kind === PLACE.initText || kind === PLACE.exitText) return this.starting !== undefined;
    return rules.mayEnter(place, this.set);
  }

  private entryOf(graph: ImageGraph, name: string): number {
    const place = this.placeOf(graph, name);
    return place >= 0 && graph.isCode(place) ? place : -1;
  }

  private placeOf(graph: ImageGraph, name: string): number {
    const { exports, symbols } = this.k.target;
    const address = exports.get(name)?.address ?? symbols.lookup(name)?.address;
    if (address === undefined) return -1;
    const low = Number(address & 0xffff_ffffn);
    const place = graph.placeAt(low);
    return place >= 0 && graph.addressOf(place) === low ? place : -1;
  }

  private ptrAt(graph: ImageGraph, place: number): Ptr {
    return graph.addressOf(place) - 0x8000_0000;
  }

  /** Brings the image in. That is modbox's own work: no time passes in the machine. */
  private activate(): Active {
    if (this.active) return this.active;
    const { k, image } = this;
    const { accesses } = k.space;
    const { graph, ownership, names, shared, members } = analysisOf(image, k);
    this.names = names;
    // What TypeScript has asked for is as it left it; constants are the image's.
    const claimed = new Set([...k.variables].map((name) => graph.placeAt(lowOfPtr(k.symbol(name)))));
    const isClaimed = (place: number): boolean =>
      graph.isVariable(place) && (claimed.has(place) || ownership.isOwned(place));
    const memory = new ImageMemory(k, image, isClaimed);
    const placeOf = (name: string): number => this.placeOf(graph, name);
    const rules = new NativeRules(graph, ownership, { shared, members }, NATIVE_SUBSYSTEMS, placeOf);
    this.active = { memory, graph, ownership, rules };
    k.space.accesses = accesses;
    return this.active;
  }
}
