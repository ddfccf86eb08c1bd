import { MicrosoftX64 } from '../../conventions/microsoft-x64.js';
import { AddressSpace, PAGE_KERNEL, PAGE_KERNEL_ROX } from '../../cpu/address-space.js';
import { Cpu } from '../../cpu/cpu.js';
import type { CpuException } from '../../cpu/cpu-types.js';
import { GuestFault } from '../../cpu/fault.js';
import { IMAGE, MODULES, type Ptr, VMALLOC } from '../../cpu/layout.js';
import { type AnyFunction, Gate } from '../../kernel/abi/gate.js';
import { GuestCalls } from '../../kernel/abi/guest-calls.js';
import { parseSignature } from '../../kernel/abi/signature.js';
import { Clock } from '../../kernel/clock.js';
import { block, type Sleepable, type Value } from '../../kernel/effects.js';
import { KernelLog, LOGLEVEL_ERR, LOGLEVEL_INFO } from '../../kernel/log.js';
import { MemoryBudget } from '../../kernel/mm/budget.js';
import { type Allocation, Ledger } from '../../kernel/mm/ledger.js';
import { PageAllocator } from '../../kernel/mm/page-allocator.js';
import { Slab } from '../../kernel/mm/slab.js';
import { AreaAllocator } from '../../kernel/mm/vmalloc.js';
import { Random } from '../../kernel/random.js';
import { Executor } from '../../kernel/task/executor.js';
import { Scheduler } from '../../kernel/task/scheduler.js';
import { type Executable, readExecutable } from './format.js';

/** What functions of this system answer: names, as a person reads them in a report. */
export const STATUS = { DONE: 0, NO_MEMORY: 1, NO_SUCH_FUNCTION: 2 } as const;
export type Status = keyof typeof STATUS;

const PAGE = 4096;
const MEMORY = 16 * 1024 * 1024;
const NS_PER_MS = 1e6;
const TICK_NS = 10 * NS_PER_MS;
/** Where functions of the kernel are for guest code, and how far apart. */
const FUNCTIONS = IMAGE.start + 0x1000;
const FUNCTION_BYTES = 16;

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

/**
 * A base kernel in miniature, of a system that is none: its executables, its status names and its functions are its own, and it calls
 * by Microsoft's convention. Everything else is what all systems share, put together as a new one would.
 */
export class MiniKernel {
  readonly reports: MiniReport[] = [];
  readonly modules: MiniModule[] = [];
  readonly log: KernelLog;
  private readonly space = new AddressSpace();
  private readonly cpu = new Cpu(this.space);
  private readonly clock = new Clock(0n, TICK_NS);
  private readonly ledger = new Ledger();
  private readonly budget = new MemoryBudget(MEMORY);
  private readonly pages = new PageAllocator(this.space, this.ledger, this.budget);
  private readonly slab = new Slab(this.space, this.pages, this.ledger);
  private readonly stacks = new AreaAllocator(this.space, this.ledger, VMALLOC, this.budget);
  private readonly images = new AreaAllocator(this.space, this.ledger, MODULES, this.budget);
  private readonly convention = new MicrosoftX64(this.cpu, this.space);
  private readonly executor: Executor;
  private readonly scheduler: Scheduler;
  private readonly calls: GuestCalls;
  private readonly functions = new Map<string, Ptr>();
  private readonly bound = new Map<Ptr, AnyFunction>();

  constructor() {
    this.log = new KernelLog(() => this.clock.now);
    this.executor = new Executor(this.cpu, this.space, this.convention, {
      exception: (_task, exception) =>
        this.fault(exceptionText(exception), this.space.fromAddress(this.cpu.rip)),
      hostError: (task, error, name) => void this.fault(`${name}: ${errorText(error)}`, task.caller),
      tick: () => 'resume',
    });
    const quiet = { switchTo() {}, switchFrom() {}, ended() {}, deferred: () => false };
    this.scheduler = new Scheduler(
      this.cpu,
      this.clock,
      this.convention,
      this.executor,
      this.stacks,
      new Random(1),
      false,
      quiet,
      () => {},
    );
    this.ledger.caller = () => this.executor.current?.caller ?? 0;
    this.calls = new GuestCalls(this.cpu, this.convention, this.space, (fn) => this.bound.get(fn));
    this.exportFunctions();
  }

  /** Loads an executable and runs its `start`; what it answered, or why it was not loaded. */
  load(name: string, file: Uint8Array): Status {
    const executable = readExecutable(file);
    const missing = executable.imports.find((symbol) => !this.functions.has(symbol));
    if (missing !== undefined) {
      this.log.line(`${name} wants ${missing}, which there is not`, LOGLEVEL_ERR);
      return 'NO_SUCH_FUNCTION';
    }
    const mark = this.ledger.mark;
    const base = this.images.allocate(executable.image.length, 'module');
    if (base === 0) return 'NO_MEMORY';
    const { space } = this;
    space.bytes.set(executable.image, base);
    executable.imports.forEach((symbol, i) => {
      space.storePtr(base + 8 * i, this.functions.get(symbol)!);
    });
    const code = base + PAGE;
    space.protect(code, Math.ceil((executable.image.length - PAGE) / PAGE) * PAGE, PAGE_KERNEL_ROX);
    const module: MiniModule = { ...executable, name, base, mark };
    this.modules.push(module);
    return this.run(name, base + executable.start);
  }

  /** Runs a module's `stop` and takes its memory back; what it left allocated. */
  unload(module: MiniModule): readonly Allocation[] {
    this.run(module.name, module.base + module.stop);
    this.scheduler.run(() => this.scheduler.tasks.size === 0, this.clock.now + 1e9);
    this.modules.splice(this.modules.indexOf(module), 1);
    this.space.protect(module.base, module.image.length - (module.image.length % PAGE), PAGE_KERNEL);
    this.images.free(module.base);
    return this.ledger.since(module.mark).filter(({ kind }) => kind === 'slab');
  }

  /** Runs a function of a module in a task until that ends. */
  private run(name: string, fn: Ptr): Status {
    let status: number = STATUS.DONE;
    const { calls } = this;
    const root = function* (): Sleepable<Value> {
      status = yield* calls.call(fn, parseSignature('i:'), []);
      return 0;
    };
    const task = this.scheduler.spawn(name, root());
    this.scheduler.run(() => task.ended);
    return (Object.keys(STATUS) as Status[]).find((known) => STATUS[known] === status) ?? 'DONE';
  }

  /** The functions that modules may call, with the signatures that are their only prototypes. */
  private exportFunctions(): void {
    const { space, slab, scheduler, calls, log } = this;
    const gate = new Gate(this.convention);
    const define = (name: string, signature: string, fn: AnyFunction): void => {
      const address = FUNCTIONS + FUNCTION_BYTES * this.functions.size;
      this.functions.set(name, address);
      this.bound.set(address, fn);
      const parsed = parseSignature(signature);
      this.executor.bind(address, name, gate.invoker(parsed, fn), gate.finisher(parsed, name));
    };
    define('Print', 'v:p', (text: Ptr) => log.line(space.cstring(text), LOGLEVEL_INFO));
    define('PrintNumbers', 'v:i.', (count: number) => {
      const args = this.convention.varargs(parseSignature('v:i').params);
      log.line(Array.from({ length: count }, () => args.nextInt()).join(' '), LOGLEVEL_INFO);
    });
    define('Allocate', 'p:L', (bytes: number) => slab.kmalloc(bytes, true, true));
    define('Free', 'v:p', (ptr: Ptr) => void slab.free(ptr));
    define('Sleep', 'v:u', (ms: number) => this.sleep(ms));
    define('StartTask', 'v:pp', (fn: Ptr, argument: Ptr) => {
      const body = function* (): Sleepable<Value> {
        yield* calls.call(fn, parseSignature('v:p'), [argument]);
        return 0;
      };
      scheduler.spawn('task', body());
    });
  }

  private *sleep(ms: number): Sleepable<void> {
    const { clock, scheduler } = this;
    const task = this.executor.current!;
    clock.arm(clock.now + ms * NS_PER_MS, () => void scheduler.wake(task));
    yield* block();
  }

  private fault(what: string, at: Ptr): 'kill' {
    const module = this.modules.find(({ base, image }) => at >= base && at < base + image.length);
    this.reports.push({ what, module: module?.name ?? '', offset: module ? at - module.base : -1 });
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
