import type { Ptr } from '../../cpu/layout.js';
import type { TranslationStore } from '../../cpu/runtime/code-cache.js';
import { type FileSource, infoOf, MemoryFiles } from '../../files/file-source.js';
import { EEXIST, errnoNumber } from '../../freebsd/errno.js';
import type { FaultReport } from '../../freebsd/kern/reports.js';
import { SleepQueues } from '../../freebsd/kern/sleepqueue.js';
import { Turnstiles } from '../../freebsd/kern/turnstile.js';
import { FreebsdKernel } from '../../freebsd/kernel.js';
import { KernLinker } from '../../freebsd/linker/kern-linker.js';
import type { LinkerFile } from '../../freebsd/linker/linker-file.js';
import type { Effect, Sleepable } from '../../kernel/effects.js';
import type { HostTree } from '../../kernel/files/index.js';
import type { Fault } from '../../kernel/probes.js';
import type { Interruption } from '../../kernel/task/interruption.js';
import type { Task } from '../../kernel/task/task.js';
import type { KldHost, KldTool } from '../../kld/host.js';
import type { BootRequest } from '../../kld/loader/loader.js';
import type { FreebsdTarget } from '../../target/index.js';
import { BaseMachine, type ModuleEvent, type ProcessEnd, type Stuck } from '../base-machine.js';
import { MachineError, type SystemError } from '../errors.js';
import type { Leak } from '../leaks.js';
import { addressText, type ReportedFault } from '../reported-fault.js';
import type { ListedModule } from '../run-report.js';
import { CapturedOutput, type Terminal } from '../terminal.js';
import { freebsdError } from './errors.js';
import { FreebsdFileSystem } from './file-system.js';
import { KldCalls } from './kld-calls.js';
import { leaksSince } from './leaks.js';
import { type BootPlan, complaintsOf, hasLoaderConf, planByConf, planOf } from './loader.js';
import { FreebsdProcesses } from './processes.js';
import { FreebsdShell } from './shell/shell.js';
import { FreebsdSockets } from './sockets.js';
import { TreeFiles } from './tree-files.js';
import { type Program, type RunningProcess, UserProcess } from './user-process.js';

export interface FreebsdMachineOptions {
  /** The kernel to be. */
  readonly target: FreebsdTarget;
  /** The machine's file tree: /boot/kernel, /boot/modules, ... Read only. */
  readonly files?: FileSource;
  /** The kernel's environment: tunables, hints. */
  readonly environment?: ReadonlyMap<string, string>;
  /**
   * What the loader hands over: by default what loader.conf(5) of the tree asks for, if there is one; false: nothing, whatever the tree says;
   * or what was asked for at its prompt.
   */
  readonly loader?: BootRequest | false;
  /** Decides interleavings and random numbers. */
  readonly seed?: number;
  /** Keeps translations of machine code between processes; false: each process makes its own. */
  readonly translations?: TranslationStore | false;
  /** Memory of a machine that is no longer needed: see BaseMachine.release. */
  readonly memory?: WebAssembly.Memory;
  readonly interrupt?: () => Interruption | undefined;
  readonly workLimit?: number;
}

/** A machine with a booted FreeBSD base kernel: klds can be loaded into it, and used. What fails throws MachineError. */
export class FreebsdMachine extends BaseMachine<FreebsdKernel> {
  /** Its file tree as programs read it. */
  readonly tree: TreeFiles;
  /** System calls on files. */
  readonly fs: FreebsdFileSystem;
  /** System calls on sockets. */
  readonly sockets: FreebsdSockets;
  /** kldload(2) and its kin. */
  readonly klds: KldCalls;
  /** Messages up to here `dmesg -c` has forgotten: a record's number. */
  logCleared = 0;

  private constructor(
    options: FreebsdMachineOptions,
    files: FileSource,
    /** What the loader said. */
    readonly loaderSaid: string,
  ) {
    const kernel = new FreebsdKernel(options.target, {
      seed: options.seed ?? 0,
      ...(options.environment && { environment: options.environment }),
      ...(options.memory && { memory: options.memory }),
      ...(options.translations && { translations: options.translations }),
      ...(options.interrupt && { interrupt: options.interrupt }),
      ...(options.workLimit !== undefined && { workLimit: options.workLimit }),
      files: hostTreeOf(files),
    });
    super(kernel, new FreebsdProcesses(kernel));
    this.tree = new TreeFiles(kernel.files);
    this.fs = new FreebsdFileSystem(kernel, (what, body) => this.perform(what, body));
    this.sockets = new FreebsdSockets(kernel, (what, body) => this.perform(what, body));
    this.klds = new KldCalls(kernel);
  }

  static boot(options: FreebsdMachineOptions): FreebsdMachine {
    const files = options.files ?? new MemoryFiles();
    const plan = bootPlan(options, files);
    const machine = new FreebsdMachine({ ...options, environment: plan.environment }, files, plan.said);
    for (const path of plan.klds) machine.preload(path);
    return machine;
  }

  /** Links a file that the loader handed over; what another one needed is there by now. What fails is logged, and no more than that. */
  private preload(path: string): void {
    const result = this.process('kernel', () => this.linked(path));
    if (result.exit === 0) return;
    this.kernel.log.line(`KLD file ${path.slice(path.lastIndexOf('/') + 1)} - could not finalize loading`);
  }

  private *linked(path: string): Sleepable<number> {
    const result = yield* this.klds.load(path);
    return 'errno' in result && result.errno !== EEXIST ? 1 : 0;
  }

  /** What went wrong in the loader, as it told of it. */
  get loaderComplaints(): readonly string[] {
    return complaintsOf(this.loaderSaid);
  }

  /** The kernel that it is. */
  get target(): FreebsdTarget {
    return this.kernel.target;
  }

  /** Loads a kld by its path or its module's name: the file's id. */
  kldload(name: string): number {
    const result = this.perform(`kldload ${name}`, () => this.klds.load(name));
    if (!('errno' in result)) return result.value;
    const error = freebsdError(result.errno);
    const said = this.log.since(0).at(-1)?.text;
    throw new MachineError(`kldload ${name}: ${error.text}${said ? `: ${said}` : ''}`, { error });
  }

  /** Unloads a file by its name. */
  kldunload(name: string, force = false): void {
    const found = this.klds.find(name);
    if ('errno' in found) throw this.refused(`kldunload ${name}`, found.errno);
    const result = this.perform(`kldunload ${name}`, () => this.klds.unload(found.value, force));
    if ('errno' in result) throw this.refused(`kldunload ${name}`, result.errno);
  }

  private refused(what: string, errno: number): MachineError {
    const error = freebsdError(errno);
    return new MachineError(`${what}: ${error.text}`, { error });
  }

  /** The files in the kernel, the kernel itself first; without those that are parts of it. */
  kldstat(): readonly LinkerFile[] {
    return this.kernel.get(KernLinker).files.filter(({ linked, builtIn }) => linked && !builtIn);
  }

  /** Starts a process, which runs besides others whenever something is run. */
  spawn(name: string, program: Program): RunningProcess {
    const { kernel } = this;
    const process = new UserProcess(kernel);
    let end: number | MachineError | undefined;
    const task = this.processes.spawn(
      name,
      (function* () {
        end = yield* process.run(program);
        return typeof end === 'number' ? end : 1;
      })(),
    );
    const { pid } = kernel.processes.processOf(task);
    const known = this.faults().length;
    const wait = (): number => {
      const ended = task.ended || this.runUntilEnd(task, 0);
      if (end instanceof MachineError) throw end;
      if (end === undefined) throw this.failure(name, !ended, known);
      return end;
    };
    return { task, pid, wait, kill: () => process.kill(task) };
  }

  /** Runs a program of FreeBSD's, as a process. */
  tool(name: string, tool: KldTool, args: readonly string[]): ProcessEnd {
    return this.process(name, (terminal) => this.runTool(tool, args, terminal));
  }

  /** Runs a command line: a command that fails is no error, it has an exit status. */
  exec(commandLine: string): ProcessEnd {
    const output = new CapturedOutput();
    const { exit, hangs } = new FreebsdShell(this, output).run(commandLine, true);
    return { exit, stdout: output.stdout, stderr: output.stderr, hangs };
  }

  /** A program of FreeBSD's within a process that is there already. */
  *runTool(
    tool: KldTool,
    args: readonly string[],
    terminal: Terminal,
    absolute = (path: string) => (path.startsWith('/') ? path : `/${path}`),
  ): Sleepable<number> {
    return yield* tool(this.hostOf(terminal, absolute), args);
  }

  private hostOf(terminal: Terminal, absolute: (path: string) => string): KldHost<Effect> {
    return {
      kernel: this.klds.from(absolute),
      files: this.tree,
      absolute,
      out: (data) => terminal.out(data),
      err: (text) => terminal.err(text),
    };
  }

  leaks(): readonly Leak[] {
    return leaksSince(this.kernel, 0);
  }

  faults(from = 0): readonly ReportedFault[] {
    return this.kernel.trap.reports.all.slice(from).map((fault) => this.reported(fault));
  }

  /** Further faults that were counted and not kept. */
  get faultsNotKept(): number {
    return this.kernel.trap.reports.suppressed;
  }

  /** Why the kernel has panicked; undefined while it runs. */
  get panicked(): string | undefined {
    return this.kernel.trap.panicked;
  }

  /** Files as reports list modules. */
  listing(): ListedModule[] {
    const files = this.kldstat();
    return files.slice(1).map((file) => ({
      name: file.filename,
      size: file.size,
      refcnt: file.refs,
      usedBy: files.filter(({ deps }) => deps.includes(file)).map(({ filename }) => filename),
      permanent: false,
      state: 'Live',
      taints: '',
    }));
  }

  protected functionNamed(name: string): Ptr | undefined {
    for (const file of this.kernel.get(KernLinker).files) {
      const symbol = file.symbol(name);
      if (symbol) return symbol.address;
    }
    return undefined;
  }

  protected onModule(listener: (event: ModuleEvent) => void): () => void {
    return this.kernel.get(KernLinker).listen(({ file, state }) => {
      if (state !== 'going') listener({ name: file.filename, state });
    });
  }

  protected reported(fault: Fault): ReportedFault {
    const report = fault as FaultReport;
    return { ...report, address: addressText(report.address) };
  }

  protected systemError(name: string): SystemError | undefined {
    const errno = errnoNumber(name);
    return errno === undefined ? undefined : freebsdError(errno);
  }

  protected reportStuck(stuck: Stuck): void {
    const { trap } = this.kernel;
    switch (stuck.kind) {
      case 'stopped':
        trap.stopped(stuck.task, stuck.reason);
        break;
      case 'endless':
        trap.endless(stuck.task, stuck.turns);
        break;
      case 'hung':
        if (stuck.task) trap.hung(stuck.task, this.waitOf(stuck.task));
    }
  }

  /** What a thread sleeps for, in words. */
  private waitOf(task: Task): string {
    const { kernel } = this;
    const lock = kernel.get(Turnstiles).waitOf(task);
    if (lock !== undefined) return lock;
    const message = kernel.get(SleepQueues).messageOf(task);
    return message === undefined ? 'nobody knows what' : `"${message}"`;
  }
}

function bootPlan(options: FreebsdMachineOptions, files: FileSource): BootPlan {
  const { target, loader, environment = new Map() } = options;
  if (loader) return planOf(loader);
  if (loader === false || !hasLoaderConf(files)) return { environment, klds: [], said: '' };
  return planByConf({ target, files, environment });
}

/** A file source as the file tree of a kernel sees the world outside. */
function hostTreeOf(files: FileSource): HostTree {
  return {
    entry: (path) => infoOf(files, path) ?? (path === '/' ? ROOT : undefined),
    list: (path) => (files.list(path) ?? []).map(({ name }) => name),
    read: (path) => files.read(path) ?? new Uint8Array(),
    readLink: (path) => infoOf(files, path)?.target ?? '',
  };
}

const ROOT = { kind: 'directory', size: 0, mode: 0o755, mtime: 0 } as const;
