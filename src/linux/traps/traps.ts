import { type CpuException, HOST_RETURN } from '../../cpu/cpu-types.js';
import { EndlessWork, GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import { OutOfMemory } from '../../kernel/errors.js';
import type { ExecutorHooks } from '../../kernel/task/executor.js';
import type { Task } from '../../kernel/task/task.js';
import { ListFault } from '../abi/list.js';
import { type FaultKind, Oops, Unimplemented } from '../errors.js';
import { describeInterruption, type Interruption } from '../interruption.js';
import type { LinuxKernel } from '../kernel.js';
import { ListDebug } from '../lib/lists/list-debug.js';
import type { LoadedModule } from '../module/loaded-module.js';
import { Modules } from '../module/modules.js';
import { AtomicChecks } from './atomic.js';
import { checkGiven, reportPoisoned } from './bad-access.js';
import { callTrace, moduleOf } from './call-trace.js';
import { describe } from './describe.js';
import { applyFixup } from './fixup.js';
import { describeInternal, isStackOverflow } from './internal-error.js';
import { KernelTaint } from './kernel-taint.js';
import {
  CUT_HERE,
  cpuLines,
  END_TRACE,
  modulesLine,
  registerDump,
  registerLines,
  traceLines,
} from './oops-text.js';
import type { FaultReport } from './report.js';
import { symbolize } from './symbolize.js';
import { findBug, markDone } from './tables.js';
import type { TaintName } from './taint.js';
import { waitOf } from './wait-of.js';

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
  'left-behind',
]);
/** What is nearer to NULL than this is a member of a structure that is not there. */
const NULL_PAGES = 0x1_0000n;
/** Ticks of 200,000 instructions. */
const TICKS_BETWEEN_POLLS = 8;
const KIND_OF = { timeout: 'timeout', work: 'endless', 'host-memory': 'out-of-memory' } as const;
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
}

/** What a warning is: WARN() in the words of the log, unless told otherwise. */
export interface WarnOptions {
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
  private readonly atomic: AtomicChecks;
  private oopses = 0;

  constructor(private readonly k: LinuxKernel) {
    this.atomic = new AtomicChecks(k);
    this.taint = new KernelTaint(k);
  }

  exception(task: Task, exception: CpuException): 'resume' | 'kill' {
    const { k } = this;
    const rip = k.space.fromAddress(k.cpu.rip);
    const module = k.get(Modules).moduleAt(rip);
    if (exception.poisoned !== undefined) {
      reportPoisoned(k, task, rip, exception);
      return 'resume';
    }
    if (module && applyFixup(k, module, rip, exception)) return 'resume';
    if (module && exception.vector === 'UD' && !exception.unimplemented) {
      const bug = findBug(k, module, rip);
      if (bug?.warning) {
        if (!bug.done) {
          if (bug.once) markDone(k, bug);
          this.warn(task, rip, `${bug.file}:${bug.line}`, bug.noCutHere, { taint: bug.taint });
        }
        k.cpu.rip += BigInt(UD2_BYTES);
        return 'resume';
      }
      if (bug)
        return this.die(
          task,
          'bug',
          `kernel BUG at ${bug.file}:${bug.line}!`,
          ['invalid opcode: 0000'],
          0n,
          true,
        );
    }
    const { kind, head, lines, address } = describe(k, task, exception);
    return this.die(task, kind, head, lines, address, false);
  }

  /** The export being served is given memory to read or write: see checkGiven. */
  given(ptr: Ptr, bytes: number, access: 'read' | 'write'): void {
    checkGiven(this.k, ptr, bytes, access);
  }

  hostError(task: Task, error: unknown, name: string): void {
    const { k } = this;
    if (error instanceof Unimplemented) {
      const caller = symbolize(k, task.caller);
      this.unimplemented.push({ symbol: error.symbol, prototype: error.prototype, caller });
      const message = `modbox: ${error.symbol} is not implemented${error.prototype && `: ${error.prototype}`}`;
      this.die(
        task,
        'unimplemented-export',
        message,
        [`called from ${caller}`],
        k.space.toAddress(task.caller),
        false,
      );
      return;
    }
    if (error instanceof GuestFault && error.address < NULL_PAGES && k.budget.justRefused) {
      this.outOfMemory(task, `${name} got no memory for what it had to make`);
      return;
    }
    if (error instanceof GuestFault) {
      const exception: CpuException = { vector: 'PF', address: error.address, access: error.access };
      const { kind, head, lines } = describe(k, task, exception);
      this.die(task, kind, head, [...lines, `in ${name}`], error.address, false);
      return;
    }
    if (error instanceof ListFault) {
      const { line, text } = k.get(ListDebug).explain(error);
      k.log.line(text, 3);
      const head = `kernel BUG at lib/list_debug.c:${line}!`;
      this.die(task, 'list-corruption', head, ['invalid opcode: 0000'], k.space.toAddress(error.entry), true);
      return;
    }
    if (error instanceof Oops) {
      // BUG() is an invalid instruction; a panic is not.
      const bug = error.message.startsWith('kernel BUG at');
      const lines = bug ? ['invalid opcode: 0000'] : [];
      this.die(
        task,
        error.kind,
        error.message,
        lines,
        k.space.toAddress(error.address),
        error.kind !== 'panic' && error.kind !== 'stack-corruption',
      );
      return;
    }
    if (error instanceof EndlessWork) {
      this.lockedUp(task, [`in ${name}: ${error.message}`]);
      return;
    }
    if (error instanceof OutOfMemory) {
      this.outOfMemory(task, error.message);
      return;
    }
    if (isStackOverflow(error)) {
      const head = `BUG: TASK stack guard page was hit: ${name} calls itself without end`;
      this.die(
        task,
        'stack-overflow',
        head,
        ['stack guard page: 0000'],
        k.space.toAddress(task.caller),
        false,
      );
      return;
    }
    this.internalError(task, error, name);
  }

  /** A fault of modbox, not of the module: one line in the log, the places in the report. */
  private internalError(task: Task, error: unknown, name: string): void {
    const { message, places } = describeInternal(error);
    const head = `modbox: internal error in ${name}: ${message}; this is a fault of modbox: please report it with this log`;
    this.die(task, 'internal', head, [], 0n, false);
    const report = this.reports.at(-1);
    if (report) this.reports[this.reports.length - 1] = { ...report, trace: [...places, ...report.trace] };
  }

  /** What the OOM killer says of whom it kills (mm/oom_kill.c). */
  private outOfMemory(task: Task, reason: string): 'kill' {
    const who = `${this.k.processes.pid(task)} (${task.name})`;
    return this.die(task, 'out-of-memory', `Out of memory: Killed process ${who}`, [reason], 0n, false);
  }

  private lockedUp(task: Task, lines: readonly string[]): 'kill' {
    const { k } = this;
    const comm = k.struct('task_struct').text(k.current, 'comm');
    const stuck = task.isInterrupt
      ? 'NMI watchdog: Watchdog detected hard LOCKUP on cpu 0'
      : `watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [${comm}:${k.processes.pid(task)}]`;
    return this.die(task, 'soft-lockup', stuck, lines, k.cpu.rip, false, 'SOFTLOCKUP');
  }

  tick(task: Task): 'resume' | 'yield' | 'kill' {
    const { k } = this;
    k.clock.now = (Math.floor(k.clock.now / TICK_NS) + 1) * TICK_NS;
    task.needsResched = true;
    const reason = k.interruption.poll(TICKS_BETWEEN_POLLS);
    if (reason) return this.stop(task, reason);
    if (k.clock.now - task.lastScheduled > SOFT_LOCKUP_NS) return this.lockedUp(task, []);
    this.serveInterrupts(task);
    return 'resume';
  }

  /** A task that runs while the command is stopped ends without an oops: it may have done nothing wrong. */
  private stop(task: Task, reason: Interruption): 'kill' {
    const { k } = this;
    const message = describeInterruption(reason, task.name, k.interruption.workLimit);
    const trace = callTrace(k, task);
    const address = k.cpu.rip;
    if (reason !== 'interrupted')
      this.record(task, k.space.fromAddress(address), KIND_OF[reason], message, address, trace);
    k.processes.preemptCount = 0;
    return 'kill';
  }

  /** Timers that are due run on top of the interrupted task, whose registers are kept, if it may be interrupted. */
  serveInterrupts(task: Task): void {
    const { k } = this;
    if (!k.cpu.interruptsEnabled || task.isInterrupt) return;
    const context = k.cpu.saveContext();
    k.scheduler.fireAlarms();
    k.scheduler.runInterrupts();
    k.cpu.loadContext(context);
  }

  /** A task sleeps and nothing is left that could wake it: what the hung task detector says, once a task. */
  hung(task: Task): void {
    const { k } = this;
    if (this.knownHung.has(task)) return;
    this.knownHung.add(task);
    const pid = k.processes.pid(task);
    const message = `INFO: task ${task.name}:${pid} blocked for more than 120 seconds.`;
    const version = /(?:Not tainted|Tainted: ).*$/.exec(cpuLines(k, task)[0])?.[0];
    this.withContext(task, () => {
      const trace = callTrace(k, task);
      for (const line of [
        message,
        `      ${version ?? this.taint.print()}`,
        '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
        `task:${task.name.padEnd(15)} state:D stack:0     pid:${String(pid).padEnd(5)} ppid:2      flags:0x00004000`,
        ...traceLines(trace),
      ])
        k.log.line(line, 3);
      const waits = `${message} It waits in ${waitOf(k, task)}.`;
      this.record(task, task.caller, 'deadlock', waits, k.space.toAddress(task.caller), trace);
    });
  }

  /** The command is stopped while its task is not running: it stays where it is. */
  stopSleeping(task: Task, reason: Interruption): void {
    if (reason === 'interrupted') return;
    const { k } = this;
    const message = describeInterruption(reason, task.name, k.interruption.workLimit);
    this.withContext(task, () => {
      this.record(
        task,
        task.caller,
        KIND_OF[reason],
        message,
        k.space.toAddress(task.caller),
        callTrace(k, task),
      );
    });
  }

  /** A task that is given the CPU again and again and does not come to an end. Nobody knows whether it would. */
  endless(task: Task, turns: number): void {
    const { k } = this;
    const message = `modbox: ${task.name} does not end: it was stopped after ${turns} turns on the CPU`;
    this.withContext(task, () => {
      this.record(task, task.caller, 'endless', message, k.space.toAddress(task.caller), callTrace(k, task));
    });
  }

  private readonly knownHung = new WeakSet<Task>();

  /** Runs something with the registers of a task that is not running. */
  private withContext(task: Task, body: () => void): void {
    const { cpu } = this.k;
    if (!task.context || this.k.executor.current === task) {
      body();
      return;
    }
    const own = cpu.saveContext();
    cpu.loadContext(task.context);
    body();
    cpu.loadContext(own);
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
    place: string,
    noCutHere: boolean,
    { kind = 'warning', message, taint = 'WARN' }: WarnOptions = {},
  ): void {
    const { k } = this;
    const pid = k.processes.pid(task);
    const trace = callTrace(k, task);
    const head = `WARNING: CPU: 0 PID: ${pid} at ${place} ${symbolize(k, rip)}`;
    if (!noCutHere) k.log.line(CUT_HERE, 4);
    const lines = [
      head,
      modulesLine(k),
      ...cpuLines(k, task),
      ...registerLines(k, rip, 0n),
      ...traceLines(trace),
      END_TRACE,
    ];
    for (const line of lines) k.log.line(line, 4);
    this.taint.add(taint, message ?? head, moduleOf(k, task, rip));
    this.record(task, rip, kind, message ?? head, k.space.toAddress(rip), trace);
  }

  /** WARN(1, message) of the base kernel itself, reported as `kind`. */
  warnWith(task: Task, kind: FaultKind, message: string, place: string, rip: Ptr): void {
    this.k.log.line(CUT_HERE, 4);
    this.k.log.line(message, 4);
    this.warn(task, rip, place, true, { kind, message });
  }

  /** Whether slub_debug= has the log say what is wrong with slab objects. */
  get debugsSlabs(): boolean {
    return SLUB_DEBUG.test(this.k.cmdline);
  }

  /** As slub_debug= makes the real kernel say it. */
  private logComplaint(message: string, details: readonly string[]): void {
    for (const line of ['='.repeat(77), message, '-'.repeat(77), ...details]) this.k.log.line(line, 3);
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
    if (this.reports.length >= MAX_REPORTS) {
      this.suppressed++;
      return;
    }
    this.reports.push({
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
      this.k.log.line(line, 4);
  }

  /**
   * Prints the oops, records it, and lets the task die. What is printed comes from memory that the module may have ruined:
   * then the kernel has no more to say than what happened first.
   */
  private die(
    task: Task,
    kind: FaultKind,
    head: string,
    lines: readonly string[],
    address: bigint,
    cutHere: boolean,
    taint: TaintName = 'DIE',
  ): 'kill' {
    const { k } = this;
    try {
      return this.oops(task, kind, head, lines, address, cutHere, taint);
    } catch (error) {
      if (!(error instanceof GuestFault || error instanceof EndlessWork)) throw error;
      k.log.line('Fixing recursive fault but reboot is needed!', 1);
      this.taint.add(taint, head, '');
      const at = `0x${k.cpu.rip.toString(16)}`;
      this.reports.push({
        kind,
        message: head,
        address,
        at,
        module: '',
        registers: registerDump(k),
        trace: [],
      });
      return 'kill';
    }
  }

  private oops(
    task: Task,
    kind: FaultKind,
    head: string,
    lines: readonly string[],
    address: bigint,
    cutHere: boolean,
    taint: TaintName,
  ): 'kill' {
    const { k } = this;
    const rip = k.space.fromAddress(k.cpu.rip);
    const number = ++this.oopses;
    const trace = callTrace(k, task);
    if (cutHere) k.log.line(CUT_HERE, 4);
    const numbered = [head, ...lines].map((line) =>
      /: [0-9a-f]{4}$/.test(line) && !line.startsWith('BUG:')
        ? `${line} [#${number}] PREEMPT SMP NOPTI`
        : line,
    );
    for (const line of numbered) k.log.line(line, 1);
    for (const line of [
      ...cpuLines(k, task),
      ...registerLines(k, rip, address),
      ...traceLines(trace),
      modulesLine(k),
      END_TRACE,
    ])
      k.log.line(line, 1);
    this.taint.distrustLocks();
    this.taint.add(taint, head, moduleOf(k, task, rip));
    const preempt = k.processes.preemptCount;
    // A page fault is handled, and the task ended, with interrupts off.
    if (PAGE_FAULTS.has(kind) && !task.isInterrupt) {
      const comm = k.struct('task_struct').text(k.current, 'comm');
      k.log.line(`note: ${comm}[${k.processes.pid(task)}] exited with irqs disabled`, 6);
    }
    if (preempt !== 0 && !task.isInterrupt) {
      const comm = k.struct('task_struct').text(k.current, 'comm');
      k.log.line(`note: ${comm}[${k.processes.pid(task)}] exited with preempt_count ${preempt}`, 6);
      k.processes.preemptCount = 0;
    }
    this.record(task, rip, kind, head, address, trace);
    return 'kill';
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
    if (this.reports.length >= MAX_REPORTS && REPEATS.has(kind)) {
      this.suppressed++;
      return;
    }
    // Guest code that ended in a jump to the base kernel: the function that was called stands for it.
    const tail = task && k.space.toAddress(rip) === HOST_RETURN;
    this.reports.push({
      kind,
      message,
      address,
      at: symbolize(k, tail ? task.entry : rip),
      module: module ?? (task ? moduleOf(k, task, rip) : ''),
      registers: registerDump(k),
      trace,
    });
  }
}
