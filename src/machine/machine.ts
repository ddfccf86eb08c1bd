import type { Ptr } from '../cpu/layout.js';
import { unpack } from '../formats/compressed/unpack.js';
import { FormatError } from '../formats/format-error.js';
import type { Sleepable, Value } from '../kernel/effects.js';
import type { LogRecord } from '../kernel/log.js';
import type { Probes } from '../kernel/probes.js';
import type { Interruption } from '../kernel/task/interruption.js';
import type { Task } from '../kernel/task/task.js';
import {
  type FileSource,
  type IndexCache,
  MemoryFiles,
  type ModuleTree,
  modinfoOf,
  normalizeName,
} from '../kmod/index.js';
import { insmodFile } from '../kmod/tools/insmod.js';
import { modprobe } from '../kmod/tools/modprobe.js';
import { rmmod } from '../kmod/tools/rmmod.js';
import { TASK_UNINTERRUPTIBLE } from '../linux/abi/task-state.js';
import { TaskCredentials } from '../linux/credentials.js';
import { ModuleHistory } from '../linux/kallsyms/module-history.js';
import { type ModuleListing, Modules } from '../linux/kallsyms/modules.js';
import { LinuxKernel, type ModuleTrust } from '../linux/kernel.js';
import type { NativeMode } from '../linux/native/native-code.js';
import type { Target } from '../target/index.js';
import { type CallArgument, callFunction } from './call.js';
import { type BootOptions, withDefaults } from './defaults.js';
import { MachineError } from './errors.js';
import { MachineFileSystem } from './file-system.js';
import { GuestMemory } from './guest-memory.js';
import { hostTreeOf } from './host-tree.js';
import { type Leak, leaksSince } from './leaks.js';
import { openTree } from './open-tree.js';
import { splitParameters } from './parameters.js';
import { deathMessage, ProcessTable } from './processes.js';
import { type ReportedFault, reportedFault } from './run-report.js';
import { machineHost, machineSystem } from './userland/machine-host.js';
import { MachineKernel } from './userland/machine-kernel.js';
import { CapturedOutput, type Terminal } from './userland/terminal.js';

export type { NativeMode };

export interface MachineOptions {
  /** The kernel to be. */
  readonly target: Target;
  /** The machine's file tree: /lib/modules/RELEASE, /etc/modprobe.d, ... Read only. */
  readonly files?: FileSource;
  /** Files of the host by the paths that its user gives: for insmod's operands. */
  readonly hostFiles?: FileSource;
  /** Kernel boot parameters. */
  readonly cmdline?: string;
  /** Whom the kernel trusts for modules besides its own certificates, and what it checks signatures with. */
  readonly trust?: ModuleTrust;
  /** User that the machine's processes run as: root by default. */
  readonly uid?: number;
  /** Takes modules that are refused for safety's sake alone as the real kernel takes them. */
  readonly lenient?: boolean;
  /** Whether the target's own code may run where TypeScript has nothing: 'auto' by default, where its image is at hand. */
  readonly native?: NativeMode;
  /** Decides interleavings and random numbers. */
  readonly seed?: number;
  /** Keeps the index of a tree that depmod never saw. */
  readonly indexCache?: IndexCache;
  /** The modules of `files`, where they were opened before. */
  readonly tree?: ModuleTree;
  /** Memory of a machine that is no longer needed: see Machine.release. */
  readonly memory?: WebAssembly.Memory;
  /** Asked every few milliseconds while a command runs: a reason to stop it, such as that its time is over. */
  readonly interrupt?: () => Interruption | undefined;
  /** Instructions, or as much work of the base kernel, that a command may take before it is stopped: 4e9 by default. */
  readonly workLimit?: number;
}

/** Virtual time after which a task that sleeps hangs (CONFIG_DEFAULT_HUNG_TASK_TIMEOUT). */
const HUNG_NS = 120e9;

/** How a process of the machine ended. */
export interface ProcessEnd {
  /** Exit status as a shell has it; 137 or 139 if the kernel killed it. */
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It waits for something that will never come. */
  readonly hangs: boolean;
}

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

/** A machine with a booted base kernel: a kernel that modules can be loaded into, and used. */
export class Machine {
  readonly kernel: LinuxKernel;
  readonly tree: ModuleTree;
  readonly files: FileSource;
  /** Files of the host that commands may name; undefined while a script of the image runs. */
  hostFiles: FileSource | undefined;
  readonly processes: ProcessTable;
  readonly archive: ModuleHistory;
  readonly memory: GuestMemory;
  /** System calls on files. */
  readonly fs: MachineFileSystem;
  /** The kernel as the module commands act on it. */
  readonly system: MachineKernel;
  /** Sequence number that `dmesg -c` cleared the log up to. */
  logCleared = 0;
  private silentUntil = 0;

  private constructor(options: MachineOptions) {
    const { target } = options;
    const cmdline = options.cmdline ?? '';
    this.files = options.files ?? new MemoryFiles();
    this.kernel = new LinuxKernel(target, {
      cmdline,
      seed: options.seed ?? 0,
      lenient: options.lenient ?? false,
      ...(options.native && { native: options.native }),
      ...(options.trust && { trust: options.trust }),
      ...(options.memory && { memory: options.memory }),
      ...(options.interrupt && { interrupt: options.interrupt }),
      ...(options.workLimit !== undefined && { workLimit: options.workLimit }),
      files: hostTreeOf(this.files),
    });
    this.kernel.get(TaskCredentials).uid = options.uid ?? 0;
    this.tree = options.tree ?? openTree(options);
    this.hostFiles = options.hostFiles;
    this.processes = new ProcessTable(this.kernel);
    this.archive = this.kernel.get(ModuleHistory);
    this.memory = new GuestMemory(this.kernel);
    this.fs = new MachineFileSystem(this);
    this.system = new MachineKernel(this.kernel);
    this.kernel.get(Modules).requestModule = (name) => this.requestModule(name);
  }

  /** Runs what a file of the image says: its commands do not see the host. */
  *withoutHostFiles<T>(body: Sleepable<T>): Sleepable<T> {
    const { hostFiles } = this;
    this.hostFiles = undefined;
    try {
      return yield* body;
    } finally {
      this.hostFiles = hostFiles;
    }
  }

  /**
   * Boots a machine. Without a target it is the kernel that comes with the library (an Error where the library has none: see
   * `setBootDefaults`).
   */
  static boot(options: BootOptions = {}): Machine {
    return new Machine(withDefaults(options));
  }

  /**
   * Ends the machine; nothing may be asked of it from then on. Returns its memory, cleared, for the next one's
   * `MachineOptions.memory`: booting many machines one after another takes half as long then.
   */
  release(): WebAssembly.Memory {
    return this.kernel.space.release();
  }

  /** Loads a module's file: its content, packed or not. Throws MachineError with the errno. */
  insmod(content: Uint8Array, args = '', path = 'module.ko'): void {
    this.demand((terminal) => {
      const start = { terminal, given: { path, bytes: content } };
      return insmodFile(machineSystem(this, 'insmod', start), path, args, {});
    }, 'insmod');
  }

  /**
   * Loads a module by name or alias, with what it depends on, out of the file tree. `args` as insmod has them: `a=1 b="x y"`.
   * Throws MachineError.
   */
  modprobe(name: string, args = ''): void {
    const words = ['--', name, ...splitParameters(args)];
    this.demand((terminal) => this.runModprobe(terminal, words), 'modprobe');
  }

  /** Removes a module. */
  rmmod(name: string): void {
    this.demand((terminal) => rmmod(machineHost(this, { terminal }), ['--', name]), 'rmmod');
  }

  /** Removes a module and what it used that nobody needs now. */
  modprobeRemove(name: string): void {
    this.demand((terminal) => this.runModprobe(terminal, ['-r', '--', name]), 'modprobe');
  }

  /** The loaded modules, newest first, as /proc/modules has them. */
  lsmod(): readonly ModuleListing[] {
    return this.kernel.get(Modules).listing();
  }

  /** The kernel log from a sequence number on. A line that nobody has ended yet is not in it. */
  dmesg(from = 0): readonly LogRecord[] {
    return this.kernel.log.from(from);
  }

  /** Lines of the log with a level below this come to the console: the first number of /proc/sys/kernel/printk. */
  get consoleLevel(): number {
    return this.kernel.space.load32(this.kernel.symbol('console_printk'));
  }

  set consoleLevel(level: number) {
    this.kernel.space.store32(this.kernel.symbol('console_printk'), level);
  }

  /**
   * Calls a function, by the name under which a loaded module exports (or just has) it or by its address, and
   * gives what it leaves in RAX. See `memory` for buffers to give it.
   */
  call(fn: string | Ptr, ...args: CallArgument[]): bigint {
    return callFunction(this, fn, args);
  }

  /** What a module's file says that it depends on, dependencies of those first. Nothing, for what is no module. */
  dependenciesOfFile(packed: Uint8Array, path: string): string[] {
    const found = new Set<string>();
    for (const name of dependsOf(packed, path)) {
      for (const deeper of this.tree.index.module(name)?.dependencies ?? []) found.add(deeper);
      found.add(name);
    }
    return [...found];
  }

  /**
   * Memory that modules which are gone had allocated and did not give back, since the machine was booted; the largest first.
   */
  leaks(): readonly Leak[] {
    return leaksSince(this.kernel, this.archive, 0);
  }

  /** Faults, warnings and misuses that were found since boot, or from the `from`th on. */
  faults(from = 0): readonly ReportedFault[] {
    return this.kernel.traps.reports.slice(from).map(reportedFault);
  }

  /** Further faults that were counted and not kept, of kinds that {@link faults} has many of. */
  get faultsNotKept(): number {
    return this.kernel.traps.suppressed;
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
    if (!task.ended && interruption.reason) this.kernel.traps.stuck.stopped(task, interruption.reason);
    else if (!task.ended && scheduler.turns > most) {
      this.kernel.traps.stuck.endless(task, MAX_TURNS);
      this.reportHung();
    } else if (!task.ended) this.reportHung(task);
    return task.ended;
  }

  private stopForeground(): void {
    const { interruption, traps } = this.kernel;
    const { reason } = interruption;
    for (const task of this.processes.foreground()) {
      if (reason) traps.stuck.stopped(task, reason);
      this.kernel.scheduler.kill(task);
    }
  }

  /** A command does not end: the tasks that wait without end, or where there is none the command itself. */
  private reportHung(command?: Task): void {
    const { clock, scheduler, processes, traps } = this.kernel;
    const waiting = [...scheduler.tasks].filter(
      (task) =>
        task.state === 'blocked' &&
        processes.stateOf(task.object) === TASK_UNINTERRUPTIBLE &&
        (clock.now - task.lastScheduled > HUNG_NS || !processes.isKernelThread(task)),
    );
    if (waiting.length === 0 && command) waiting.push(command);
    for (const task of waiting) traps.stuck.hung(task);
  }

  private demand(body: (terminal: CapturedOutput) => Sleepable<number>, name: string): void {
    const before = this.kernel.log.next;
    const known = this.kernel.traps.reports.length;
    this.forgetFailure();
    const { exit, stderr, hangs } = this.process(name, body);
    if (exit === 0) return;
    const text = hangs ? `${name} hangs: it waits for something that does not come` : stderr.trim();
    throw new MachineError(
      text || `${name} failed: ${this.lastLine(before)}`,
      this.system.failure?.errno ?? 0,
      this.faults(known)[0],
    );
  }

  /** Something sleeps on purpose until then: nobody hangs meanwhile. */
  expectSilenceUntil(time: number): void {
    this.silentUntil = Math.max(this.silentUntil, time);
  }

  private forgetFailure(): void {
    this.system.failure = undefined;
  }

  private lastLine(from: number): string {
    return this.dmesg(from).at(-1)?.text ?? 'no reason was logged';
  }

  /** /sbin/modprobe -q -- NAME, on behalf of the kernel. */
  private *requestModule(name: string): Sleepable<number> {
    const body = this.runModprobe(new CapturedOutput(), ['-q', '--', name]);
    return yield* this.processes.run('modprobe', body);
  }

  /** The body of a modprobe process. */
  runModprobe(terminal: Terminal, args: readonly string[]): Sleepable<number> {
    return modprobe(machineHost(this, { terminal }), args);
  }
}

/** The `depends` of a module's file. What is wrong with the file is told when it is loaded. */
function dependsOf(packed: Uint8Array, path: string): string[] {
  try {
    const depends = modinfoOf(unpack(packed, path), path).get('depends') ?? '';
    return depends.split(',').filter(Boolean).map(normalizeName);
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}
