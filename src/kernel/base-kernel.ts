import { AddressSpace } from '../cpu/address-space.js';
import { Cpu } from '../cpu/cpu.js';
import type { CpuContract, Platform } from '../cpu/cpu-types.js';
import type { Ptr, Region } from '../cpu/layout.js';
import type { MemoryMap } from '../cpu/memory-map.js';
import type { TranslationStore } from '../cpu/runtime/code-cache.js';
import type { CTypes } from './abi/c-types.js';
import type { Convention } from './abi/convention.js';
import { type ExportNames, type ExportSource, ExportTable } from './abi/export-table.js';
import { Gate } from './abi/gate.js';
import { type Argument, GuestCalls } from './abi/guest-calls.js';
import { parseSignature, type Signature, signatureFromTypes } from './abi/signature.js';
import { type MemberFunctions, StructType } from './abi/struct.js';
import { Clock } from './clock.js';
import { isSleepable, type Sleepable } from './effects.js';
import { KernelLog, type LogPolicy } from './log.js';
import { AreaAllocator } from './mm/area-allocator.js';
import { MemoryBudget } from './mm/budget.js';
import { Ledger } from './mm/ledger.js';
import { PageAllocator } from './mm/page-allocator.js';
import { Slab, type SlabPolicy } from './mm/slab.js';
import { Probes } from './probes.js';
import { Random } from './random.js';
import { Executor } from './task/executor.js';
import { type Interruption, InterruptionPoint } from './task/interruption.js';
import { Scheduler } from './task/scheduler.js';

/** What is a system's own of the machinery that all share. */
export interface SystemParts<Types extends CTypes> {
  readonly types: Types;
  readonly memoryMap: MemoryMap;
  /** Regions of the map that areas of pages (stacks among them) and images of modules are taken from. */
  readonly areas: Region;
  readonly images: Region;
  readonly slab: SlabPolicy;
  readonly log: LogPolicy;
  readonly convention: (cpu: CpuContract, space: AddressSpace) => Convention;
  readonly names: (space: AddressSpace, convention: Convention) => ExportNames;
  /** What the processor asks its surroundings. */
  readonly platform?: (surroundings: Surroundings) => Partial<Platform>;
  /** Wall clock at boot, nanoseconds since 1970. */
  readonly bootTime: bigint;
  /** Nanoseconds between two ticks. */
  readonly tick: number;
  /** Bytes that the machine has. */
  readonly memoryBytes: number;
}

/** What of a kernel is there when its processor is made. */
export interface Surroundings {
  readonly space: AddressSpace;
  readonly clock: Clock;
  readonly random: Random;
  /** Virtual time since boot, nanoseconds: not before the kernel is made. */
  readonly now: () => number;
}

/** What whoever boots a kernel decides. */
export interface BaseKernelOptions {
  /** Decides interleavings and every random number; 0 schedules first come, first served. */
  readonly seed?: number;
  /** Asked every few milliseconds while a command runs: a reason to stop it. */
  readonly interrupt?: () => Interruption | undefined;
  /** Instructions, or as much work of the base kernel, that a command may take before it is stopped. */
  readonly workLimit?: number;
  /** What a kernel that is no longer needed has given back: see AddressSpace.release. */
  readonly memory?: WebAssembly.Memory;
  /** Keeps translations of guest code between processes. */
  readonly translations?: TranslationStore;
}

/** Some ten seconds of a processor. */
const WORK_LIMIT = 4e9;
/** What an access of the base kernel to guest memory takes longer than an instruction, in instructions. */
const ACCESS_WORK = 6;
/** What a line of the log costs, in instructions: it is written to a console. */
const LINE_COST = 2000;
/** Bytes of memory that is never freed which are taken at once. */
const PERMANENT_CHUNK = 0x1_0000;

/**
 * What every base kernel is made of: memory, a processor, tasks, time, a log, and functions that guest code may call, put together
 * for one system. Systems derive from it. They set `executor.hooks` and `scheduler.hooks` before a task runs.
 */
export class BaseKernel<Types extends CTypes = CTypes, Part extends ExportSource = ExportSource> {
  readonly types: Types;
  readonly space: AddressSpace;
  readonly cpu: Cpu;
  readonly clock: Clock;
  readonly log: KernelLog;
  readonly random: Random;
  /** What happens in the machine, for whoever subscribes. */
  readonly probes: Probes;
  readonly ledger: Ledger;
  /** Memory that the machine has. */
  readonly budget: MemoryBudget;
  readonly pages: PageAllocator;
  readonly slab: Slab;
  /** Memory that is mapped page by page: tasks' stacks, and large allocations. */
  readonly areas: AreaAllocator;
  readonly moduleMemory: AreaAllocator;
  /** How functions of the system call each other. */
  readonly convention: Convention;
  readonly executor: Executor;
  readonly scheduler: Scheduler;
  readonly exports: ExportTable;
  readonly calls: GuestCalls;
  readonly interruption: InterruptionPoint;
  protected readonly parts = new Map<unknown, Part>();
  private readonly structs = new Map<string, StructType>();
  private readonly enums = new Map<string, number>();
  private readonly strings = new Map<string, Ptr>();
  private readonly signatures = new Map<string, Signature>();

  constructor(system: SystemParts<Types>, options: BaseKernelOptions = {}) {
    const seed = options.seed ?? 0;
    const space = new AddressSpace(system.memoryMap, options.memory);
    this.types = system.types;
    this.space = space;
    this.clock = new Clock(system.bootTime, system.tick);
    this.random = new Random(seed);
    const { clock, random } = this;
    const now = (): number => this.now();
    const platform = system.platform?.({ space, clock, random, now });
    const { translations } = options;
    const cpu = new Cpu(space, { ...(platform && { platform }), ...(translations && { translations }) });
    this.cpu = cpu;
    this.interruption = new InterruptionPoint(
      () => cpu.elapsed + ACCESS_WORK * space.accesses,
      options.workLimit ?? WORK_LIMIT,
      options.interrupt ?? (() => undefined),
    );
    this.log = new KernelLog(
      system.log,
      () => this.clock.now,
      () => this.executor.current?.id ?? 0,
    );
    this.probes = new Probes(
      space,
      () => this.clock.now + this.uncounted,
      () => this.executor.current,
    );
    this.ledger = new Ledger(this.probes);
    this.budget = new MemoryBudget(system.memoryBytes, () => cpu.elapsed);
    this.pages = new PageAllocator(space, this.ledger, this.budget);
    this.slab = new Slab(space, this.pages, this.ledger, system.slab);
    this.areas = new AreaAllocator(space, this.ledger, system.areas, this.budget);
    this.moduleMemory = new AreaAllocator(space, this.ledger, system.images, this.budget);
    this.convention = system.convention(cpu, space);
    this.executor = new Executor(cpu, space, this.convention, this.probes);
    this.log.onRecord(() => this.executor.charge(LINE_COST));
    this.scheduler = new Scheduler(
      cpu,
      this.clock,
      this.convention,
      this.executor,
      this.areas,
      this.random,
      seed !== 0,
      () => void this.now(),
      this.probes,
    );
    this.ledger.caller = () => this.executor.current?.caller ?? 0;
    this.exports = new ExportTable(
      system.names(space, this.convention),
      this.executor,
      new Gate(this.convention),
    );
    this.calls = new GuestCalls(cpu, this.convention, space, (fn) => this.exports.functionAt(fn));
  }

  /** What the processor asks its surroundings. */
  get platform(): Platform {
    return this.cpu.platform;
  }

  /** The kernel's one instance of a part of it, which is made when it is first asked for. */
  get<T extends Part>(part: new (k: this) => T): T {
    const known = this.parts.get(part);
    if (known) return known as T;
    const made = this.make(part);
    this.parts.set(part, made);
    return made;
  }

  protected make<T extends Part>(part: new (k: this) => T): T {
    return new part(this);
  }

  /** A struct type of the system: see StructType. */
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
    signature: (type) => signatureFromTypes(this.types, type, this.convention),
    address: (name, signature, fn) => this.exports.hostFunction(name, signature, fn),
  };

  /**
   * Calls a function pointer that is no struct's member: `signature` as parseSignature has it, or the name of a typedef of the
   * system (`work_func_t`). Arguments and result: see GuestCalls.call.
   */
  *callAs(signature: string, fn: Ptr, ...args: Argument[]): Sleepable<number> {
    return yield* this.calls.call(fn, this.signatureNamed(signature), args);
  }

  private signatureNamed(text: string): Signature {
    let signature = this.signatures.get(text);
    if (!signature) {
      const found = text.includes(':')
        ? parseSignature(text)
        : signatureFromTypes(this.types, this.types.type(text), this.convention);
      if (!found) throw new TypeError(`${text} is no type of a function`);
      signature = found;
      this.signatures.set(text, signature);
    }
    return signature;
  }

  /** sizeof a type of the system. */
  sizeOf(name: string): number {
    return this.types.sizeOf(name);
  }

  /** The value of an enumerator of the system. */
  enumValue(name: string): number {
    let value = this.enums.get(name);
    if (value === undefined) {
      value = this.types.enumValue(name);
      this.enums.set(name, value);
    }
    return value;
  }

  /** Address that guest code calls for a function of the base kernel. */
  fn(name: string): Ptr {
    return this.exports.address(name);
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
      this.permanentLeft = Math.max(PERMANENT_CHUNK, Math.ceil(size / 4096) * 4096);
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
}
