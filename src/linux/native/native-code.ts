import type { EntryGuard } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import { prototypeText } from '../../kernel/abi/signature.js';
import { Unimplemented } from '../../kernel/errors.js';
import type { KernelImage } from '../../target/image/kernel-image.js';
import type { SymbolAt } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { ImageGraph } from './image-graph.js';
import { ImageMemory, lowOfPtr } from './image-memory.js';
import { Ownership } from './ownership.js';
import { SharedStructs } from './shared-structs.js';
import { describeShared, describeVerdict } from './words.js';

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
  readonly shared: SharedStructs;
}

/**
 * The target's own code beside TypeScript's. Nothing of it is there until guest code first calls a function that nobody implements;
 * from then on the image's pages come as they are needed, each function that TypeScript has takes its place at its address, and
 * every other function is entered only where the analysis allows it. What it does not allow stops by name.
 */
export class NativeCode implements EntryGuard {
  private active: Active | undefined;
  private readonly start: Ptr;
  private readonly end: Ptr;
  /** Functions that may be entered and whose first call is behind them. */
  private readonly passed = new Set<Ptr>();
  private readonly functions: string[] = [];

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

  get use(): NativeUse {
    return { subsystems: [], functions: [...this.functions] };
  }

  /** Fixups and BUG() sites of the image, once its code may run. */
  get tables(): Pick<ImageMemory, 'section'> | undefined {
    return this.active?.memory;
  }

  stops(ptr: Ptr): boolean {
    if (!this.covers(ptr) || this.passed.has(ptr)) return false;
    if (this.isMissing(ptr)) return true;
    if (!this.active) return false;
    const { ownership, graph } = this.active;
    const place = graph.entryAt(lowOfPtr(ptr));
    if (place < 0 || this.isThunk(ptr)) return false;
    return ownership.isImplemented(place) || !this.mayRun(place);
  }

  arrived(ptr: Ptr): void {
    const { k } = this;
    const { ownership, shared, graph } = this.activate();
    const place = graph.entryAt(lowOfPtr(ptr));
    const name = k.exports.nameAt(ptr) ?? graph.nameOf(place);
    if (place >= 0 && ownership.isImplemented(place)) {
      k.exports.address(name);
      return;
    }
    if (place < 0 || !this.mayRun(place)) {
      const why = place < 0 ? 'the image has no code there' : describeVerdict(name, ownership.verdict(place));
      this.stop(ptr, name, why);
      return;
    }
    const struct = this.isMissing(ptr) ? shared.of(name) : undefined;
    if (struct !== undefined) {
      this.stop(ptr, name, describeShared(name, struct));
      return;
    }
    this.passed.add(ptr);
    if (this.isMissing(ptr)) this.functions.push(name);
    k.cpu.entryChanged(ptr);
  }

  /** A key of branches was turned on or off. */
  keyChanged(key: Ptr): void {
    this.active?.memory.keyChanged(key);
  }

  /** The function of the image that an address is in, once its code may run and unless TypeScript stands in its place. */
  functionAt(ptr: Ptr, symbolAt: (ptr: Ptr) => SymbolAt | undefined): string | undefined {
    if (!this.active || !this.covers(ptr) || !this.k.space.isExecutable(ptr)) return undefined;
    return symbolAt(ptr)?.name;
  }

  private stop(ptr: Ptr, name: string, why: string): void {
    const { k } = this;
    const fail = (): never => {
      throw new Unimplemented(name, prototypeText(k.target.types, name), why);
    };
    k.executor.bind(ptr, name, fail, () => {});
  }

  /** Whether a module was linked to the address for a function that nobody implements. */
  private isMissing(ptr: Ptr): boolean {
    const name = this.k.exports.nameAt(ptr);
    return name !== undefined && !this.k.exports.implemented(name);
  }

  private isThunk(ptr: Ptr): boolean {
    const name = this.k.exports.nameAt(ptr);
    return name !== undefined && this.k.exports.isReserved(name);
  }

  private mayRun(place: number): boolean {
    return this.active!.ownership.verdict(place).kind === 'pure';
  }

  /** Brings the image in. That is modbox's own work: no time passes in the machine. */
  private activate(): Active {
    if (this.active) return this.active;
    const { k, image } = this;
    const { accesses } = k.space;
    const functions = new Map<bigint, string>();
    for (const [address, name] of k.exports.places()) functions.set(k.space.toAddress(address), name);
    const graph = new ImageGraph(image, k.target);
    const ownership = new Ownership(graph, k.target, { functions, variables: k.variables });
    const claimed = new Set<number>();
    for (const name of k.variables) {
      const place = graph.placeAt(lowOfPtr(k.symbol(name)));
      claimed.add(place);
    }
    const memory = new ImageMemory(k, image, (place) => claimed.has(place) || ownership.isOwned(place));
    const shared = new SharedStructs(k.types, () => k.exports.exported);
    this.active = { memory, graph, ownership, shared };
    k.space.accesses = accesses;
    return this.active;
  }
}
