import type { CpuException } from '../../cpu/cpu-types.js';
import { EndlessWork, GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import { OutOfMemory, Unimplemented } from '../../kernel/errors.js';
import { LOGLEVEL_CRIT } from '../../kernel/log.js';
import { SlabAccesses } from '../../kernel/mm/bad-access.js';
import type { ExecutorHooks } from '../../kernel/task/executor.js';
import { describeInterruption, type Interruption } from '../../kernel/task/interruption.js';
import type { Task } from '../../kernel/task/task.js';
import { TargetError } from '../../target/index.js';
import type { FreebsdKernel } from '../kernel.js';
import { Code } from './code.js';
import { Giant } from './giant.js';
import { Panic } from './panic.js';
import { Reports } from './reports.js';
import { type Death, deathByException } from './trap-text.js';

/** Ticks of 200,000 instructions. */
const TICKS_BETWEEN_POLLS = 8;
/** Virtual time that a thread may run without giving up the CPU before modbox says so: watchdogd(8)'s default is 128 s; nobody waits so long. */
const LOCKUP_NS = 22e9;
const TICK_NS = 4e6;
/** What a task that was stopped from outside is reported as. */
const KIND_OF = { timeout: 'timeout', work: 'endless', 'host-memory': 'out-of-memory' } as const;

/** Exceptions, panics and what does not end: what sys/amd64/amd64/trap.c and kern_shutdown.c do. */
export class Trap implements ExecutorHooks {
  readonly reports: Reports;
  readonly slabAccesses: SlabAccesses;
  /** The kernel has panicked: nothing of it can be trusted from then on. */
  panicked: string | undefined;
  private readonly knownHung = new WeakSet<Task>();

  constructor(private readonly k: FreebsdKernel) {
    this.reports = new Reports(k);
    this.slabAccesses = new SlabAccesses(k.space, k.slab, (address, serial) =>
      k.get(Code).history.symbolize(address, serial),
    );
  }

  exception(task: Task, exception: CpuException): 'resume' | 'kill' {
    const { k } = this;
    const rip = k.space.fromAddress(k.cpu.rip);
    if (exception.poisoned !== undefined) {
      this.reportAccess(
        rip,
        k.space.fromAddress(exception.address ?? 0n),
        exception.poisoned,
        exception.access ?? 'read',
      );
      return 'resume';
    }
    const death = deathByException(k, task, exception);
    if (death.missing !== undefined)
      this.reports.unimplemented.push({
        symbol: death.missing,
        prototype: '',
        caller: k.get(Code).symbolize(task.caller),
      });
    return this.die(task, rip, death);
  }

  /** The export being served is given memory to read or write: what of it is nobody's is reported as if its caller did that. */
  given(ptr: Ptr, bytes: number, access: 'read' | 'write'): void {
    const bad = this.slabAccesses.firstBad(ptr, bytes);
    const task = this.k.executor.current;
    if (task && bad !== undefined) this.reportAccess(task.caller, bad, ptr + bytes - bad, access);
  }

  private reportAccess(at: Ptr, where: Ptr, size: number, access: string): void {
    const { kind, text } = this.slabAccesses.meet(where, size, access);
    this.reports.add({ kind, message: text, at, address: this.k.space.toAddress(where) });
  }

  hostError(task: Task, error: unknown, name: string): void {
    const { k } = this;
    if (error instanceof Unimplemented) {
      const { symbol, prototype } = error;
      this.reports.unimplemented.push({ symbol, prototype, caller: k.get(Code).symbolize(task.caller) });
    }
    this.die(task, task.caller, this.deathOf(task, error, name));
  }

  tick(task: Task): 'resume' | 'yield' | 'kill' {
    const { k } = this;
    k.clock.now = (Math.floor(k.clock.now / TICK_NS) + 1) * TICK_NS;
    task.needsResched = true;
    const reason = k.interruption.poll(TICKS_BETWEEN_POLLS);
    if (reason) {
      this.stopped(task, reason);
      return 'kill';
    }
    if (k.clock.now - task.lastScheduled > LOCKUP_NS) {
      const message = `modbox: ${k.processes.nameOf(task)} has run for 22 s without giving up the CPU`;
      this.reports.add(
        { kind: 'soft-lockup', message, at: k.space.fromAddress(k.cpu.rip), address: k.cpu.rip },
        task,
      );
      return 'kill';
    }
    this.serveInterrupts(task);
    // FreeBSD's kernel is preemptible (options PREEMPTION): who holds no spin mutex gives way.
    return k.processes.critnest > 0 || !k.cpu.interruptsEnabled || task.isInterrupt ? 'resume' : 'yield';
  }

  /** Interrupts that are due run on top of the interrupted thread, whose registers are kept, if it may be interrupted. */
  private serveInterrupts(task: Task): void {
    const { k } = this;
    if (!k.cpu.interruptsEnabled || task.isInterrupt || k.processes.critnest > 0) return;
    const context = k.cpu.saveContext();
    k.scheduler.fireAlarms();
    k.scheduler.runInterrupts();
    k.cpu.loadContext(context);
  }

  /** The command is stopped. Its thread ends without a panic: it may have done nothing wrong. */
  stopped(task: Task, reason: Interruption): void {
    if (reason === 'interrupted') return;
    const message = describeInterruption(
      reason,
      this.k.processes.nameOf(task),
      this.k.interruption.workLimit,
    );
    const at = this.k.executor.current === task ? this.k.space.fromAddress(this.k.cpu.rip) : task.caller;
    this.reports.add({ kind: KIND_OF[reason], message, at }, task);
  }

  /** A thread is given the CPU again and again and does not come to an end. Nobody knows whether it would. */
  endless(task: Task, turns: number): void {
    const message = `modbox: ${this.k.processes.nameOf(task)} does not end: it was stopped after ${turns} turns on the CPU`;
    this.reports.add({ kind: 'endless', message }, task);
  }

  /** A thread sleeps and nothing is left that could wake it: once a thread. `why` is what it waits for. */
  hung(task: Task, why: string): void {
    if (this.knownHung.has(task)) return;
    this.knownHung.add(task);
    const message = `modbox: ${this.k.processes.nameOf(task)} sleeps for what does not come: ${why}`;
    this.reports.add({ kind: 'hung', message }, task);
  }

  private deathOf(task: Task, error: unknown, served: string): Death {
    const { k } = this;
    // One of its own that it called without a detour: see GuestCalls.
    const name = k.exports.nameAt(k.space.fromAddress(k.cpu.rip)) ?? served;
    if (error instanceof Panic)
      return {
        kind: error.kind,
        message: error.message,
        address: k.space.toAddress(error.address),
        lines: [],
      };
    if (error instanceof Unimplemented) {
      const message = `modbox: ${error.symbol} is not implemented${error.prototype && `: ${error.prototype}`}`;
      return { kind: 'unimplemented-export', message, address: k.space.toAddress(task.caller), lines: [] };
    }
    if (error instanceof GuestFault) {
      const exception: CpuException = { vector: 'PF', address: error.address, access: error.access };
      const death = deathByException(k, task, exception);
      return { ...death, reason: `${death.reason ?? death.message} in ${name}` };
    }
    if (error instanceof EndlessWork)
      return { kind: 'soft-lockup', message: `modbox: in ${name}: ${error.message}`, address: 0n, lines: [] };
    if (error instanceof OutOfMemory)
      return { kind: 'out-of-memory', message: `modbox: ${error.message}`, address: 0n, lines: [] };
    if (error instanceof TargetError) {
      const message = `modbox: ${name} is not implemented for this kernel: ${error.message}`;
      return { kind: 'unimplemented-export', message, address: 0n, lines: [] };
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const [head, ...places] = text.split('\n');
    const message = `modbox: internal error in ${name}: ${head}; this is a fault of modbox: please report it with this log`;
    return { kind: 'internal', message, address: 0n, lines: [], places: places.map((line) => line.trim()) };
  }

  /** What a panic prints (vpanic(), trap_fatal()), and the end of the thread. */
  private die(task: Task, rip: Ptr, death: Death): 'kill' {
    const { k } = this;
    for (const line of death.lines) k.log.line(line, LOGLEVEL_CRIT);
    const stops =
      death.kind !== 'unimplemented-export' && death.kind !== 'internal' && death.kind !== 'absent-variable';
    const message = death.panic ?? death.message;
    k.log.line(`panic: ${message}`, LOGLEVEL_CRIT);
    for (const line of this.panicLines(task)) k.log.line(line, LOGLEVEL_CRIT);
    const { kind, address, places, reason } = death;
    this.reports.add(
      { kind, message: reason ?? death.message, address, at: rip, ...(places && { details: places }) },
      task,
    );
    // What modbox lacks is no panic of the module's: the machine goes on without the thread.
    if (!stops) k.get(Giant).drop();
    if (stops) this.panicked ??= message;
    return 'kill';
  }

  private panicLines(task: Task): string[] {
    const { k } = this;
    const frames = this.reports.ofTask(task, () => k.get(Code).backtrace(task), []);
    const seconds = Math.floor((Number(k.clock.bootTime) + k.clock.now) / 1e9);
    const lines = frames.map(
      ({ address, text }, i) =>
        `#${i} 0x${k.space.toAddress(address).toString(16).padStart(16, '0')} at ${text}`,
    );
    return [
      'cpuid = 0',
      `time = ${seconds}`,
      'KDB: stack backtrace:',
      ...lines,
      `Uptime: ${Math.floor(k.clock.now / 1e9)}s`,
    ];
  }
}
