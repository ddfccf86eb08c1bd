import { type CpuException, HOST_RETURN } from '../../cpu/cpu-types.js';
import { EndlessWork, GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import { Unimplemented } from '../../kernel/errors.js';
import { LOGLEVEL_ALERT, LOGLEVEL_ERR, LOGLEVEL_INFO, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { SlabAccesses } from '../../kernel/mm/bad-access.js';
import type { ExecutorHooks } from '../../kernel/task/executor.js';
import type { Task } from '../../kernel/task/task.js';
import type { ListFault } from '../abi/list.js';
import type { FaultKind } from '../errors.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { ModuleHistory } from '../kallsyms/module-history.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { TaintName } from '../kallsyms/taint.js';
import type { LinuxKernel } from '../kernel.js';
import { CUT_HERE } from '../warn.js';
import { AtomicChecks } from './atomic.js';
import { checkGiven, reportPoisoned } from './bad-access.js';
import { callTrace, moduleOf } from './call-trace.js';
import { breaksSmap, describe } from './describe.js';
import { applyFixup } from './fixup.js';
import { type Death, deathOf, lockup } from './host-error.js';
import { KernelTaint } from './kernel-taint.js';
import { blamedDeath, nativePart } from './native-part.js';
import { cpuLines, END_TRACE, modulesLine, registerDump, registerLines, traceLines } from './oops-text.js';
import type { FaultReport } from './report.js';
import { StuckTasks } from './stuck.js';
import { findBug, markDone } from './tables.js';

/** Reports that are kept: a fault in a loop says nothing new after so many. */
const MAX_REPORTS = 1000;
/** What does not end the task, and so may come again and again. */
const REPEATS: ReadonlySet<FaultKind> = new Set([
  'warning',
  'deadlock',
  'sleep-in-atomic',
  'lock-misuse',
  'preempt-imbalance',
  'double-free',
  'bad-free',
  'out-of-bounds',
  'use-after-free',
  'list-corruption',
  'refcount',
  'dma-misuse',
  'left-behind',
]);
/** Ticks of 200,000 instructions. */
const TICKS_BETWEEN_POLLS = 8;
const UD2_BYTES = 2;
/** Virtual time a task may run without giving up the CPU (watchdog_thresh, twice 10 s, and a sample more). */
const SOFT_LOCKUP_NS = 22e9;
const TICK_NS = 4e6;
/** Boot parameter that makes the real kernel check slab objects, and log what it finds. */
const SLUB_DEBUG = /(^| )slub_debug/;

const PAGE_FAULTS: ReadonlySet<FaultKind> = new Set([
  'null-dereference',
  'page-fault',
  'execute-fault',
  'write-protected',
]);

/** An export that guest code called and that this base kernel lacks. */
export interface UnimplementedCall {
  readonly symbol: string;
  readonly prototype: string;
  readonly caller: string;
  /** Why the target's own code does not run in its place, where its image is at hand. */
  readonly why?: string;
}

/** What a warning is: WARN() in the words of the log, unless told otherwise. */
interface WarnOptions {
  readonly kind?: FaultKind;
  readonly message?: string | undefined;
  /** What it taints the kernel with (WARN_TAINT()). */
  readonly taint?: TaintName;
}

/** Exceptions, oopses and warnings: what the kernel's traps.c, fault.c and panic.c do. */
export class Traps implements ExecutorHooks {
  readonly taint: KernelTaint;
  /** The first of what was found; `suppressed` counts the others. */
  readonly reports: FaultReport[] = [];
  suppressed = 0;
  readonly unimplemented: UnimplementedCall[] = [];
  /** Accesses to memory of the slab allocator that is none of guest code's business. */
  readonly slabAccesses: SlabAccesses;
  /** What CONFIG_DEBUG_LIST says of a corrupt list; set by who makes these checks. */
  explainList: (fault: ListFault) => { readonly line: number; readonly text: string } = () => ({
    line: 0,
    text: 'list corruption',
  });
  /** The device that a module's driver has to do with; set by who binds them. */
  deviceOf: (module: string) => string | undefined = () => undefined;
  private readonly atomic: AtomicChecks;
  private oopses = 0;

  /** Tasks that do not come to an end. */
  readonly stuck: StuckTasks;

  constructor(private readonly k: LinuxKernel) {
    this.stuck = new StuckTasks(k);
    this.atomic = new AtomicChecks(k);
    this.taint = new KernelTaint(k);
    this.slabAccesses = new SlabAccesses(k.space, k.slab, (address, serial) =>
      k.get(ModuleHistory).symbolize(address, serial),
    );
  }

  exception(task: Task, exception: CpuException): 'resume' | 'kill' {
    const { k } = this;
    const rip = k.space.fromAddress(k.cpu.rip);
    const module = k.get(Modules).moduleAt(rip) ?? (k.native?.covers(rip) ? k.native.tables : undefined);
    if (exception.poisoned !== undefined) {
      reportPoisoned(k, task, rip, exception);
      return 'resume';
    }
    const mends = module && !breaksSmap(k, exception);
    if (mends && applyFixup(k, module, rip, exception)) return 'resume';
    if (module && exception.vector === 'UD' && !exception.unimplemented) {
      const bug = findBug(k, module, rip);
      if (bug?.warning) {
        if (!bug.done) {
          if (bug.once) markDone(k, bug);
          this.warn(task, rip, bug.place, bug.noCutHere, { taint: bug.taint });
        }
        k.cpu.rip += BigInt(UD2_BYTES);
        return 'resume';
      }
      if (bug)
        return this.die(task, {
          kind: 'bug',
          head:
            bug.place === undefined
              ? `Kernel BUG at ${symbolize(k, rip)} [verbose debug info unavailable]`
              : `kernel BUG at ${bug.place}!`,
          lines: ['invalid opcode: 0000'],
          address: 0n,
          cutHere: true,
        });
    }
    return this.die(task, describe(k, task, exception));
  }

  /** The export being served is given memory to read or write: see checkGiven. */
  given(ptr: Ptr, bytes: number, access: 'read' | 'write'): void {
    checkGiven(this.k, ptr, bytes, access);
  }

  hostError(task: Task, error: unknown, name: string): void {
    const { k } = this;
    if (error instanceof Unimplemented) {
      const { symbol, prototype, why } = error;
      const caller = symbolize(k, task.caller);
      this.unimplemented.push({ symbol, prototype, caller, ...(why && { why }) });
    }
    this.die(task, deathOf(k, task, error, name));
  }

  tick(task: Task): 'resume' | 'yield' | 'kill' {
    const { k } = this;
    k.clock.now = (Math.floor(k.clock.now / TICK_NS) + 1) * TICK_NS;
    task.needsResched = true;
    const reason = k.interruption.poll(TICKS_BETWEEN_POLLS);
    if (reason) {
      this.stuck.stopped(task, reason);
      k.processes.preemptCount = 0;
      return 'kill';
    }
    if (k.clock.now - task.lastScheduled > SOFT_LOCKUP_NS) return this.die(task, lockup(k, task, []));
    this.serveInterrupts(task);
    return this.preemption.preempts(task) ? 'yield' : 'resume';
  }

  /** The preemption model: see sched/preemption.ts. */
  preemption: {
    /** Whether a tick takes the CPU from the task. */
    preempts(task: Task): boolean;
    /** Whether might_sleep() gives way to others. */
    readonly atMightSleep: boolean;
  } = { preempts: () => false, atMightSleep: true };

  /** Timers that are due run on top of the interrupted task, whose registers are kept, if it may be interrupted. */
  serveInterrupts(task: Task): void {
    const { k } = this;
    if (!k.cpu.interruptsEnabled || task.isInterrupt) return;
    const context = k.cpu.saveContext();
    k.scheduler.fireAlarms();
    k.scheduler.runInterrupts();
    k.cpu.loadContext(context);
  }

  /** Tasks that hold what the others wait for, in a circle: reported when the last of them begins to wait. */
  deadlock(address: Ptr, circle: readonly string[]): void {
    const { k } = this;
    const task = k.executor.current;
    if (!task) return;
    const message = `modbox: deadlock: ${circle.join(', ')}`;
    this.record(task, task.caller, 'deadlock', message, k.space.toAddress(address), callTrace(k, task));
  }

  /** A warning of the base kernel itself, or WARN() in a module. The task goes on. */
  warn(
    task: Task,
    rip: Ptr,
    place: string | undefined,
    noCutHere: boolean,
    { kind = 'warning', message, taint = 'WARN' }: WarnOptions = {},
  ): void {
    const { k } = this;
    const pid = k.processes.pid(task);
    const trace = callTrace(k, task);
    const head = `WARNING: CPU: 0 PID: ${pid} at ${place === undefined ? '' : `${place} `}${symbolize(k, rip)}`;
    if (!noCutHere) k.log.line(CUT_HERE, LOGLEVEL_WARNING);
    const lines = [
      head,
      modulesLine(k),
      ...cpuLines(k, task),
      ...registerLines(k, rip, 0n),
      ...traceLines(trace),
      END_TRACE,
    ];
    for (const line of lines) k.log.line(line, LOGLEVEL_WARNING);
    this.taint.add(taint, message ?? head, moduleOf(k, task, rip));
    this.record(task, rip, kind, message ?? head, k.space.toAddress(rip), trace);
  }

  /** WARN(1, message) of the base kernel itself, reported as `kind`. */
  warnWith(task: Task, kind: FaultKind, message: string, place: string, rip: Ptr): void {
    this.k.log.line(CUT_HERE, LOGLEVEL_WARNING);
    this.k.log.line(message, LOGLEVEL_WARNING);
    this.warn(task, rip, place, true, { kind, message });
  }

  /** Whether slub_debug= has the log say what is wrong with slab objects. */
  get debugsSlabs(): boolean {
    return SLUB_DEBUG.test(this.k.cmdline);
  }

  /** As slub_debug= makes the real kernel say it. */
  private logComplaint(message: string, details: readonly string[]): void {
    for (const line of ['='.repeat(77), message, '-'.repeat(77), ...details])
      this.k.log.line(line, LOGLEVEL_ERR);
    this.taint.addUnreliable('BAD_PAGE', message);
  }

  /** Reports a misuse that does not stop the task (a double free, a write out of bounds, ...). */
  complain(
    kind: FaultKind,
    message: string,
    address: Ptr,
    details: readonly string[] = [],
    culprit?: { readonly place: string; readonly module: string | undefined },
  ): void {
    const { k } = this;
    const task = k.executor.current;
    if (this.debugsSlabs) this.logComplaint(message, details);
    const trace = task ? callTrace(k, task) : [];
    // No module of the trace did it: whoever allocated or freed the memory is to blame.
    const late = culprit !== undefined && !trace.some((entry) => entry.endsWith(']'));
    if (late && culprit.module !== undefined) trace.unshift(culprit.place);
    const module = late ? culprit.module : undefined;
    this.record(task, task?.caller ?? 0, kind, message, k.space.toAddress(address), trace, module);
  }

  /** What a module that is being unloaded did not take away: it is reported, the log does not change. */
  leftBehind(module: LoadedModule, message: string, address: Ptr, fn: Ptr): void {
    const { k } = this;
    if (this.suppresses('left-behind')) return;
    this.add({
      kind: 'left-behind',
      message,
      address: k.space.toAddress(address),
      at: symbolize(k, fn),
      module: module.name,
      registers: {},
      trace: [],
    });
  }

  /** might_sleep(): see AtomicChecks. */
  mightSleep(file: string, line: number): void {
    this.atomic.mightSleep(file, line);
  }

  /** rtlock_might_resched(): see AtomicChecks. */
  mightLock(file: string, line: number): void {
    this.atomic.mightLock(file, line);
  }

  /** A task is about to wait for a lock of PREEMPT_RT: see AtomicChecks. */
  schedulingForLock(): void {
    this.atomic.schedulingForLock();
  }

  /** schedule() is about to be called: see AtomicChecks. */
  scheduling(): void {
    this.atomic.scheduling();
  }

  /** dump_stack(). Where the kernel dumps it because something is wrong, `message` says what, and it is reported. */
  dumpStack(message?: string): void {
    const task = this.k.executor.current;
    if (!task) return;
    if (message !== undefined)
      this.record(
        task,
        task.caller,
        'warning',
        message,
        this.k.space.toAddress(task.caller),
        callTrace(this.k, task),
      );
    for (const line of [...cpuLines(this.k, task), ...traceLines(callTrace(this.k, task))])
      this.k.log.line(line, LOGLEVEL_WARNING);
  }

  /**
   * Prints the oops, records it, and lets the task die. What is printed comes from memory that the module may have ruined:
   * then the kernel has no more to say than what happened first.
   */
  private die(task: Task, death: Death): 'kill' {
    const { k } = this;
    try {
      return this.oops(task, blamedDeath(k, task, death));
    } catch (error) {
      if (!(error instanceof GuestFault || error instanceof EndlessWork)) throw error;
      const { kind, head: message, address, taint = 'DIE' } = death;
      k.log.line('Fixing recursive fault but reboot is needed!', LOGLEVEL_ALERT);
      this.taint.add(taint, message, '');
      const at = `0x${k.cpu.rip.toString(16)}`;
      this.add({ kind, message, address, at, module: '', registers: registerDump(k), trace: [] });
      return 'kill';
    }
  }

  private oops(task: Task, death: Death): 'kill' {
    const { kind, head, lines, address, cutHere = false, taint = 'DIE', places = [], reason = head } = death;
    const { k } = this;
    const rip = k.space.fromAddress(k.cpu.rip);
    const number = ++this.oopses;
    const trace = callTrace(k, task);
    if (cutHere) k.log.line(CUT_HERE, LOGLEVEL_WARNING);
    const numbered = [head, ...lines].map((line) =>
      /: [0-9a-f]{4}$/.test(line) && !line.startsWith('BUG:')
        ? `${line} [#${number}]${preemptWord(k)} SMP NOPTI`
        : line,
    );
    for (const line of numbered) k.log.line(line, LOGLEVEL_ALERT);
    for (const line of [
      ...cpuLines(k, task),
      ...registerLines(k, rip, address),
      ...traceLines(trace),
      modulesLine(k),
      END_TRACE,
    ])
      k.log.line(line, LOGLEVEL_ALERT);
    this.taint.distrustLocks();
    this.taint.add(taint, head, moduleOf(k, task, rip));
    const preempt = k.processes.preemptCount;
    // A page fault is handled, and the task ended, with interrupts off.
    if (PAGE_FAULTS.has(kind) && !task.isInterrupt) {
      const comm = k.struct('task_struct').text(k.current, 'comm');
      k.log.line(`note: ${comm}[${k.processes.pid(task)}] exited with irqs disabled`, LOGLEVEL_INFO);
    }
    if (preempt !== 0 && !task.isInterrupt) {
      const comm = k.struct('task_struct').text(k.current, 'comm');
      k.log.line(
        `note: ${comm}[${k.processes.pid(task)}] exited with preempt_count ${preempt}`,
        LOGLEVEL_INFO,
      );
      k.processes.preemptCount = 0;
    }
    this.record(task, rip, kind, reason, address, [...places, ...trace]);
    return 'kill';
  }

  /** Whether a report is one too many: it is only counted then. */
  private suppresses(kind: FaultKind): boolean {
    if (this.reports.length < MAX_REPORTS || !REPEATS.has(kind)) return false;
    this.suppressed++;
    return true;
  }

  private add(found: FaultReport): void {
    const device = found.module === '' ? undefined : this.deviceOf(found.module);
    const report = device === undefined ? found : { ...found, device };
    this.reports.push(report);
    this.k.probes.faulted?.({ fault: report });
  }

  /** Adds to the list of reports. */
  record(
    task: Task | undefined,
    rip: Ptr,
    kind: FaultKind,
    message: string,
    address: bigint,
    trace: readonly string[],
    module?: string,
  ): void {
    const { k } = this;
    if (this.suppresses(kind)) return;
    // Guest code that ended in a jump to the base kernel: the function that was called stands for it.
    const tail = task && k.space.toAddress(rip) === HOST_RETURN;
    const at = symbolize(k, tail ? task.entry : rip);
    const known = [at, ...trace].some((entry) => entry.endsWith(']'));
    // A module's function that ended in a jump to one of the kernel is not on the stack any more.
    const jumped = task && !known && moduleOf(k, task, task.caller) !== '' ? [symbolize(k, task.caller)] : [];
    const native = nativePart(k, [at, ...trace]);
    this.add({
      kind,
      message,
      address,
      at,
      ...(native !== undefined && { native }),
      module: module ?? (task ? moduleOf(k, task, rip) : ''),
      registers: registerDump(k),
      trace: [...jumped, ...trace],
    });
  }
}

/** What an oops says of how the kernel is preempted. */
function preemptWord(k: LinuxKernel): string {
  if (k.configured('CONFIG_PREEMPT_RT')) return ' PREEMPT_RT';
  return k.configured('CONFIG_PREEMPTION') ? ' PREEMPT' : '';
}
