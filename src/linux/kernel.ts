import { SystemV } from '../conventions/system-v.js';
import { AddressSpace, PAGE_KERNEL, PAGE_KERNEL_RO } from '../cpu/address-space.js';
import { Cpu } from '../cpu/cpu.js';
import type { Platform } from '../cpu/cpu-types.js';
import { GuestFault } from '../cpu/fault.js';
import type { Ptr } from '../cpu/layout.js';
import type { Btf } from '../formats/btf/index.js';
import type { Convention } from '../kernel/abi/convention.js';
import { Gate } from '../kernel/abi/gate.js';
import { type Argument, GuestCalls } from '../kernel/abi/guest-calls.js';
import { parseSignature, type Signature, signatureFromTypes } from '../kernel/abi/signature.js';
import { Clock } from '../kernel/clock.js';
import type { Sleepable } from '../kernel/effects.js';
import { isSleepable } from '../kernel/effects.js';
import { FileTree, type HostTree } from '../kernel/files/index.js';
import { KernelLog } from '../kernel/log.js';
import { MemoryBudget } from '../kernel/mm/budget.js';
import { Ledger } from '../kernel/mm/ledger.js';
import { PageAllocator } from '../kernel/mm/page-allocator.js';
import { PerCpu } from '../kernel/mm/percpu.js';
import { Slab } from '../kernel/mm/slab.js';
import { AreaAllocator } from '../kernel/mm/vmalloc.js';
import { Probes } from '../kernel/probes.js';
import { Random } from '../kernel/random.js';
import { Executor } from '../kernel/task/executor.js';
import { Scheduler } from '../kernel/task/scheduler.js';
import type { Target } from '../target/index.js';
import type { Verifier } from '../trust/index.js';
import { ExportTable } from './abi/export-table.js';
import { type MemberFunctions, StructType } from './abi/struct.js';
import { FILE_ERRORS } from './errno.js';
import { type Holder, type Holding, Origins } from './holding.js';
import { type Interruption, InterruptionPoint } from './interruption.js';
import { IMAGE, MEMORY_MAP, MODULES, VMALLOC, VMEMMAP } from './memory-map.js';
import { memorySize } from './mm/memory-size.js';
import { SlabExports } from './mm/slab.js';
import { KMALLOC } from './mm/slab-policy.js';
import { VmallocExports } from './mm/vmalloc.js';
import { Processes } from './sched/processes.js';
import type { BuiltinParameter, Subsystem, SubsystemClass } from './subsystem.js';
import { SUBSYSTEMS } from './subsystems.js';
import { Traps } from './traps/traps.js';
import { bareMachine } from './x86/platform.js';

/** What signatures of modules are checked with. */
export interface ModuleTrust {
  /** X.509 certificates, DER. */
  readonly keys: readonly Uint8Array[];
  /** A faster one than the portable. */
  readonly verifier?: Verifier;
}

export interface KernelOptions {
  /** Decides interleavings and every random number; 0 schedules first come, first served. */
  readonly seed?: number;
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
  /** Asked every few milliseconds while a command runs: a reason to stop it. */
  readonly interrupt?: () => Interruption | undefined;
  /** Instructions, or as much work of the base kernel, that a command may take before it is stopped. */
  readonly workLimit?: number;
  /** What a kernel that is no longer needed has given back: see AddressSpace.release. */
  readonly memory?: WebAssembly.Memory;
}

/** Some ten seconds of a processor. */
const WORK_LIMIT = 4e9;
/** What an access of the base kernel to guest memory takes longer than an instruction, in instructions. */
const ACCESS_WORK = 6;
/** What a line of the log costs, in instructions: it is written to a console. */
const LINE_COST = 2000;

/** 2026-01-01T00:00:00Z: a fixed start, so that runs can be compared. */
const DEFAULT_BOOT_TIME = 1_767_225_600_000_000_000n;

/** What a holder keeps, as far as its lists can be followed: a module may have ruined them. */
function* readable(holder: Partial<Holder>): Generator<Holding> {
  try {
    if (holder.holds) yield* holder.holds();
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
  }
}

/**
 * The Linux base kernel: the shared machinery of src/kernel put together for one target, and the subsystems
 * that implement its exported functions on top.
 */
export class LinuxKernel {
  readonly types: Btf;
  readonly space: AddressSpace;
  readonly cpu: Cpu;
  readonly clock: Clock;
  readonly log: KernelLog;
  readonly random: Random;
  /** What happens in the machine, for whoever subscribes. */
  readonly probes: Probes;
  readonly ledger: Ledger;
  readonly pages: PageAllocator;
  readonly slab: Slab;
  readonly vmalloc: AreaAllocator;
  readonly moduleMemory: AreaAllocator;
  readonly percpu: PerCpu;
  readonly executor: Executor;
  readonly scheduler: Scheduler;
  readonly exports: ExportTable;
  /** How functions of the kernel call each other. */
  readonly convention: Convention;
  readonly traps: Traps;
  readonly processes: Processes;
  readonly cmdline: string;
  readonly interruption: InterruptionPoint;
  /** Memory that the machine has: `mem=`. */
  readonly budget: MemoryBudget;
  readonly calls: GuestCalls;
  readonly trust: ModuleTrust;
  /** Whether what is refused or distrusted for safety's sake alone is taken as the real kernel takes it. */
  readonly lenient: boolean;
  readonly files: FileTree;
  readonly platform: Platform;
  /** Who registered what. */
  readonly origins = new Origins(this);
  /** Lists and tables that keep things for modules, besides the subsystems themselves. */
  readonly holders: Holder[] = [];
  private readonly subsystems = new Map<SubsystemClass, Subsystem>();
  private readonly structs = new Map<string, StructType>();
  private readonly enums = new Map<string, number>();
  private readonly symbols = new Map<string, Ptr>();
  private readonly strings = new Map<string, Ptr>();
  private readonly parameters = new Map<string, ReadonlySet<string>>();

  constructor(
    readonly target: Target,
    options: KernelOptions = {},
  ) {
    const space = new AddressSpace(MEMORY_MAP, options.memory);
    this.space = space;
    this.types = target.types;
    this.cmdline = options.cmdline ?? '';
    this.trust = options.trust ?? { keys: [] };
    this.lenient = options.lenient ?? false;
    this.files = new FileTree(FILE_ERRORS, options.files);
    this.clock = new Clock(
      options.bootTime ?? DEFAULT_BOOT_TIME,
      1e9 / Number(target.config.get('CONFIG_HZ') ?? '250'),
    );
    this.random = new Random(options.seed ?? 0);
    this.platform = {
      ...bareMachine(
        this.random,
        () => this.now(),
        (on) => {
          space.writeProtect = on;
        },
      ),
      ...options.platform,
    };
    this.cpu = new Cpu(space, { platform: this.platform });
    this.interruption = new InterruptionPoint(
      () => this.cpu.elapsed + ACCESS_WORK * space.accesses,
      options.workLimit ?? WORK_LIMIT,
      options.interrupt ?? (() => undefined),
    );
    this.log = new KernelLog(
      () => this.clock.now,
      () => this.executor.current?.id ?? 0,
    );
    this.mapImage();
    this.probes = new Probes(
      space,
      () => this.clock.now + this.uncounted,
      () => this.executor.current,
    );
    this.ledger = new Ledger(this.probes);
    this.budget = new MemoryBudget(memorySize(this.cmdline), () => this.cpu.elapsed);
    this.pages = new PageAllocator(space, this.ledger, this.budget);
    this.slab = new Slab(space, this.pages, this.ledger, KMALLOC);
    this.vmalloc = new AreaAllocator(space, this.ledger, VMALLOC, this.budget);
    this.moduleMemory = new AreaAllocator(space, this.ledger, MODULES, this.budget);
    this.percpu = new PerCpu(space, this.ledger, this.pages, this.symbol('__per_cpu_end'));
    this.cpu.gsBase = space.toAddress(this.percpu.base);
    this.traps = new Traps(this);
    this.convention = new SystemV(this.cpu, space);
    this.executor = new Executor(this.cpu, space, this.convention, this.traps, this.probes);
    this.log.onRecord(() => this.executor.charge(LINE_COST));
    this.processes = new Processes(this);
    this.scheduler = new Scheduler(
      this.cpu,
      this.clock,
      this.convention,
      this.executor,
      this.vmalloc,
      this.random,
      (options.seed ?? 0) !== 0,
      this.processes,
      () => void this.now(),
      this.probes,
    );
    this.ledger.caller = () => this.executor.current?.caller ?? 0;
    this.exports = new ExportTable(target, this.executor, new Gate(this.convention), (address) =>
      space.fromAddress(address),
    );
    this.calls = new GuestCalls(this.cpu, this.convention, space, (fn) => this.exports.functionAt(fn));
    for (const subsystem of SUBSYSTEMS) this.exports.define(this.get(subsystem));
    for (const subsystem of this.subsystems.values()) this.fillData(subsystem);
    this.processes.boot();
    for (const subsystem of SUBSYSTEMS) this.get<Subsystem>(subsystem).boot?.();
  }

  /** The kernel's one instance of a subsystem. */
  get<T extends Subsystem>(subsystem: SubsystemClass<T>): T {
    const known = this.subsystems.get(subsystem);
    if (known) return known as T;
    const made = new subsystem(this);
    this.subsystems.set(subsystem, made);
    return made;
  }

  /** All that the kernel keeps for somebody who has to take it back. */
  *holdings(): Generator<Holding> {
    for (const subsystem of this.subsystems.values()) yield* readable(subsystem);
    for (const holder of this.holders) yield* readable(holder);
  }

  /** Parameters that subsystems have and act on. */
  *builtinParameters(): Generator<BuiltinParameter> {
    for (const subsystem of this.subsystems.values()) yield* subsystem.parameters ?? [];
  }

  /** A struct type of the target: see StructType. */
  struct(name: string): StructType {
    let type = this.structs.get(name);
    if (!type) {
      type = new StructType(this.space, this.types, name, this.memberFunctions);
      this.structs.set(name, type);
    }
    return type;
  }

  private readonly memberFunctions: MemberFunctions = {
    call: (fn, signature, args) => this.calls.call(fn, signature, args),
    callBig: (fn, signature, args) => this.calls.callBig(fn, signature, args),
    address: (name, signature, fn) => this.exports.hostFunction(name, signature, fn),
  };

  /**
   * Calls a function pointer that is no struct's member: `signature` as parseSignature has it, or the name of a typedef of the
   * target (`work_func_t`). Arguments and result: see GuestCalls.call.
   */
  *callAs(signature: string, fn: Ptr, ...args: Argument[]): Sleepable<number> {
    return yield* this.calls.call(fn, this.signatureNamed(signature), args);
  }

  private signatureNamed(text: string): Signature {
    let signature = this.signatures.get(text);
    if (!signature) {
      const found = text.includes(':')
        ? parseSignature(text)
        : signatureFromTypes(this.types, this.types.type(text));
      if (!found) throw new TypeError(`${text} is no type of a function`);
      signature = found;
      this.signatures.set(text, signature);
    }
    return signature;
  }

  private readonly signatures = new Map<string, Signature>();

  sizeOf(name: string): number {
    return this.types.sizeOf(name);
  }

  /** The value of an enumerator of the target. */
  enumValue(name: string): number {
    let value = this.enums.get(name);
    if (value === undefined) {
      value = this.types.enumValue(name);
      this.enums.set(name, value);
    }
    return value;
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
      const symbol = this.target.exports.get(name) ?? this.target.symbols.lookup(name);
      if (!symbol) throw new Error(`${this.target.name} has no symbol ${name}`);
      address = this.space.fromAddress(symbol.address);
      this.symbols.set(name, address);
    }
    return address;
  }

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

  /** Address that guest code calls for a function of the base kernel. */
  fn(name: string): Ptr {
    return this.exports.address(name);
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

  /** A permanent, read-only C string in kernel memory. Equal texts share it. */
  constantString(text: string): Ptr {
    let ptr = this.strings.get(text);
    if (ptr === undefined) {
      ptr = this.permanent(text.length + 1);
      this.space.storeCstring(ptr, text);
      this.strings.set(text, ptr);
    }
    return ptr;
  }

  /** Zeroed memory of the base kernel itself, never freed; 8-byte aligned. */
  permanent(bytes: number): Ptr {
    const size = Math.ceil(bytes / 8) * 8;
    if (this.permanentLeft < size) {
      this.permanentLeft = Math.max(0x1_0000, Math.ceil(size / 4096) * 4096);
      this.permanentAt = this.pages.takePages(this.permanentLeft, 4096);
    }
    const at = this.permanentAt;
    this.permanentAt += size;
    this.permanentLeft -= size;
    return at;
  }

  private permanentAt: Ptr = 0;
  private permanentLeft = 0;

  /** Waits for what may or may not be a generator: for functions that only sometimes sleep. */
  *wait<T>(value: T | Sleepable<T>): Sleepable<T> {
    return isSleepable(value) ? yield* value as Sleepable<T> : (value as T);
  }

  /** Guest code that called the export being served: a return address. */
  get caller(): Ptr {
    return this.executor.current?.caller ?? 0;
  }

  /** Virtual time since boot in nanoseconds: the clock, and what was executed, by guest code or for it, since it was last set. */
  now(): number {
    this.clock.now += this.uncounted;
    this.countedInstructions = this.cpu.elapsed;
    return this.clock.now;
  }

  /** What was executed since the clock was last set. */
  private get uncounted(): number {
    return this.cpu.elapsed - this.countedInstructions;
  }

  private countedInstructions = 0;

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
    const end = (this.symbol('_end') + 4095) & ~4095;
    space.map(text, data - text, PAGE_KERNEL_RO);
    space.map(data, end - data, PAGE_KERNEL);
    space.map(VMEMMAP.start, VMEMMAP.size, PAGE_KERNEL);
  }
}
