import { SystemV } from '../conventions/system-v.js';
import { PAGE_KERNEL, PAGE_KERNEL_RO } from '../cpu/address-space.js';
import type { Platform } from '../cpu/cpu-types.js';
import { GuestFault } from '../cpu/fault.js';
import type { Ptr } from '../cpu/layout.js';
import type { Btf } from '../formats/btf/index.js';
import { BaseKernel, type BaseKernelOptions, type Surroundings } from '../kernel/base-kernel.js';
import { FileTree, type HostTree } from '../kernel/files/index.js';
import { PerCpu } from '../kernel/mm/percpu.js';
import { bareMachine } from '../kernel/pc/platform.js';
import { type LinuxTarget, lacking } from '../target/index.js';
import type { Verifier } from '../trust/index.js';
import { BuiltIns } from './built-in.js';
import { FILE_ERRORS } from './errno.js';
import { TargetNames } from './export-names.js';
import { type Holder, type Holding, Origins } from './holding.js';
import { IMAGE, MEMORY_MAP, MODULES, VMALLOC, VMEMMAP } from './memory-map.js';
import { memorySize } from './mm/memory-size.js';
import { SlabExports } from './mm/slab.js';
import { KMALLOC } from './mm/slab-policy.js';
import { VmallocExports } from './mm/vmalloc.js';
import { NativeCode, type NativeMode } from './native/native-code.js';
import { PRINTK } from './printk/log-policy.js';
import { Processes } from './sched/processes.js';
import type { BuiltinParameter, Subsystem, SubsystemClass } from './subsystem.js';
import { SUBSYSTEMS } from './subsystems.js';
import { Traps } from './traps/traps.js';

/** What signatures of modules are checked with. */
export interface ModuleTrust {
  /** X.509 certificates, DER. */
  readonly keys: readonly Uint8Array[];
  /** A faster one than the portable. */
  readonly verifier?: Verifier;
}

export interface KernelOptions extends BaseKernelOptions {
  /** Boot parameters. */
  readonly cmdline?: string;
  /** CLOCK_REALTIME at boot, nanoseconds since 1970. */
  readonly bootTime?: bigint;
  readonly platform?: Partial<Platform>;
  /** Whom it trusts for modules besides the target's own certificates. */
  readonly trust?: ModuleTrust;
  /** Takes what the real kernel takes though it is not safe: see ARCHITECTURE.md on signatures. */
  readonly lenient?: boolean;
  /** Files below the machine's own; without it the root is empty. Never written to. */
  readonly files?: HostTree;
  /** Whether the target's own code may run where TypeScript has nothing; 'auto' where nothing is said. */
  readonly native?: NativeMode;
  /** Exports that TypeScript is not to have, so that the target's own are called in their place: for comparing both. */
  readonly without?: ReadonlySet<string>;
}

/** 2026-01-01T00:00:00Z: a fixed start, so that runs can be compared. */
const DEFAULT_BOOT_TIME = 1_767_225_600_000_000_000n;

/** The lower half of an address minus where it is in guest memory, for the upper half of the image. */
const HALF = 0x8000_0000;

/** Room for a variable that has no symbol. */
const UNSEEN_BYTES = 0x1000;

/** Room behind the last exported variable where nothing else tells where the image ends. */
const BEHIND_EXPORTS = 0x40_0000;

/** What a holder keeps, as far as its lists can be followed: a module may have ruined them. */
function* readable(holder: Partial<Holder>): Generator<Holding> {
  try {
    if (holder.holds) yield* holder.holds();
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
  }
}

/** What a subsystem fills at boot it keeps, too. */
function keptBy({ keeps, data }: Subsystem): readonly string[] {
  return [...(keeps ?? []), ...Object.keys(data ?? {})];
}

function machineOf({ space, random, now }: Surroundings): Platform {
  return bareMachine(random, now, (on) => {
    space.writeProtect = on;
  });
}

/**
 * The Linux base kernel: the shared machinery of src/kernel put together for one target, and the subsystems
 * that implement its exported functions on top.
 */
export class LinuxKernel extends BaseKernel<Btf, Subsystem> {
  readonly percpu: PerCpu;
  readonly traps: Traps;
  readonly processes: Processes;
  readonly cmdline: string;
  readonly trust: ModuleTrust;
  /** Whether what is refused or distrusted for safety's sake alone is taken as the real kernel takes it. */
  readonly lenient: boolean;
  readonly files: FileTree;
  /** The target's own code, where its image is at hand and may run. */
  readonly native: NativeCode | undefined;
  /** Who registered what. */
  readonly origins = new Origins(this);
  /** Lists and tables that keep things for modules, besides the subsystems themselves. */
  readonly holders: Holder[] = [];
  readonly builtIns: BuiltIns;
  private readonly symbols = new Map<string, Ptr>();
  private readonly parameters = new Map<string, ReadonlySet<string>>();

  constructor(
    readonly target: LinuxTarget,
    options: KernelOptions = {},
  ) {
    const cmdline = options.cmdline ?? '';
    let native: NativeCode | undefined;
    super(
      {
        types: target.types,
        memoryMap: MEMORY_MAP,
        areas: VMALLOC,
        images: MODULES,
        slab: KMALLOC,
        log: PRINTK,
        convention: (cpu, space) => new SystemV(cpu, space),
        names: (space, convention) =>
          new TargetNames(target, space, convention, (address) => native?.leaves(address) ?? false),
        platform: (kernel) => ({ ...machineOf(kernel), ...options.platform }),
        bootTime: options.bootTime ?? DEFAULT_BOOT_TIME,
        tick: 1e9 / Number(target.config.get('CONFIG_HZ') ?? '250'),
        memoryBytes: memorySize(cmdline),
      },
      options,
    );
    this.builtIns = new BuiltIns(target);
    this.cmdline = cmdline;
    this.trust = options.trust ?? { keys: [] };
    this.lenient = options.lenient ?? false;
    this.files = new FileTree(FILE_ERRORS, options.files);
    this.mapImage();
    if (options.native !== 'off' && target.image) native = new NativeCode(this, target.image);
    this.native = native;
    this.percpu = new PerCpu(this.space, this.ledger, this.pages, this.staticPerCpu);
    this.cpu.gsBase = this.space.toAddress(this.fixedPerCpu);
    this.traps = new Traps(this);
    this.executor.hooks = this.traps;
    this.processes = new Processes(this);
    this.scheduler.hooks = this.processes;
    this.bootSubsystems(options.without);
  }

  /** Makes those that the target has, lets their exports be known and their variables be filled, and boots them. */
  private bootSubsystems(without: KernelOptions['without']): void {
    const { builtIns } = this;
    const left = {
      has: (name: string): boolean => without?.has(name) || this.native?.replaces(name) || false,
    };
    for (const type of SUBSYSTEMS) {
      if (!builtIns.allows(type)) continue;
      builtIns.start(type, () => {
        const subsystem = this.get<Subsystem>(type);
        if (builtIns.accepts(type, subsystem)) this.exports.define(subsystem, left);
      });
    }
    for (const subsystem of this.parts.values()) this.fillData(subsystem);
    this.processes.boot();
    for (const type of SUBSYSTEMS)
      if (builtIns.has(type)) builtIns.start(type, () => this.get<Subsystem>(type).boot?.());
  }

  /** Whether the target has a subsystem: others ask before they `get` what is optional. */
  has(type: SubsystemClass): boolean {
    return this.builtIns.has(type);
  }

  protected override make<T extends Subsystem>(type: SubsystemClass<T>): T {
    this.builtIns.demand(type);
    return super.make(type);
  }

  /** All that the kernel keeps for somebody who has to take it back. */
  *holdings(): Generator<Holding> {
    for (const [type, subsystem] of this.parts)
      if (this.has(type as SubsystemClass)) yield* readable(subsystem);
    for (const holder of this.holders) yield* readable(holder);
  }

  /** Parameters that subsystems have and act on. */
  *builtinParameters(): Generator<BuiltinParameter> {
    for (const subsystem of this.parts.values()) yield* subsystem.parameters ?? [];
  }

  /** CONFIG_SMP, which the vermagic tells too. */
  get isSmp(): boolean {
    return this.target.vermagic.split(' ').includes('SMP');
  }

  /** Bytes of static per-CPU variables; undefined of a kernel for one processor, which has none. */
  private get staticPerCpu(): number | undefined {
    if (!this.isSmp) return undefined;
    if (this.hasSymbol('__per_cpu_end')) return this.symbol('__per_cpu_end');
    const section = this.target.image?.sections.find(({ address }) => address === 0);
    const exported = [...this.target.exports.values()].filter(({ kind }) => kind === 'percpu');
    return section?.size ?? Math.max(...exported.map(({ address }) => Number(address))) + BEHIND_EXPORTS;
  }

  /** What gs points to: struct fixed_percpu_data, the first variable of the processor's. */
  get fixedPerCpu(): Ptr {
    return this.isSmp ? this.percpu.base : this.symbol('fixed_percpu_data');
  }

  /** Where the kernel image ends: with symbols of functions alone (no CONFIG_KALLSYMS_ALL) as its sections or its exports tell. */
  get imageEnd(): Ptr {
    if (this.hasSymbol('_end')) return this.symbol('_end');
    const { image, exports } = this.target;
    const ends = (image?.sections ?? []).map(({ address, size }) => address + size - HALF);
    const last = Math.max(...[...exports.values()].map(({ address }) => this.space.fromAddress(address)));
    return Math.max(last + BEHIND_EXPORTS, ...ends);
  }

  /** Whether a configuration option is y or m in the target: `k.configured('CONFIG_SMP')`. */
  configured(option: string): boolean {
    const value = this.target.config.get(option);
    return value === 'y' || value === 'm';
  }

  /** Address of a variable (or any symbol) of the target; per-CPU variables give their offset. */
  symbol(name: string): Ptr {
    let address = this.symbols.get(name);
    if (address === undefined) {
      address = this.addressOfNative(name);
      if (address === undefined && !this.leavesOutData) throw lacking(this.target.name, `symbol ${name}`);
      address ??= this.permanent(UNSEEN_BYTES);
      this.symbols.set(name, address);
    }
    return address;
  }

  /** Where a variable is that nothing here looks at: what is in it is the target's own. Undefined where the target does not say. */
  addressOfNative(name: string): Ptr | undefined {
    const symbol = this.target.exports.get(name) ?? this.target.symbols.lookup(name);
    return symbol && this.space.fromAddress(symbol.address);
  }

  /** Without CONFIG_KALLSYMS_ALL variables have no symbols but for exported ones: nobody else can see where they are. */
  get leavesOutData(): boolean {
    const { config } = this.target;
    return config.get('CONFIG_KALLSYMS') === 'y' && config.get('CONFIG_KALLSYMS_ALL') !== 'y';
  }

  /**
   * Address of a variable that a module is linked to. One that nothing here asked for begins as the target's image has it, where that
   * is at hand: modules read such by inline functions, before anything of the image runs.
   */
  exportedVariable(name: string): Ptr {
    const exported = this.target.exports.get(name);
    if (!exported || this.symbols.has(name)) return this.symbol(name);
    const address = this.space.fromAddress(exported.address);
    if (exported.kind === 'data') this.native?.giveInitial(name, address);
    return address;
  }

  /** Names of the variables and other symbols that were asked for, and of the data that subsystems fill. */
  get variables(): ReadonlySet<string> {
    return new Set(this.symbols.keys());
  }

  /** Variables that subsystems keep in the kernel's own form. */
  get kept(): ReadonlySet<string> {
    return new Set([...this.keptSoFar, ...[...this.parts.values()].flatMap(keptBy)]);
  }

  /** One more of these, from when it is filled on. */
  keep(variable: string): void {
    this.keptSoFar.add(variable);
  }

  private readonly keptSoFar = new Set<string>();

  hasSymbol(name: string): boolean {
    return this.target.exports.has(name) || this.target.symbols.lookup(name) !== undefined;
  }

  /** A variable of the kernel image that is not exported: where symbol tables leave it out, in memory of its own. */
  variable(name: string, bytes: number): Ptr {
    let address = this.symbols.get(name);
    if (address === undefined) {
      address = this.hasSymbol(name) ? this.symbol(name) : this.permanent(bytes);
      this.symbols.set(name, address);
    }
    return address;
  }

  /** this_cpu_ptr(&name): where a static per-CPU variable is. */
  percpuSymbol(name: string): Ptr {
    return this.percpu.deref(this.symbol(name));
  }

  /** Whether a function of the target takes a parameter of that name: for those that gained or lost one. */
  hasParameter(fn: string, parameter: string): boolean {
    let names = this.parameters.get(fn);
    if (!names) {
      names = new Set(this.types.findPrototype(fn)?.params.map(({ name }) => name));
      this.parameters.set(fn, names);
    }
    return names.has(parameter);
  }

  /** kmalloc() as modules call it: flags of allocation are looked at. 0 where there is no memory. */
  kmalloc(bytes: number, gfp: number): Ptr {
    return this.get(SlabExports).kmalloc(bytes, gfp);
  }

  /** kvmalloc(): large ones from vmalloc. */
  kvmalloc(bytes: number, gfp: number): Ptr {
    return this.get(VmallocExports).kvmalloc(bytes, gfp);
  }

  /** `current`: the running task's task_struct. */
  get current(): Ptr {
    return this.space.loadPtr(this.processes.currentTaskSlot);
  }

  private fillData(subsystem: Subsystem): void {
    for (const [name, fill] of Object.entries(subsystem.data ?? {})) {
      if (!this.hasSymbol(name)) continue;
      const address = this.symbol(name);
      fill(address < IMAGE.start ? this.percpu.deref(address) : address);
    }
  }

  /** The kernel image. Nothing of it can be executed but the bound exports; data is zero until filled. */
  private mapImage(): void {
    const { space } = this;
    const text = this.symbol('_text') & ~4095;
    const data = this.symbol('_etext') & ~4095;
    const end = (this.imageEnd + 4095) & ~4095;
    space.map(text, data - text, PAGE_KERNEL_RO);
    space.map(data, end - data, PAGE_KERNEL);
    space.map(VMEMMAP.start, VMEMMAP.size, PAGE_KERNEL);
  }
}
