import { SystemV } from '../conventions/system-v.js';
import type { Platform } from '../cpu/cpu-types.js';
import { GuestFault } from '../cpu/fault.js';
import type { Ptr } from '../cpu/layout.js';
import type { Btf } from '../formats/btf/index.js';
import type { Argument } from '../kernel/abi/guest-calls.js';
import { BaseKernel, type BaseKernelOptions } from '../kernel/base-kernel.js';
import type { Sleepable } from '../kernel/effects.js';
import { type FileTree as Files, FileTree, type HostTree } from '../kernel/files/index.js';
import { type Holder, type Holding, Origins } from '../kernel/modules/holding.js';
import { bareMachine } from '../kernel/pc/platform.js';
import { type FreebsdTarget, lacking } from '../target/index.js';
import { FILE_ERRORS } from './errno.js';
import { TargetNames } from './export-names.js';
import { HZ } from './kern/hz.js';
import { MALLOC_ZONES } from './kern/malloc-zones.js';
import { MSGBUF } from './kern/msgbuf-policy.js';
import { Panic } from './kern/panic.js';
import { Processes } from './kern/processes.js';
import { Trap } from './kern/trap.js';
import { IMAGE, KVA, MEMORY_MAP, MODULES } from './memory-map.js';
import type { Subsystem } from './subsystem.js';
import { SUBSYSTEMS } from './subsystems.js';
import { Variables } from './variables.js';

export interface KernelOptions extends BaseKernelOptions {
  /** The kernel's environment: what loader.conf and loader.prompt set (kenv(1)). */
  readonly environment?: ReadonlyMap<string, string>;
  /** CLOCK_REALTIME at boot, nanoseconds since 1970. */
  readonly bootTime?: bigint;
  readonly platform?: Partial<Platform>;
  /** Files below the machine's own; without it the root is empty. Never written to. */
  readonly files?: HostTree;
  /** Bytes that the machine has: 512 MiB where nothing is said. */
  readonly memoryBytes?: number;
}

/** 2026-01-01T00:00:00Z: a fixed start, so that runs can be compared. */
const DEFAULT_BOOT_TIME = 1_767_225_600_000_000_000n;
const DEFAULT_MEMORY = 512 * 1024 * 1024;

/** What a holder keeps, as far as its lists can be followed: a module may have ruined them. */
function* readable(holder: Partial<Holder>): Generator<Holding> {
  try {
    if (holder.holds) yield* holder.holds();
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
  }
}

/** The FreeBSD base kernel: the shared machinery of src/kernel put together for one target, and the subsystems on top. */
export class FreebsdKernel extends BaseKernel<Btf, Subsystem> {
  readonly trap: Trap;
  readonly processes: Processes;
  readonly files: Files;
  readonly environment: Map<string, string>;
  readonly variables: Variables;
  /** Who registered what. */
  readonly origins = new Origins(this);
  private readonly filled = new Set<string>();

  constructor(
    readonly target: FreebsdTarget,
    options: KernelOptions = {},
  ) {
    super(
      {
        types: target.types,
        memoryMap: MEMORY_MAP,
        areas: KVA,
        images: MODULES,
        slab: MALLOC_ZONES,
        log: MSGBUF,
        convention: (cpu, space) => new SystemV(cpu, space),
        names: (_space, convention) => new TargetNames(target, convention),
        platform: ({ space, random, now }) => ({
          ...bareMachine(random, now, (on) => {
            space.writeProtect = on;
          }),
          ...options.platform,
        }),
        bootTime: options.bootTime ?? DEFAULT_BOOT_TIME,
        tick: 1e9 / HZ,
        memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY,
      },
      options,
    );
    this.environment = new Map(options.environment);
    this.files = new FileTree(FILE_ERRORS, options.files);
    this.variables = new Variables(this.space);
    this.processes = new Processes(this);
    this.trap = new Trap(this);
    this.executor.hooks = this.trap;
    this.scheduler.hooks = this.processes;
    this.bootSubsystems();
  }

  private bootSubsystems(): void {
    for (const type of SUBSYSTEMS) this.exports.define(this.get<Subsystem>(type));
    for (const part of this.parts.values())
      for (const name of Object.keys(part.data ?? {})) this.filled.add(name);
    this.processes.boot();
    for (const part of [...this.parts.values()])
      for (const [name, fill] of Object.entries(part.data ?? {})) fill(this.variable(name));
    for (const type of SUBSYSTEMS) this.get<Subsystem>(type).boot?.();
  }

  /**
   * As BaseKernel's. Who asked the function that calls is who asked before: a thread of the kernel's own that has called a module is not
   * the module from then on.
   */
  override *callAs(signature: string, fn: Ptr, ...args: Argument[]): Sleepable<number> {
    const task = this.executor.current;
    const caller = task?.caller ?? 0;
    const result = yield* super.callAs(signature, fn, ...args);
    if (task) task.caller = caller;
    return result;
  }

  /** Modules that can be depended on without a file. */
  get builtinModules(): readonly { readonly name: string; readonly version: number }[] {
    const own = [...this.parts.values()].flatMap(({ modules }) => modules ?? []);
    return [...this.target.builtinModules, ...own];
  }

  /** All that the kernel keeps for somebody who has to take it back. */
  *holdings(): Generator<Holding> {
    for (const part of this.parts.values()) yield* readable(part);
  }

  /** A number that a macro of the kernel's headers stands for. Throws TargetError for one that the target has not. */
  macro(name: string): number {
    const value = this.target.macros.get(name);
    if (value === undefined) throw lacking(this.target.name, `macro ${name}`);
    return Number(value);
  }

  /** The address of a variable of the kernel that is there, or is made so now: zeroed, of its type's size. */
  variable(name: string, bytes = this.target.exports.get(name)?.size ?? 0): Ptr {
    return this.variables.place(name, bytes);
  }

  /** The address of what this base kernel has under a name: a function that is implemented, a variable that is set. */
  provided(name: string): Ptr | undefined {
    const symbol = this.target.exports.get(name);
    // What is part of this base kernel is so in kernels that are configured with it.
    if (!symbol) return this.exports.exported.has(name) ? this.fn(name) : undefined;
    if (this.exports.implemented(name)) return this.fn(name);
    for (const provider of this.providers) {
      const at = provider(name);
      if (at !== undefined) return at;
    }
    return this.filled.has(name) || this.variables.find(name) !== undefined ? this.variable(name) : undefined;
  }

  /**
   * The address that modules are linked to: undefined where the kernel has no such symbol. Functions that nobody implements stop their
   * callers; variables that no subsystem sets are where no memory is.
   */
  exported(name: string): Ptr | undefined {
    const provided = this.provided(name);
    if (provided !== undefined) return provided;
    const symbol = this.target.exports.get(name);
    if (!symbol) return undefined;
    return symbol.kind === 'function' ? this.fn(name) : this.variables.placeAbsent(name, symbol.size);
  }

  /** Who makes variables of a kind when they are first linked to: undefined for those that it does not know. */
  readonly providers: ((name: string) => Ptr | undefined)[] = [];

  /** curthread. */
  get curthread(): Ptr {
    return this.processes.curthread;
  }

  /** panic(9). */
  panic(message: string): never {
    throw new Panic(message);
  }

  /** Where kernel code may be: functions of its own, and modules. */
  isKernelCode(at: Ptr): boolean {
    return (
      (at >= IMAGE.start && at < IMAGE.start + IMAGE.size) ||
      (at >= MODULES.start && at < MODULES.start + MODULES.size)
    );
  }
}
