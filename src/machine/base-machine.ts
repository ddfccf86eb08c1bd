import type { Ptr } from '../cpu/layout.js';
import type { BaseKernel } from '../kernel/base-kernel.js';
import type { Sleepable, Value } from '../kernel/effects.js';
import type { LogRecord } from '../kernel/log.js';
import type { Fault, Probes } from '../kernel/probes.js';
import type { Interruption } from '../kernel/task/interruption.js';
import type { Task } from '../kernel/task/task.js';
import { MachineError, type SystemError } from './errors.js';
import { GuestMemory } from './guest-memory.js';
import type { Leak } from './leaks.js';
import { MachineLog } from './machine-log.js';
import { deathMessage, type ProcessSystem, ProcessTable } from './processes.js';
import type { ReportedFault } from './reported-fault.js';
import { CapturedOutput } from './terminal.js';

/** How a process of the machine ended. */
export interface ProcessEnd {
  /** Exit status as a shell has it; 137 or 139 if the kernel killed it. */
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It waits for something that will never come. */
  readonly hangs: boolean;
}

/** A pointer (or a small integer) as a number, an integer of any size as a bigint. */
export type CallArgument = number | bigint;

/** A module came to be, took up its work, or went. */
export interface ModuleEvent {
  readonly name: string;
  /** 'coming': it is in memory, and its init is to be run; 'live': its init went well; 'gone': its memory is given back. */
  readonly state: 'coming' | 'live' | 'gone';
}

/** What a machine tells of while it runs. */
export interface MachineEvents {
  readonly log: LogRecord;
  readonly module: ModuleEvent;
  readonly fault: ReportedFault;
}

/** A process that does not come to its end by itself. */
export type Stuck =
  | { readonly kind: 'stopped'; readonly task: Task; readonly reason: Interruption }
  | { readonly kind: 'endless'; readonly task: Task; readonly turns: number }
  /** Nothing is left that could wake it; undefined where it ran and ran, and others may have waited meanwhile. */
  | { readonly kind: 'hung'; readonly task: Task | undefined };

/** Virtual time that is let pass after a command, so that what it started in the background runs. */
const SETTLE_NS = 20e6;
/** Virtual time after which a command that has not ended counts as hanging. */
const PATIENCE_NS = 7200e9;
/**
 * What looks again and again, as `while (busy) schedule_timeout(1)` does, would take seconds to get through that time. So many
 * turns of tasks in so much virtual time count as hanging as well.
 */
const RESTLESS_TURNS = 100_000;
const RESTLESS_NS = 600e9;
const TURNS_BETWEEN_POLLS = 64;
const TURNS_OF_GRACE = 1000;
/** And so many, however little time has passed: `for (;;) schedule()`. */
const MAX_TURNS = 1_000_000;

/** What is said of what does not end. */
export function hangText(what = 'it'): string {
  return `${what} hangs: it waits for something that does not come`;
}

/**
 * A machine of any system: a booted base kernel whose processes are run from outside, one after another, each to its end. Systems
 * derive from it. What fails throws MachineError.
 */
export abstract class BaseMachine<K extends BaseKernel = BaseKernel> {
  /** The kernel log. */
  readonly log: MachineLog;
  readonly processes: ProcessTable;
  readonly memory: GuestMemory;
  private silentUntil = 0;

  protected constructor(
    readonly kernel: K,
    system: ProcessSystem,
  ) {
    this.log = new MachineLog(kernel.log);
    this.processes = new ProcessTable(kernel, system);
    this.memory = new GuestMemory(kernel, (name) => this.systemError(name));
  }

  /** Faults, warnings and misuses that were found since boot, or from the `from`th on. */
  abstract faults(from?: number): readonly ReportedFault[];

  /** Memory that modules which are gone had allocated and did not give back, since the machine was booted; the largest first. */
  abstract leaks(): readonly Leak[];

  /** A function of a loaded module. */
  protected abstract functionNamed(name: string): Ptr | undefined;

  /** Calls a listener of what becomes of modules, until the function that this gives is called. */
  protected abstract onModule(listener: (event: ModuleEvent) => void): () => void;

  /** A fault as it was told of, for reports. */
  protected abstract reported(fault: Fault): ReportedFault;

  /** Reports what does not end. */
  protected abstract reportStuck(stuck: Stuck): void;

  /** The system's error of a name (`ENOMEM`); undefined where it has none like it. */
  protected abstract systemError(name: string): SystemError | undefined;

  /** Calls `listener` with every event of a kind from now on, until the function that this gives is called. */
  on<E extends keyof MachineEvents>(event: E, listener: (event: MachineEvents[E]) => void): () => void;
  on(event: keyof MachineEvents, listener: (event: never) => void): () => void {
    const listens = listener as (event: MachineEvents[keyof MachineEvents]) => void;
    switch (event) {
      case 'log':
        return this.kernel.log.onRecord(listens);
      case 'module':
        return this.onModule(listens);
      case 'fault':
        return this.kernel.probes.subscribe(['faulted'], ({ fault }) => listens(this.reported(fault)));
    }
  }

  /** What happens in the machine, as a stream of events: calls, allocations, locks, switches between tasks, faults. */
  get probes(): Probes {
    return this.kernel.probes;
  }

  /** Lets virtual time pass. */
  sleep(nanoseconds: number): void {
    const { interruption, scheduler } = this.kernel;
    interruption.begin(Number.POSITIVE_INFINITY);
    scheduler.settle(nanoseconds, () => interruption.poll(TURNS_BETWEEN_POLLS) !== undefined);
  }

  /**
   * Calls a function, by the name under which a loaded module exports (or just has) it or by its address, and
   * gives what it leaves in the register for results. See `memory` for buffers to give it.
   */
  call(fn: string | Ptr, ...args: CallArgument[]): bigint {
    const address = typeof fn === 'string' ? this.addressOf(fn) : fn;
    const { convention } = this.kernel;
    return this.perform(String(fn), function* () {
      yield { kind: 'call', fn: address, args };
      return BigInt(convention.result('Q'));
    });
  }

  private addressOf(name: string): Ptr {
    const address = this.functionNamed(name);
    if (address !== undefined) return address;
    throw new MachineError(`no loaded module has a function ${name}`, { error: this.systemError('ENOENT') });
  }

  /** Runs something in a process of its own, and gives what it came to. `what` names it in errors. */
  perform<T>(what: string, body: () => Sleepable<T>): T {
    let result: { readonly value: T } | undefined;
    const known = this.faults().length;
    const { hangs } = this.process(
      'modbox',
      function* () {
        result = { value: yield* body() };
        return 0;
      },
      0,
    );
    if (result) return result.value;
    throw this.failure(what, hangs, known);
  }

  /** Why something did not come to its end: of the faults since the `known`th. */
  protected failure(what: string, hangs: boolean, known: number): MachineError {
    const [fault] = this.faults(known);
    if (hangs) return new MachineError(hangText(what), { fault });
    const why = fault ? `${fault.message} at ${fault.at}` : 'it was stopped';
    return new MachineError(`${what}: ${why}`, { fault });
  }

  /** Runs a process to its end, then lets what it started run for a moment. */
  process(
    name: string,
    body: (terminal: CapturedOutput) => Sleepable<Value>,
    settle = SETTLE_NS,
  ): ProcessEnd {
    const terminal = new CapturedOutput();
    const task = this.processes.spawn(name, body(terminal));
    const ended = this.runUntilEnd(task, settle);
    const exit = this.processes.exitStatus(task);
    const stderr = terminal.stderr + (task.state === 'killed' ? deathMessage(exit) : '');
    return { exit, stdout: terminal.stdout, stderr, hangs: !ended };
  }

  /** False if the task waits for something that does not come. */
  runUntilEnd(task: Task, settle = SETTLE_NS, patience = PATIENCE_NS): boolean {
    const { scheduler, clock, interruption } = this.kernel;
    interruption.begin();
    let grace = TURNS_OF_GRACE;
    // Who waited for what was stopped, the shell say, has a moment to end by itself.
    const stopped = (): boolean => {
      if (interruption.poll(TURNS_BETWEEN_POLLS) === undefined) return false;
      this.stopForeground();
      return grace-- <= 0;
    };
    const turns = scheduler.turns + RESTLESS_TURNS;
    const most = scheduler.turns + MAX_TURNS;
    const restless = clock.now + RESTLESS_NS;
    const done = (): boolean =>
      task.ended ||
      stopped() ||
      scheduler.turns > most ||
      (scheduler.turns > turns && clock.now > Math.max(restless, this.silentUntil));
    do scheduler.run(done, Math.max(clock.now + patience, this.silentUntil));
    while (!task.ended && !stopped() && clock.now < this.silentUntil && scheduler.turns <= most);
    if (settle > 0) scheduler.settle(settle, stopped);
    const { reason } = interruption;
    if (task.ended) return true;
    if (reason) this.reportStuck({ kind: 'stopped', task, reason });
    else if (scheduler.turns > most) {
      this.reportStuck({ kind: 'endless', task, turns: MAX_TURNS });
      this.reportStuck({ kind: 'hung', task: undefined });
    } else this.reportStuck({ kind: 'hung', task });
    return task.ended;
  }

  private stopForeground(): void {
    const { reason } = this.kernel.interruption;
    for (const task of this.processes.foreground()) {
      if (reason) this.reportStuck({ kind: 'stopped', task, reason });
      this.kernel.scheduler.kill(task);
    }
  }

  /** Something sleeps on purpose until then: nobody hangs meanwhile. */
  expectSilenceUntil(time: number): void {
    this.silentUntil = Math.max(this.silentUntil, time);
  }

  /**
   * Ends the machine; nothing may be asked of it from then on. Returns its memory, cleared, for the next one's
   * options: booting many machines one after another takes half as long then.
   */
  release(): WebAssembly.Memory {
    this.kernel.cpu.keepTranslations();
    return this.kernel.space.release();
  }
}
