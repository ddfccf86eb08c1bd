import { MicrosoftX64 } from '../../conventions/microsoft-x64.js';
import { PAGE_KERNEL, PAGE_KERNEL_ROX } from '../../cpu/address-space.js';
import type { CpuException } from '../../cpu/cpu-types.js';
import { GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import type { ExportNames } from '../../kernel/abi/export-table.js';
import { BaseKernel } from '../../kernel/base-kernel.js';
import type { Sleepable, Value } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import { LOGLEVEL_ERR, LOGLEVEL_INFO } from '../../kernel/log.js';
import type { Allocation } from '../../kernel/mm/ledger.js';
import type { SlabPolicy } from '../../kernel/mm/slab.js';
import type { Task } from '../../kernel/task/task.js';
import { type Executable, readExecutable } from './format.js';
import { Functions } from './functions.js';
import { IMAGES, KERNEL, MINI_MAP, STACKS } from './memory-map.js';
import { MINI_TYPES } from './types.js';

/** What functions of this system answer: names, as a person reads them in a report. */
export const STATUS = { DONE: 0, NO_MEMORY: 1, NO_SUCH_FUNCTION: 2 } as const;
export type Status = keyof typeof STATUS;

const PAGE = 4096;
const MEMORY = 16 * 1024 * 1024;
const TICK_NS = 10e6;
/** Objects of four sizes, named by them. */
const POOLS: SlabPolicy = {
  sizes: [32, 128, 512, 2048],
  nameOf: (size) => `pool of ${size}`,
  alignOf: () => 32,
  fresh: 0xab,
  freed: 0xfe,
  zone: 0xfd,
};

interface MiniModuleEvent {
  readonly name: string;
  readonly state: 'live' | 'gone';
}

/** What a module did wrong, and where. */
export interface MiniReport {
  readonly what: string;
  readonly module: string;
  /** Offset in the module's image; -1 outside of it. */
  readonly offset: number;
}

export interface MiniModule extends Executable {
  readonly name: string;
  readonly base: Ptr;
  /** Mark of the ledger when it was loaded. */
  readonly mark: number;
}

/** No function has a place of its own: each gets one where modules first ask for it. */
const NAMES: ExportNames = {
  stubs: KERNEL.start + 0x1000,
  addressOf: () => undefined,
  signatureOf: () => undefined,
  unimplemented: (name) => new Unimplemented(name, ''),
};

/**
 * A base kernel in miniature, of a system that is none: its executables, its status names and its functions are its own, and it calls
 * by Microsoft's convention. Everything else is what all systems share.
 */
export class MiniKernel extends BaseKernel {
  readonly reports: MiniReport[] = [];
  readonly modules: MiniModule[] = [];
  /** What modules that are gone left allocated. */
  readonly left: Allocation[] = [];
  private readonly exits = new Set<(task: Task) => void>();
  private readonly watchers = new Set<(event: MiniModuleEvent) => void>();

  constructor() {
    super({
      types: MINI_TYPES,
      memoryMap: MINI_MAP,
      areas: STACKS,
      images: IMAGES,
      slab: POOLS,
      log: { recordBytes: 512, reserved: 0, defaultLevel: LOGLEVEL_INFO },
      convention: (cpu, space) => new MicrosoftX64(cpu, space),
      names: () => NAMES,
      bootTime: 0n,
      tick: TICK_NS,
      memoryBytes: MEMORY,
    });
    this.executor.hooks = {
      exception: (_task, exception) =>
        this.fault(exceptionText(exception), this.space.fromAddress(this.cpu.rip)),
      hostError: (task, error, name) => void this.fault(`${name}: ${errorText(error)}`, task.caller),
      tick: () => 'resume',
    };
    this.scheduler.hooks = {
      switchTo() {},
      switchFrom() {},
      ended: (task) => this.ended(task),
      deferred: () => false,
    };
    this.exports.define(this.get(Functions));
  }

  /** Loads an executable and runs its `start`; what it answered, or why it was not loaded. */
  load(name: string, file: Uint8Array): Status {
    const executable = readExecutable(file);
    const missing = executable.imports.find((symbol) => !this.exports.implemented(symbol));
    if (missing !== undefined) {
      this.log.line(`${name} wants ${missing}, which there is not`, LOGLEVEL_ERR);
      return 'NO_SUCH_FUNCTION';
    }
    const mark = this.ledger.mark;
    const base = this.moduleMemory.allocate(executable.image.length, 'module');
    if (base === 0) return 'NO_MEMORY';
    const { space } = this;
    space.bytes.set(executable.image, base);
    executable.imports.forEach((symbol, i) => {
      space.storePtr(base + 8 * i, this.fn(symbol));
    });
    const code = base + PAGE;
    space.protect(code, Math.ceil((executable.image.length - PAGE) / PAGE) * PAGE, PAGE_KERNEL_ROX);
    const module: MiniModule = { ...executable, name, base, mark };
    this.modules.push(module);
    this.tell({ name, state: 'live' });
    return this.run(name, base + executable.start);
  }

  /** Runs a module's `stop` and takes its memory back; what it left allocated. */
  unload(module: MiniModule): readonly Allocation[] {
    this.run(module.name, module.base + module.stop);
    this.scheduler.run(() => this.scheduler.tasks.size === 0, this.clock.now + 1e9);
    this.modules.splice(this.modules.indexOf(module), 1);
    this.space.protect(module.base, module.image.length - (module.image.length % PAGE), PAGE_KERNEL);
    this.moduleMemory.free(module.base);
    const left = this.ledger.since(module.mark).filter(({ kind }) => kind === 'slab');
    this.left.push(...left);
    this.tell({ name: module.name, state: 'gone' });
    return left;
  }

  onExit(listener: (task: Task) => void): void {
    this.exits.add(listener);
  }

  onModule(listener: (event: MiniModuleEvent) => void): () => void {
    this.watchers.add(listener);
    return () => void this.watchers.delete(listener);
  }

  private ended(task: Task): void {
    for (const listener of this.exits) listener(task);
  }

  private tell(event: MiniModuleEvent): void {
    for (const watcher of this.watchers) watcher(event);
  }

  /** Runs a function of a module in a task until that ends. */
  private run(name: string, fn: Ptr): Status {
    let status: number = STATUS.DONE;
    const call = this.callAs('i:', fn);
    const root = function* (): Sleepable<Value> {
      status = yield* call;
      return 0;
    };
    const task = this.scheduler.spawn(name, root());
    this.scheduler.run(() => task.ended);
    return (Object.keys(STATUS) as Status[]).find((known) => STATUS[known] === status) ?? 'DONE';
  }

  private fault(what: string, at: Ptr): 'kill' {
    const module = this.modules.find(({ base, image }) => at >= base && at < base + image.length);
    const report = { what, module: module?.name ?? '', offset: module ? at - module.base : -1 };
    this.reports.push(report);
    this.probes.faulted?.({ fault: { kind: 'fault', message: what, module: report.module } });
    return 'kill';
  }
}

function exceptionText({ vector, access, address }: CpuException): string {
  return address === undefined ? `#${vector}` : `#${vector}: ${access} at 0x${address.toString(16)}`;
}

function errorText(error: unknown): string {
  if (error instanceof GuestFault) return `${error.access} at 0x${error.address.toString(16)}`;
  return error instanceof Error ? error.message : String(error);
}
