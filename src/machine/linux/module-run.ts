import type { ModuleFile } from '../../formats/module-file.js';
import { moduleNameOf } from '../../kmod/index.js';
import type { LoadedModule } from '../../linux/kallsyms/loaded-module.js';
import { type ModuleListing, Modules } from '../../linux/kallsyms/modules.js';
import { LeftBehinds } from '../../linux/module/left-behind.js';
import { hangText, type ProcessEnd } from '../base-machine.js';
import type { ReportedFault } from '../reported-fault.js';
import type { ExecResult, RunReport } from '../run-report.js';
import { linesOf } from '../terminal.js';
import { leaksSince } from './leaks.js';
import type { Machine } from './machine.js';
import { errnoField } from './run-report.js';
import { taintsOf } from './taints.js';
import { unboundDrivers } from './unbound.js';

/** What to run: a file at hand, or a name to find in the machine's tree. */
export type RunSubject =
  | { readonly kind: 'file'; readonly file: ModuleFile }
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

const NOTHING_DONE: ProcessEnd = { exit: 0, stdout: '', stderr: '', hangs: false };
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
    this.name = subject.kind === 'name' ? subject.name : moduleNameOf(subject.file.path);
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
    const remove = options.keep ? NOTHING_DONE : this.remove();
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

  /** A file goes in by modprobe as what the tree has does. That it is loaded already is an error: what is, is another file. */
  private load(): ProcessEnd {
    const { subject } = this;
    const words = subject.kind === 'file' ? ['--first-time', '--', subject.file.path] : ['--', subject.name];
    return this.modprobe(['-v', ...words, ...(this.options.parameters ?? [])], 0);
  }

  private remove(): ProcessEnd {
    const { subject } = this;
    if (subject.kind === 'name') return this.modprobe(['-v', '-r', '--', subject.name], AFTERWARDS_NS);
    const modules = this.machine.kernel.get(Modules);
    if (!this.loaded || !modules.list().includes(this.loaded)) return NOTHING_DONE;
    return this.modprobe(['-v', '-r', '--first-time', '--', subject.file.path], AFTERWARDS_NS);
  }

  private modprobe(words: readonly string[], settle: number): ProcessEnd {
    const { machine, subject, name } = this;
    const given = subject.kind === 'file' ? { file: subject.file, name } : undefined;
    const end = machine.process(
      'modprobe',
      (terminal) => machine.runModprobe(terminal, words, given),
      settle,
    );
    return this.ended('modprobe', end);
  }

  private ended(name: string, end: ProcessEnd): ProcessEnd {
    if (!end.hangs) return end;
    return {
      ...end,
      stderr: `${end.stderr}modbox: ${hangText(name)}\n`,
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
        ? module.file === subject.file.path
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
