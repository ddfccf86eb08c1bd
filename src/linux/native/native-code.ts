import { type EntryGuard, RSP } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import { prototypeText } from '../../kernel/abi/signature.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import { LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { KernelImage } from '../../target/image/kernel-image.js';
import type { LinuxKernel } from '../kernel.js';
import { analysisOf } from './analysis.js';
import { AutomaticSubsystems, isAutomatic } from './automatic.js';
import { OFF_KEYS } from './beyond.js';
import type { BootCode } from './boot-code.js';
import type { ImageGraph } from './image-graph.js';
import { ImageMemory, lowOfPtr, ptrOf } from './image-memory.js';
import type { Hindrance, Ownership } from './ownership.js';
import { PLACE } from './places.js';
import { type Decision, NativeRules } from './rules.js';
import { SecondHand } from './second-hand.js';
import { SubsystemSetUp, type TakesBack } from './set-up.js';
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

/** What is larger is a table of the boot, which no module reads by itself. */
const LARGEST_VARIABLE = 0x1_0000;

/** Why nothing runs of an image whose variables cannot be told apart. */
const NO_VARIABLES =
  'native: the kernel has no symbols of its variables (CONFIG_KALLSYMS_ALL), so nobody can say what its code works on';

interface Active {
  readonly memory: ImageMemory;
  readonly graph: ImageGraph;
  readonly boot: BootCode;
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
  private readonly subsystems: SubsystemSetUp;

  constructor(
    private readonly k: LinuxKernel,
    private readonly image: KernelImage,
  ) {
    this.start = k.symbol('_text');
    this.end = k.imageEnd;
    this.subsystems = new SubsystemSetUp(k);
    k.cpu.guard(this);
    // What a boot logs comes before the log begins: only what is wrong is told of.
    k.log.passes = (level) => level <= LOGLEVEL_WARNING || this.settingUp === undefined;
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

  /** Whether TypeScript leaves a function that it has to the image. */
  replaces(name: string): boolean {
    return !this.k.leavesOutData && NATIVE_SUBSYSTEMS.some(({ replaces }) => replaces?.test(name));
  }

  /** Has TypeScript take back, when a subsystem is set up, what it has in its place. */
  onSetUp(subsystem: string, takeBack: TakesBack): void {
    this.subsystems.onSetUp(subsystem, takeBack);
  }

  /** What the image has at an address, whatever is there now. */
  asBuilt(ptr: Ptr, bytes: number): Uint8Array {
    return this.image.read(lowOfPtr(ptr), bytes);
  }

  get use(): NativeUse {
    return { subsystems: this.subsystems.names, functions: [...this.functions] };
  }

  /** Fixups and BUG() sites of the image, once its code may run. */
  get tables(): Pick<ImageMemory, 'section'> | undefined {
    return this.active?.memory;
  }

  /** What the running task sets up, in words: what is found meanwhile is not the fault of who called. */
  get settingUp(): string | undefined {
    return this.subsystems.inWords;
  }

  /** The task that sets a subsystem up ends: whoever needs the subsystem from now on is told why. */
  setUpFailed(reason: string): void {
    this.subsystems.fail(reason);
  }

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
    if (k.leavesOutData) {
      this.stop(ptr, k.exports.nameAt(ptr) ?? 'a function', NO_VARIABLES);
      return;
    }
    const active = this.activate();
    const { ownership, graph, rules } = active;
    const place = graph.entryAt(lowOfPtr(ptr));
    const name = k.exports.nameAt(ptr) ?? this.nameOf(active, place);
    if (place >= 0 && ownership.isImplemented(place)) {
      k.exports.address(name);
      return;
    }
    if (place < 0) this.stop(ptr, name, 'the image has no code there');
    else if (!this.isMissing(ptr)) this.enter(active, ptr, place);
    else this.answer(ptr, name, rules.decide(name, place));
  }

  /** Whether a function that nobody implements may be called, and by which rule. Brings the image in. */
  decide(name: string): Decision {
    if (this.k.leavesOutData) return { kind: 'stops', verdict: 'no-symbols', why: NO_VARIABLES };
    const active = this.activate();
    const place = this.entryOf(active.graph, name);
    if (place < 0) return { kind: 'stops', verdict: 'init', why: 'the image has no code there' };
    return active.rules.decide(name, place);
  }

  /** Sets subsystems up, and what each needs before it. Throws Unimplemented where that cannot be done. */
  setUp(subsystems: readonly NativeSubsystem[]): Sleepable<void> {
    const { graph, boot, rules } = this.activate();
    return this.subsystems.setUp(subsystems, {
      boot,
      rules,
      entryOf: (name) => this.entryOf(graph, name),
      addressOf: (place) => graph.addressOf(place),
    });
  }

  /** What stops an automatic subsystem where its function begins, before anything is run; undefined: it has to be tried. */
  obstacleTo(subsystem: NativeSubsystem): string | undefined {
    if (!isAutomatic(subsystem)) return undefined;
    const { graph, ownership, rules } = this.activate();
    const { boot } = subsystem;
    const hindrance = ownership.bootHindrance(boot.place);
    if (hindrance) return describeVerdict(boot.name, hindrance);
    const state = { subsystems: new Set<NativeSubsystem>(), ran: new Set([boot.place]), now: boot };
    const { unset } = rules.settersOnEntry(boot.place, state);
    if (unset.length === 0) return undefined;
    const variables = unset.map((variable) => graph.nameOf(variable));
    return describeVerdict(boot.name, { kind: 'needs-init', variables, unset });
  }

  /** Gives a variable its initial value, unless something was written there before. Nothing where symbols do not tell its size. */
  giveInitial(name: string, at: Ptr): void {
    const bytes = this.k.target.symbols.lookup(name)?.size ?? 0;
    if (this.active || bytes > LARGEST_VARIABLE) return;
    const memory = this.k.space.bytes.subarray(at, at + bytes);
    if (memory.every((byte) => byte === 0)) memory.set(this.image.read(lowOfPtr(at), bytes));
  }

  /** What the image has in a variable; undefined where symbols do not tell its size. */
  initialOf(name: string): Uint8Array | undefined {
    const found = this.k.target.symbols.lookup(name);
    return found?.size ? this.image.read(Number(found.address & 0xffff_ffffn), found.size) : undefined;
  }

  /** A key of branches was turned on or off. */
  keyChanged(key: Ptr): void {
    this.active?.memory.keyChanged(key);
  }

  private answer(ptr: Ptr, name: string, decision: Decision): void {
    if (decision.kind === 'stops') {
      this.stop(ptr, name, decision.why);
      return;
    }
    const subsystems = decision.kind === 'in-subsystem' ? decision.subsystems : [];
    this.passOnce(ptr, name, subsystems, () => this.functions.push(name));
  }

  /** Native code comes to a function that is not exported, or that no module has called. */
  private enter({ graph, boot, ownership, rules }: Active, ptr: Ptr, place: number): void {
    const name = graph.nameOf(place);
    if (this.isBootCode(graph, place) && boot.functionAt(place)) this.subsystems.entered(place);
    const hindrance = this.isBootCode(graph, place)
      ? this.bootHindrance(ownership, graph, place)
      : ownership.hindrance(place);
    const { state } = this.subsystems;
    const { subsystems, unset } = rules.settersOnEntry(place, state);
    const looked = rules.looksAtNeglected(place, state);
    if (hindrance) this.stop(ptr, name, `native: ${describeVerdict(name, hindrance)}`);
    else if (looked)
      this.stop(ptr, name, `native: ${describeNeglected(name, graph.nameOf(looked.place), looked)}`);
    else if (unset.length > 0) {
      const variables = unset.map((variable) => graph.nameOf(variable));
      this.stop(ptr, name, `native: ${describeVerdict(name, { kind: 'needs-init', variables, unset })}`);
    } else this.passOnce(ptr, name, subsystems, () => {});
  }

  /** Lets a function be entered: once these subsystems are set up, which its first call does; the call goes on as it was. */
  private passOnce(ptr: Ptr, name: string, subsystems: readonly NativeSubsystem[], passed: () => void): void {
    const { k } = this;
    const pass = (): void => {
      passed();
      this.passed.add(ptr);
      k.executor.unbind(ptr);
      k.cpu.entryChanged(ptr);
    };
    if (subsystems.every((one) => this.subsystems.has(one))) {
      pass();
      return;
    }
    const begin = (): Sleepable<undefined> => this.beginWith(subsystems, ptr, pass);
    k.executor.bind(ptr, name, begin, () => {});
  }

  private *beginWith(
    subsystems: readonly NativeSubsystem[],
    ptr: Ptr,
    pass: () => void,
  ): Sleepable<undefined> {
    const { cpu, space } = this.k;
    const context = cpu.saveContext();
    yield* this.setUp(subsystems);
    cpu.loadContext(context);
    pass();
    const stack = cpu.getPtr(RSP) - 8;
    space.storePtr(stack, ptr);
    cpu.setPtr(RSP, stack);
    return undefined;
  }

  private stop(ptr: Ptr, name: string, why: string): void {
    const { k } = this;
    const fail = (): never => {
      throw new Unimplemented(name, prototypeText(k.target.types, name), why);
    };
    k.executor.bind(ptr, name, fail, () => {});
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

  private mayEnter({ graph, rules, ownership }: Active, place: number): boolean {
    const { state } = this.subsystems;
    if (!this.isBootCode(graph, place)) return rules.mayEnter(place, state);
    return !this.bootHindrance(ownership, graph, place) && rules.unset(place, state).length === 0;
  }

  private isBootCode(graph: ImageGraph, place: number): boolean {
    const kind = graph.kinds[place];
    return kind === PLACE.initText || kind === PLACE.exitText;
  }

  /** Code of the boot only runs while something is set up. */
  private bootHindrance(ownership: Ownership, graph: ImageGraph, place: number): Hindrance | undefined {
    if (!this.subsystems.isBusy) return { kind: 'init', via: graph.nameOf(place) };
    return ownership.bootHindrance(place);
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

  /** Brings the image in. That is modbox's own work: no time passes in the machine. */
  private activate(): Active {
    if (this.active) return this.active;
    const { k, image } = this;
    const { accesses } = k.space;
    const { graph, boot, ownership, names, shared, members } = analysisOf(image, k);
    this.names = names;
    // What TypeScript has asked for is as it left it; constants are the image's.
    const claimed = new Set([...k.variables].map((name) => graph.placeAt(lowOfPtr(k.symbol(name)))));
    const placeOf = (name: string): number => this.placeOf(graph, name);
    const off = OFF_KEYS.map(placeOf).filter((place) => place >= 0);
    for (const place of off) claimed.add(place);
    const isClaimed = (place: number): boolean =>
      graph.isVariable(place) && (claimed.has(place) || ownership.isOwned(place));
    const memory = new ImageMemory(k, image, isClaimed);
    // A key that has come is looked at where its branches come: it is zero.
    for (const place of off) k.space.load32(ptrOf(graph.addressOf(place)));
    const subsystems = NATIVE_SUBSYSTEMS.filter(({ only }) => only === undefined || k.hasSymbol(only));
    const rules = new NativeRules(
      graph,
      ownership,
      { shared, members },
      new SecondHand(graph, ownership, boot),
      new AutomaticSubsystems(boot, subsystems),
      subsystems,
      placeOf,
    );
    this.active = { memory, graph, boot, ownership, rules };
    k.space.accesses = accesses;
    return this.active;
  }
}
