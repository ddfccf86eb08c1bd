import type { Sleepable } from '../kernel/effects.js';
import { moduleNameOf } from '../kmod/index.js';
import { moduleOptions } from '../kmod/tools/module-options.js';
import { strerror } from '../linux/errno.js';
import type { LoadedModule } from '../linux/kallsyms/loaded-module.js';
import { type ModuleListing, Modules } from '../linux/kallsyms/modules.js';
import { LeftBehinds } from '../linux/module/left-behind.js';
import { leaksSince } from './leaks.js';
import type { Machine, ProcessEnd } from './machine.js';
import { type ExecResult, errnoField, type ReportedFault, type RunReport } from './run-report.js';
import { taintsOf } from './taints.js';
import { unboundDrivers } from './unbound.js';
import { linesOf, type Terminal } from './userland/terminal.js';

/** What to run: a file at hand, or a name to find in the machine's tree. */
export type RunSubject =
  | { readonly kind: 'file'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: 'name'; readonly name: string };

export interface RunOptions {
  readonly parameters?: readonly string[];
  /** Leave the module loaded. */
  readonly keep?: boolean;
  /** Runs a shell command while the module is loaded. */
  readonly exec?: { readonly commands: readonly string[]; run(command: string): ExecResult };
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** How long booting took. */
  readonly bootMs: number;
  /** Told of each step of the run. */
  readonly onStep?: (step: 'loaded' | 'used' | 'removed') => void;
}

/** Virtual time after loading and after removing, for what was started to happen. */
const AFTERWARDS_NS = 200e6;

/** Loads a module into a machine, uses it, removes it, and tells what happened. */
export function runModule(machine: Machine, subject: RunSubject, options: RunOptions): RunReport {
  return new ModuleRun(machine, subject, options).report();
}

class ModuleRun {
  private name: string;
  private readonly startMark: number;
  private readonly instructionsBefore: number;
  /** The module itself, once it is in memory. */
  private loaded: LoadedModule | undefined;
  private moduleBytes = 0;
  private initBytes = 0;

  constructor(
    private readonly machine: Machine,
    private readonly subject: RunSubject,
    private readonly options: RunOptions,
  ) {
    this.name = subject.kind === 'name' ? subject.name : moduleNameOf(subject.path);
    this.startMark = machine.kernel.ledger.mark;
    this.instructionsBefore = machine.kernel.cpu.executed;
  }

  report(): RunReport {
    const { machine, options } = this;
    const { kernel } = machine;
    const heapBefore = kernel.ledger.bytes;
    this.watchSizes();
    const logStart = this.logLength();
    const started = options.now();
    const load = this.load();
    const loadMs = options.now() - started;
    const errno = errnoField(load.exit === 0 ? undefined : machine.system.failure?.errno);
    // The list is taken at once, as a script would; the log when what was started has had its moment.
    const modules = this.listing();
    machine.sleep(AFTERWARDS_NS);
    const dmesg = kernel.log.linesFrom(logStart);
    options.onStep?.('loaded');
    const exec = options.exec?.commands.map((command) => options.exec!.run(command)) ?? [];
    options.onStep?.('used');
    kernel.get(Modules).reportHidden();
    const unbound = unboundDrivers(kernel, this.loaded);
    const tainted = kernel.traps.taint.mask;
    const logRemove = this.logLength();
    const removing = options.now();
    const remove = options.keep ? { exit: 0, stdout: '', stderr: '', hangs: false } : this.remove();
    const removeMs = options.now() - removing;
    if (!options.keep && this.loaded?.state === 'Live') kernel.get(LeftBehinds).reportReferences(this.loaded);
    const leaks = leaksSince(kernel, machine.archive, this.startMark);
    // Nobody will go on with a line that was not ended, and it is not to be lost.
    kernel.log.flush();
    options.onStep?.('removed');
    return {
      module: this.name,
      modprobe: { exit: load.exit, insmod: this.verboseLines(load, 'insmod '), stderr: linesOf(load.stderr) },
      dmesg,
      modules,
      tainted,
      remove: {
        exit: remove.exit,
        rmmod: this.verboseLines(remove, 'rmmod '),
        stderr: linesOf(remove.stderr),
      },
      dmesgAfterRemove: kernel.log.linesFrom(logRemove),
      left: machine.lsmod().map(({ name }) => name),
      target: kernel.target.name,
      errno,
      exec,
      instructions: kernel.cpu.executed - this.instructionsBefore,
      unimplemented: [...kernel.traps.unimplemented],
      native: kernel.native?.use ?? null,
      limits: kernel.exports.usedLimits,
      faults: this.faults(),
      faultsNotKept: kernel.traps.suppressed,
      leaks,
      unbound,
      leftBehind: [...kernel.get(LeftBehinds).found],
      memory: {
        moduleBytes: this.moduleBytes,
        initBytesFreed: this.initBytes,
        heapPeakBytes: Math.max(0, kernel.ledger.peak - heapBefore),
        heapLeftBytes: leaks.reduce((sum, leak) => sum + leak.bytes, 0),
      },
      wallMs: { boot: round(options.bootMs), load: round(loadMs), remove: round(removeMs) },
      taints: taintsOf(kernel),
    };
  }

  private load(): ProcessEnd {
    const { machine, subject, options } = this;
    const parameters = options.parameters ?? [];
    const body = (terminal: Terminal): Sleepable<number> =>
      subject.kind === 'name'
        ? machine.runModprobe(terminal, ['-v', '--', subject.name, ...parameters])
        : this.insertGiven(subject, moduleOptions(parameters), terminal);
    return this.ended('modprobe', machine.process('modprobe', body, 0));
  }

  /** A file given by its path: what it depends on comes out of the tree, as modprobe would have it. */
  private *insertGiven(
    subject: Extract<RunSubject, { kind: 'file' }>,
    parameters: string,
    terminal: Terminal,
  ): Sleepable<number> {
    const { system } = this.machine;
    for (const dependency of this.machine.dependenciesOfFile(subject.bytes, subject.path)) {
      const status = yield* this.quietModprobe(terminal, ['--', dependency]);
      if (status !== 0) break;
    }
    terminal.out(`insmod ${subject.path} ${parameters}\n`);
    const result = yield* system.insert(subject.bytes, subject.path, parameters);
    if (result.errno === 0) return 0;
    terminal.err(`modprobe: ERROR: could not insert '${this.name}': ${strerror(result.errno)}\n`);
    if (result.why) terminal.err(`modbox: ${result.why}\n`);
    return 1;
  }

  private remove(): ProcessEnd {
    const { machine, subject } = this;
    const body = (terminal: Terminal): Sleepable<number> =>
      subject.kind === 'name'
        ? machine.runModprobe(terminal, ['-v', '-r', '--', subject.name])
        : this.removeGiven(subject, terminal);
    return this.ended('modprobe', machine.process('modprobe', body, AFTERWARDS_NS));
  }

  private *removeGiven(
    subject: Extract<RunSubject, { kind: 'file' }>,
    terminal: Terminal,
  ): Sleepable<number> {
    const { machine, name } = this;
    const { system } = machine;
    const modules = machine.kernel.get(Modules);
    if (!this.loaded || !modules.list().includes(this.loaded)) return 0;
    if (!modules.find(name)) {
      terminal.err(`modprobe: ERROR: Module ${name} is not currently loaded\n`);
      return 1;
    }
    if ((system.refcount(name) ?? 0) > 0 || system.holders(name).length > 0) {
      terminal.err(`modprobe: FATAL: Module ${name} is in use.\n`);
      return 1;
    }
    terminal.out(`rmmod ${name}\n`);
    const result = yield* system.remove(name, false);
    if (result.errno !== 0) {
      terminal.err(`modprobe: ERROR: could not remove '${name}': ${strerror(result.errno)}\n`);
      if (result.why) terminal.err(`modbox: ${result.why}\n`);
      return 1;
    }
    for (const dependency of machine.dependenciesOfFile(subject.bytes, subject.path).reverse())
      if (system.refcount(dependency) === 0) yield* this.quietModprobe(terminal, ['-r', '--', dependency]);
    return 0;
  }

  /** modprobe that shows what it does and does not say what goes wrong. */
  private *quietModprobe(terminal: Terminal, args: readonly string[]): Sleepable<number> {
    const silent: Terminal = { out: (data) => terminal.out(data), err: () => undefined };
    return yield* this.machine.runModprobe(silent, ['-v', ...args]);
  }

  private ended(name: string, end: ProcessEnd): ProcessEnd {
    if (!end.hangs) return end;
    return {
      ...end,
      stderr: `${end.stderr}modbox: ${name} hangs: it waits for something that does not come\n`,
    };
  }

  /** `insmod PATH OPTIONS` lines of modprobe -v, with paths below lib/modules/RELEASE. */
  private verboseLines(end: ProcessEnd, verb: string): string[] {
    const prefix = `${this.machine.tree.directory}/`;
    return linesOf(end.stdout)
      .filter((line) => line.startsWith(verb))
      .map((line) => line.slice(verb.length).trim())
      .map((line) => (line.startsWith(prefix) ? line.slice(prefix.length) : line));
  }

  private listing(): ModuleListing[] {
    return this.machine.lsmod().map((entry) => ({ ...entry, usedBy: [...entry.usedBy] }));
  }

  private logLength(): number {
    return this.machine.kernel.log.next;
  }

  private faults(): ReportedFault[] {
    return [...this.machine.faults()];
  }

  /** Notes the module's sizes while its init runs and after. */
  private watchSizes(): void {
    const { subject } = this;
    // A file may have another name than the module in it.
    const isIt = (module: LoadedModule): boolean =>
      subject.kind === 'file'
        ? module.file === subject.path
        : module.name === subject.name.replaceAll('-', '_');
    this.machine.kernel.get(Modules).listen({
      published: (module) => {
        if (!isIt(module)) return;
        this.loaded = module;
        if (subject.kind === 'file') this.name = module.name;
        const bytes = (init: boolean): number =>
          module.memory.filter((part) => part.init === init).reduce((sum, part) => sum + part.size, 0);
        this.moduleBytes = bytes(false);
        this.initBytes = bytes(true);
      },
    });
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
