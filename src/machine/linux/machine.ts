import type { Ptr } from '../../cpu/layout.js';
import { ModuleFile } from '../../formats/module-file.js';
import type { I2cModel } from '../../hardware/i2c/i2c-target.js';
import type { PciModel } from '../../hardware/pci/pci.js';
import type { PciBoard } from '../../hardware/pci/pci-board.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LogRecord } from '../../kernel/log.js';
import type { Fault } from '../../kernel/probes.js';
import type { Task } from '../../kernel/task/task.js';
import { type FileSource, MemoryFiles, type ModuleTree, moduleNameOf } from '../../kmod/index.js';
import { insmodFile } from '../../kmod/tools/insmod.js';
import { modprobe } from '../../kmod/tools/modprobe.js';
import { rmmod } from '../../kmod/tools/rmmod.js';
import type { GivenModule } from '../../kmod/tools/tool.js';
import { TASK_UNINTERRUPTIBLE } from '../../linux/abi/task-state.js';
import { TaskCredentials } from '../../linux/credentials.js';
import { errnoNumber } from '../../linux/errno.js';
import { FailFunction, type Failure } from '../../linux/injection/fail-function.js';
import type { FailurePlan } from '../../linux/injection/failure-plan.js';
import { ModuleHistory } from '../../linux/kallsyms/module-history.js';
import { type ModuleListing, Modules } from '../../linux/kallsyms/modules.js';
import { LinuxKernel } from '../../linux/kernel.js';
import { memoryComplaint } from '../../linux/mm/memory-size.js';
import type { NativeMode } from '../../linux/native/native-code.js';
import type { FaultReport } from '../../linux/traps/report.js';
import { unsupportedParameters } from '../../linux/unsupported-parameters.js';
import type { LinuxTarget } from '../../target/index.js';
import { BaseMachine, type ModuleEvent, type Stuck } from '../base-machine.js';
import { MachineError, type SystemError } from '../errors.js';
import type { Leak } from '../leaks.js';
import { deathMessage } from '../processes.js';
import type { ReportedFault } from '../reported-fault.js';
import { CapturedOutput, type Terminal } from '../terminal.js';
import { type BootOutcome, loadBootModules } from './boot-modules.js';
import { type BootOptions, withDefaults } from './defaults.js';
import { linuxError } from './errors.js';
import { MachineFileSystem } from './file-system.js';
import type { I2cPlace } from './hardware/i2c-hardware.js';
import { LinuxHardware } from './hardware/linux-hardware.js';
import { hostTreeOf } from './host-tree.js';
import { leaksSince } from './leaks.js';
import type { MachineOptions } from './machine-options.js';
import { openTree } from './open-tree.js';
import { splitParameters } from './parameters.js';
import { LinuxProcesses } from './processes.js';
import { reportedFault } from './run-report.js';
import { Shell } from './shell/shell.js';
import { type TaintEntry, taintsOf } from './taints.js';
import { machineHost, machineSystem } from './userland/machine-host.js';
import { MachineKernel } from './userland/machine-kernel.js';
import { Udev } from './userland/udev.js';

export type { MachineOptions } from './machine-options.js';
export type { NativeMode };

/** Virtual time after which a task that sleeps hangs (CONFIG_DEFAULT_HUNG_TASK_TIMEOUT). */
const HUNG_NS = 120e9;

/** Virtual time that udevd gets to load what a device wants. */
const UDEV_NS = 20e6;

/** What a command line came to. */
export interface CommandEnd {
  /** Exit status, as a shell has it. */
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It waits for something that will never come. */
  readonly hangs: boolean;
}

/**
 * A machine with a booted Linux base kernel: a kernel that modules can be loaded into, and used. What fails throws MachineError, with
 * the errno, and the fault and its call trace where there was one.
 */
export class Machine extends BaseMachine<LinuxKernel> {
  readonly tree: ModuleTree;
  readonly files: FileSource;
  /** Files of the host that commands may name; undefined while a script of the image runs. */
  hostFiles: FileSource | undefined;
  readonly archive: ModuleHistory;
  /** System calls on files. */
  readonly fs: MachineFileSystem;
  /** The kernel as the module commands act on it. */
  readonly system: MachineKernel;
  private buses: LinuxHardware | undefined;
  private udev: Udev | undefined;
  private readonly failures: FailurePlan | undefined;
  /** Sequence number that `dmesg -c` cleared the log up to. */
  logCleared = 0;

  private constructor(options: MachineOptions) {
    const { target } = options;
    const files = options.files ?? new MemoryFiles();
    const kernel = new LinuxKernel(target, {
      cmdline: options.cmdline ?? '',
      seed: options.seed ?? 0,
      lenient: options.lenient ?? false,
      ...(options.native && { native: options.native }),
      ...(options.trust && { trust: options.trust }),
      ...(options.memory && { memory: options.memory }),
      ...(options.translations && { translations: options.translations }),
      ...(options.interrupt && { interrupt: options.interrupt }),
      ...(options.workLimit !== undefined && { workLimit: options.workLimit }),
      files: hostTreeOf(files),
    });
    super(kernel, new LinuxProcesses(kernel));
    this.files = files;
    this.uid = options.uid ?? 0;
    this.failures = options.failures;
    this.failures?.attach(kernel);
    this.tree = options.tree ?? openTree(options);
    this.hostFiles = options.hostFiles;
    this.archive = kernel.get(ModuleHistory);
    this.fs = new MachineFileSystem(this);
    this.system = new MachineKernel(kernel);
    kernel.get(Modules).requestModule = (name) => this.requestModule(name);
  }

  /**
   * Boots a machine. Without a target it is the kernel that comes with the library (MachineError where the library has none: see
   * `setBootDefaults`).
   */
  static boot(options: BootOptions = {}): Machine {
    return new Machine(withDefaults(options));
  }

  /** The kernel that it is. */
  get target(): LinuxTarget {
    return this.kernel.target;
  }

  /** What the boot parameters ask for and do not get: a line each. */
  get complaints(): readonly string[] {
    const { cmdline } = this.kernel;
    const complaint = memoryComplaint(cmdline);
    return [...(complaint === undefined ? [] : [complaint]), ...unsupportedParameters(cmdline)];
  }

  /** The user that processes run as. */
  get uid(): number {
    return this.kernel.get(TaskCredentials).uid;
  }

  set uid(uid: number) {
    this.kernel.get(TaskCredentials).uid = uid;
  }

  /** Does something while processes run as another user. */
  as<T>(uid: number, body: () => T): T {
    const before = this.uid;
    this.uid = uid;
    try {
      return body();
    } finally {
      this.uid = before;
    }
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

  /** Loads what modules-load.d and `modules-load=` ask for, as a system does when it boots. What fails is told and stops nothing. */
  loadBootModules(): BootOutcome {
    return loadBootModules(this);
  }

  /**
   * Runs a command line in a shell of its own. A command that fails is no error: it has an exit status. See `Shell` for one that
   * remembers directory and variables.
   */
  exec(commandLine: string): CommandEnd {
    const output = new CapturedOutput();
    const { exit, hangs } = new Shell(this, output).run(commandLine, true);
    return { exit, stdout: output.stdout, stderr: output.stderr, hangs };
  }

  /** Loads a module's file: its content, packed or not. */
  insmod(content: Uint8Array, args = '', path = 'module.ko'): void {
    this.demand((terminal) => {
      const start = { terminal, given: { file: new ModuleFile(path, content), name: moduleNameOf(path) } };
      return insmodFile(machineSystem(this, 'insmod', start), path, args, {});
    }, 'insmod');
  }

  /** Loads a module by name or alias, with what it depends on, out of the file tree. `args` as insmod has them: `a=1 b="x y"`. */
  modprobe(name: string, args = ''): void {
    const words = ['--', name, ...splitParameters(args)];
    this.demand((terminal) => this.runModprobe(terminal, words), 'modprobe');
  }

  /** Loads a module's file with what it depends on, out of the file tree: `modprobe PATH`. */
  modprobeFile(file: ModuleFile, args = ''): void {
    const words = ['--first-time', '--', file.path, ...splitParameters(args)];
    const given = { file, name: moduleNameOf(file.path) };
    this.demand((terminal) => this.runModprobe(terminal, words, given), 'modprobe');
  }

  /** Removes a module. */
  rmmod(name: string): void {
    this.demand((terminal) => rmmod(machineHost(this, { terminal }), ['--', name]), 'rmmod');
  }

  /** Removes a module and what it used that nobody needs now. */
  modprobeRemove(name: string): void {
    this.demand((terminal) => this.runModprobe(terminal, ['-r', '--', name]), 'modprobe');
  }

  /**
   * Plugs a simulated device in: the kernel finds it, drivers that are loaded get to see it. Gives the device, as models and tests see it. `slot`: on the PCI bus, the
   * first that is free by default; `bus` and `address`: of a chip on I2C, bus 0 and the model's own address by default.
   */
  plug<D>(model: PciModel<D> | I2cModel<D>, where: { readonly slot?: number } & I2cPlace = {}): D {
    const { hardware } = this;
    const device = this.perform(`plug ${model.name}`, () =>
      model.bus === 'i2c' ? hardware.plugI2c(model, where) : hardware.plugPci(model, where.slot),
    );
    if (this.udev) this.sleep(UDEV_NS);
    return device;
  }

  /** Starts udevd: from now on modules are loaded for devices that come. */
  startUdev(): void {
    this.udev ??= new Udev(this);
  }

  /** The machine again has nobody who loads modules. */
  stopUdev(): void {
    this.udev?.stop();
    this.udev = undefined;
  }

  /**
   * Plugs in devices that run beside the machine, in real time: what is on their bus. From then on idle time is real time, and runs are not the same
   * each time. Throws what starting them throws.
   */
  plugBoard(board: PciBoard): readonly unknown[] {
    const { hardware } = this;
    const functions = hardware.boards.start(board);
    return this.perform(`plug ${board.name}`, () => hardware.boards.plug(functions));
  }

  /** Ends the machine; devices beside it end, too. */
  override release(): WebAssembly.Memory {
    this.buses?.boards.stop();
    return super.release();
  }

  /**
   * Pulls a device out of the running machine. In the midst of something, called by a device's model say, the device is gone at once, and the kernel
   * finds out when it gets to it. Nothing tells a kernel that a chip on I2C is gone: its client stays, and nobody acknowledges its address
   * any more.
   */
  unplug(device: unknown): void {
    if (this.kernel.scheduler.isRunning) this.hardware.unplugNow(device);
    else this.perform('unplug', () => this.hardware.unplug(device));
  }

  /** The name of the driver that a device is bound to; undefined where it is bound to none. */
  driverOf(device: unknown): string | undefined {
    return this.hardware.driverOf(device);
  }

  /**
   * Lets one call of a module fail, the n-th from now on of those that can (allocations, mappings, registrations), to see what its error path does.
   */
  failNth(n: number): Failure {
    return this.kernel.get(FailFunction).failNth(n);
  }

  private get hardware(): LinuxHardware {
    this.buses ??= new LinuxHardware(this.kernel, this.failures);
    return this.buses;
  }

  /** The loaded modules, newest first, as /proc/modules has them. */
  lsmod(): readonly ModuleListing[] {
    return this.kernel.get(Modules).listing();
  }

  /** The kernel log from a sequence number on: what `log` has. */
  dmesg(from = 0): readonly LogRecord[] {
    return this.log.since(from);
  }

  /** Lines of the log with a level below this come to the console: the first number of /proc/sys/kernel/printk. */
  get consoleLevel(): number {
    return this.kernel.space.load32(this.kernel.symbol('console_printk'));
  }

  set consoleLevel(level: number) {
    this.kernel.space.store32(this.kernel.symbol('console_printk'), level);
  }

  leaks(): readonly Leak[] {
    return leaksSince(this.kernel, this.archive, 0);
  }

  faults(from = 0): readonly ReportedFault[] {
    return this.kernel.traps.reports.slice(from).map(reportedFault);
  }

  /** Further faults that were counted and not kept, of kinds that {@link faults} has many of. */
  get faultsNotKept(): number {
    return this.kernel.traps.suppressed;
  }

  /** What the kernel is tainted with, and who caused it; bit 0 first. */
  get taints(): readonly TaintEntry[] {
    return taintsOf(this.kernel);
  }

  /** A function that a loaded module exports, else any symbol of one. */
  protected functionNamed(name: string): Ptr | undefined {
    const modules = this.kernel.get(Modules).list();
    for (const module of modules) {
      const exported = module.exports.get(name);
      if (exported) return exported.address;
    }
    for (const module of modules) {
      const address = module.symbolNamed(name);
      if (address !== undefined) return address;
    }
    return undefined;
  }

  protected onModule(listener: (event: ModuleEvent) => void): () => void {
    return this.kernel.get(Modules).listen({
      published: ({ name }) => listener({ name, state: 'coming' }),
      wentLive: ({ name }) => listener({ name, state: 'live' }),
      removed: ({ name }) => listener({ name, state: 'gone' }),
    });
  }

  protected reported(fault: Fault): ReportedFault {
    // The kernel's reports of faults are what its probes tell of.
    return reportedFault(fault as FaultReport);
  }

  protected systemError(name: string): SystemError | undefined {
    const errno = errnoNumber(name);
    return errno === undefined ? undefined : linuxError(errno);
  }

  protected reportStuck(stuck: Stuck): void {
    const { traps } = this.kernel;
    switch (stuck.kind) {
      case 'stopped':
        traps.stuck.stopped(stuck.task, stuck.reason);
        break;
      case 'endless':
        traps.stuck.endless(stuck.task, stuck.turns);
        break;
      case 'hung':
        this.reportHung(stuck.task);
    }
  }

  /** A command does not end: the tasks that wait without end, or where there is none the command itself. */
  private reportHung(command: Task | undefined): void {
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

  /** Runs a command that has to succeed. */
  private demand(body: (terminal: CapturedOutput) => Sleepable<number>, name: string): void {
    const known = this.kernel.traps.reports.length;
    this.forgetFailure();
    const before = this.log.mark;
    const { exit, stderr, hangs } = this.process(name, body);
    if (exit === 0) return;
    const text = withoutDeath(stderr, exit).trim();
    // Who was killed had no time to say why.
    if (hangs || (text === '' && this.faults(known).length > 0)) throw this.failure(name, hangs, known);
    const { failure } = this.system;
    throw new MachineError(text || `${name} failed: ${this.lastLine(before)}`, {
      error: failure && linuxError(failure.errno),
      fault: this.faults(known)[0],
    });
  }

  private forgetFailure(): void {
    this.system.failure = undefined;
  }

  private lastLine(from: number): string {
    return this.log.since(from).at(-1)?.text ?? 'no reason was logged';
  }

  /** /sbin/modprobe -q -- NAME, on behalf of the kernel. */
  private *requestModule(name: string): Sleepable<number> {
    const body = this.runModprobe(new CapturedOutput(), ['-q', '--', name]);
    return yield* this.processes.run('modprobe', body);
  }

  /** The body of a modprobe process. `given`: a file that one of the words is the path of. */
  runModprobe(terminal: Terminal, args: readonly string[], given?: GivenModule): Sleepable<number> {
    return modprobe(machineHost(this, { terminal, given }), args);
  }
}

/** What a command itself said, without what a shell says of its end. */
function withoutDeath(stderr: string, exit: number): string {
  const death = deathMessage(exit);
  return stderr.endsWith(death) ? stderr.slice(0, stderr.length - death.length) : stderr;
}
