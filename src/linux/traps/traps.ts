import type { CpuException } from '../../cpu/cpu-types.js';
import { GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import type { ExecutorHooks } from '../../kernel/task/executor.js';
import type { Task } from '../../kernel/task/task.js';
import { type FaultKind, Oops, Unimplemented } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { Modules } from '../module/modules.js';
import { callTrace, moduleOf } from './call-trace.js';
import { applyFixup } from './fixup.js';
import {
  CUT_HERE,
  cpuLine,
  END_TRACE,
  modulesLine,
  registerDump,
  registerLines,
  traceLines,
} from './oops-text.js';
import type { FaultReport } from './report.js';
import { symbolize } from './symbolize.js';
import { findBug, markDone } from './tables.js';
import { Taint } from './taint.js';

const UD2_BYTES = 2;
/** Virtual time a task may run without giving up the CPU (watchdog_thresh, twice 10 s, and a sample more). */
const SOFT_LOCKUP_NS = 22e9;
const TICK_NS = 4e6;

/** An export that guest code called and that this base kernel lacks. */
export interface UnimplementedCall {
  readonly symbol: string;
  readonly prototype: string;
  readonly caller: string;
}

/** Exceptions, oopses and warnings: what the kernel's traps.c, fault.c and panic.c do. */
export class Traps implements ExecutorHooks {
  readonly taint = new Taint();
  readonly reports: FaultReport[] = [];
  readonly unimplemented: UnimplementedCall[] = [];
  private oopses = 0;

  constructor(private readonly k: LinuxKernel) {}

  exception(task: Task, exception: CpuException): 'resume' | 'kill' {
    const { k } = this;
    const rip = k.space.fromAddress(k.cpu.rip);
    const module = k.get(Modules).moduleAt(rip);
    if (module && applyFixup(k, module, rip, exception)) return 'resume';
    if (module && exception.vector === 'UD' && !exception.unimplemented) {
      const bug = findBug(k, module, rip);
      if (bug?.warning) {
        if (!bug.done) {
          if (bug.once) markDone(k, bug);
          this.warn(task, rip, `${bug.file}:${bug.line}`, bug.noCutHere);
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
    const { kind, head, lines, address } = this.describe(task, rip, exception);
    return this.die(task, kind, head, lines, address, false);
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
    if (error instanceof GuestFault) {
      const exception: CpuException = { vector: 'PF', address: error.address, access: error.access };
      const { kind, head, lines } = this.describe(task, 0, exception);
      this.die(task, kind, head, [...lines, `in ${name}`], error.address, false);
      return;
    }
    if (error instanceof Oops) {
      this.die(task, error.kind, error.message, [], k.space.toAddress(error.address), true);
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.die(task, 'internal', `modbox: internal error in ${name}: ${text}`, [], 0n, false);
  }

  tick(task: Task): 'resume' | 'yield' | 'kill' {
    const { k } = this;
    k.clock.now = (Math.floor(k.clock.now / TICK_NS) + 1) * TICK_NS;
    if (k.clock.now - task.lastScheduled > SOFT_LOCKUP_NS) {
      this.taint.add('SOFTLOCKUP');
      const comm = k.struct('task_struct').text(k.current, 'comm');
      const message = `watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [${comm}:${k.processes.pid(task)}]`;
      return this.die(task, 'soft-lockup', message, [], k.cpu.rip, false);
    }
    const preemptible = k.processes.preemptCount === 0 && k.cpu.interruptsEnabled && !task.isInterrupt;
    if (preemptible) return 'yield';
    return 'resume';
  }

  /** A warning of the base kernel itself, or WARN() in a module. The task goes on. */
  warn(
    task: Task,
    rip: Ptr,
    place: string,
    noCutHere: boolean,
    kind: FaultKind = 'warning',
    message?: string,
  ): void {
    const { k } = this;
    this.taint.add('WARN');
    const pid = k.processes.pid(task);
    const trace = callTrace(k, task);
    const head = `WARNING: CPU: 0 PID: ${pid} at ${place} ${symbolize(k, rip)}`;
    if (!noCutHere) k.log.line(CUT_HERE, 4);
    const lines = [
      head,
      modulesLine(k),
      cpuLine(k, task),
      ...registerLines(k, rip, 0n),
      ...traceLines(trace),
      END_TRACE,
    ];
    for (const line of lines) k.log.line(line, 4);
    this.record(task, rip, kind, message ?? head, k.space.toAddress(rip), trace);
  }

  /** WARN(1, message) of the base kernel itself, reported as `kind`. */
  warnWith(task: Task, kind: FaultKind, message: string, place: string, rip: Ptr): void {
    this.k.log.line(CUT_HERE, 4);
    this.k.log.line(message, 4);
    this.warn(task, rip, place, true, kind, message);
  }

  /** Reports a misuse that does not stop the task (a double free, a write out of bounds, ...). */
  complain(kind: FaultKind, message: string, address: Ptr, details: readonly string[] = []): void {
    const { k } = this;
    const task = k.executor.current;
    for (const line of ['='.repeat(77), message, '-'.repeat(77), ...details]) k.log.line(line, 3);
    this.taint.add('BAD_PAGE');
    const caller = task?.caller ?? 0;
    const trace = task ? callTrace(k, task) : [];
    this.record(task, caller, kind, message, k.space.toAddress(address), trace);
  }

  /** might_sleep(): a function that may sleep was called where nobody may (___might_sleep of sched/core.c). */
  mightSleep(file: string, line: number): void {
    const { k } = this;
    const task = k.executor.current;
    if (!task) return;
    const preempt = k.processes.preemptCount;
    if (preempt === 0 && k.cpu.interruptsEnabled && !task.isInterrupt) return;
    const message = `BUG: sleeping function called from invalid context at ${file}:${line}`;
    const pid = k.processes.pid(task);
    const comm = k.struct('task_struct').text(k.current, 'comm');
    k.log.line(message, 3);
    const atomic = preempt !== 0 || task.isInterrupt ? 1 : 0;
    const irqs = k.cpu.interruptsEnabled ? 0 : 1;
    k.log.line(
      `in_atomic(): ${atomic}, irqs_disabled(): ${irqs}, non_block: 0, pid: ${pid}, name: ${comm}`,
      3,
    );
    k.log.line(`preempt_count: ${preempt.toString(16)}, expected: 0`, 3);
    this.dumpStack();
    this.record(
      task,
      task.caller,
      'sleep-in-atomic',
      message,
      k.space.toAddress(task.caller),
      callTrace(k, task),
    );
  }

  /** schedule() in atomic context: reported, as __schedule_bug does; the task goes on. */
  scheduling(): void {
    const { k } = this;
    const task = k.executor.current;
    const preempt = k.processes.preemptCount;
    if (!task || (preempt === 0 && !task.isInterrupt)) return;
    const comm = k.struct('task_struct').text(k.current, 'comm');
    const count = (preempt + 1).toString(16).padStart(8, '0');
    const message = `BUG: scheduling while atomic: ${comm}/${k.processes.pid(task)}/0x${count}`;
    k.log.line(message, 3);
    k.log.line(modulesLine(k), 3);
    this.dumpStack();
    this.taint.add('WARN');
    this.record(
      task,
      task.caller,
      'sleep-in-atomic',
      message,
      k.space.toAddress(task.caller),
      callTrace(k, task),
    );
  }

  /** dump_stack(). */
  dumpStack(): void {
    const task = this.k.executor.current;
    if (!task) return;
    for (const line of [cpuLine(this.k, task), ...traceLines(callTrace(this.k, task))])
      this.k.log.line(line, 4);
  }

  private describe(
    task: Task,
    rip: Ptr,
    exception: CpuException,
  ): { kind: FaultKind; head: string; lines: string[]; address: bigint } {
    const { k } = this;
    if (exception.unimplemented !== undefined) {
      const head = `modbox: instruction not implemented: ${exception.unimplemented}`;
      return { kind: 'unimplemented-instruction', head, lines: ['invalid opcode: 0000'], address: k.cpu.rip };
    }
    switch (exception.vector) {
      case 'PF':
        return this.describePageFault(task, rip, exception);
      case 'DE':
        return { kind: 'divide-error', head: 'divide error: 0000', lines: [], address: k.cpu.rip };
      case 'UD':
        return { kind: 'invalid-opcode', head: 'invalid opcode: 0000', lines: [], address: k.cpu.rip };
      case 'GP':
        return {
          kind: 'general-protection',
          head: 'general protection fault: 0000',
          lines: [],
          address: k.cpu.rip,
        };
      case 'BP':
        return { kind: 'exception', head: 'int3: 0000', lines: [], address: k.cpu.rip };
      default:
        return {
          kind: 'exception',
          head: `exception #${exception.vector}: 0000`,
          lines: [],
          address: k.cpu.rip,
        };
    }
  }

  private describePageFault(
    task: Task,
    _rip: Ptr,
    exception: CpuException,
  ): { kind: FaultKind; head: string; lines: string[]; address: bigint } {
    const { k } = this;
    const address = exception.address ?? 0n;
    const access = exception.access ?? 'read';
    const ptr = k.space.fromAddress(address);
    const digits = address.toString(16).padStart(16, '0');
    const present = k.space.isMapped(ptr);
    const code = (present ? 1 : 0) | (access === 'write' ? 2 : 0) | (access === 'execute' ? 16 : 0);
    const errorCode = code.toString(16).padStart(4, '0');
    const verb = { read: 'read access', write: 'write access', execute: 'instruction fetch' }[access];
    const lines = [
      `#PF: supervisor ${verb} in kernel mode`,
      `#PF: error_code(0x${errorCode}) - ${present ? 'permissions violation' : 'not-present page'}`,
      `Oops: ${errorCode}`,
    ];
    if (!isCanonical(address)) {
      const head = `general protection fault, probably for non-canonical address 0x${address.toString(16)}: 0000`;
      return { kind: 'general-protection', head, lines: [], address };
    }
    if (ptr >= task.stackBase - 4096 && ptr < task.stackBase) {
      const head = `BUG: TASK stack guard page was hit at ${digits} (stack is ${hex(k, task.stackBase)}..${hex(k, task.stackBase + task.stackSize)})`;
      return { kind: 'stack-overflow', head, lines: ['stack guard page: 0000'], address };
    }
    if (address < BigInt(4096)) {
      const head = `BUG: kernel NULL pointer dereference, address: ${digits}`;
      return { kind: 'null-dereference', head, lines, address };
    }
    if (access === 'execute' && present) {
      k.log.line('kernel tried to execute NX-protected page - exploit attempt? (uid: 0)', 2);
    }
    const head = `BUG: unable to handle page fault for address: ${digits}`;
    const kind =
      access === 'execute'
        ? 'execute-fault'
        : access === 'write' && present
          ? 'write-protected'
          : 'page-fault';
    return { kind, head, lines, address };
  }

  /** Prints the oops, records it, and lets the task die. */
  private die(
    task: Task,
    kind: FaultKind,
    head: string,
    lines: readonly string[],
    address: bigint,
    cutHere: boolean,
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
      cpuLine(k, task),
      ...registerLines(k, rip, address),
      ...traceLines(trace),
      modulesLine(k),
      END_TRACE,
    ])
      k.log.line(line, 1);
    this.taint.add('DIE');
    const preempt = k.processes.preemptCount;
    if (preempt !== 0 && !task.isInterrupt) {
      const comm = k.struct('task_struct').text(k.current, 'comm');
      k.log.line(`note: ${comm}[${k.processes.pid(task)}] exited with preempt_count ${preempt}`, 6);
      k.processes.preemptCount = 0;
    }
    this.record(task, rip, kind, head, address, trace);
    return 'kill';
  }

  private record(
    task: Task | undefined,
    rip: Ptr,
    kind: FaultKind,
    message: string,
    address: bigint,
    trace: readonly string[],
  ): void {
    const { k } = this;
    this.reports.push({
      kind,
      message,
      address,
      at: symbolize(k, rip),
      module: task ? moduleOf(k, task, rip) : '',
      registers: registerDump(k),
      trace,
    });
  }
}

function isCanonical(address: bigint): boolean {
  const top = address >> 47n;
  return top === 0n || top === 0x1ffffn;
}

function hex(k: LinuxKernel, ptr: Ptr): string {
  return k.space.toAddress(ptr).toString(16).padStart(16, '0');
}
