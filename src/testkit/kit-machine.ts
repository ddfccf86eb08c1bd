import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { machineOptions, subjectOf } from '../cli/open-machine.js';
import {
  type CommandEnd,
  FailurePlan,
  Machine,
  MachineError,
  type MachineOptions,
  type ModuleFile,
  moduleNameOf,
  type PciModel,
  type ReportedFault,
  type RunSubject,
  saidBy,
} from '../index.js';
import { behind, deviceHandle, type Holder } from './device-handle.js';
import { chosenSites, type Failure, type FailureOptions } from './failures.js';
import { KitFiles } from './kit-files.js';
import { findingsText, isClean, type Outcome, outcomeOf } from './outcome.js';

/** How a test's machine is to be. */
export interface KitOptions {
  /** The kernel to be: by default the one whose vermagic the first module has, else the one that comes with modbox. */
  readonly target?: string;
  /** The machine's file tree, a folder or a package: by default the one that the module's file lies in. */
  readonly root?: string;
  /** Kernel boot parameters. */
  readonly cmdline?: string;
  readonly seed?: number;
}

type Step = (machine: Machine) => unknown;

/** Memory of machines that are gone: a new one takes it, which is a good deal faster than new memory. */
const spare: WebAssembly.Memory[] = [];

/** What machines were booted from, with their trees opened. */
const known = new Map<string, MachineOptions>();

/** The machine of a test. It boots when something needs it, and what is done to it is kept, so that it can be done again. */
export class KitMachine {
  /** System calls on the machine's files. */
  readonly fs = new KitFiles(<T>(step: (machine: Machine) => T) => this.act(step));
  private booted: Machine | undefined;
  private subject: RunSubject | undefined;
  private journal: Step[] = [];
  /** How much of the journal the booted machine has seen. */
  private done = 0;
  private readonly holders: Holder[] = [];

  constructor(private readonly options: KitOptions = {}) {}

  /** The machine itself, for what the kit has no word for. What is done to it directly is not done again by failures(). */
  get machine(): Machine {
    this.booted ??= this.boot();
    while (this.done < this.journal.length) this.again(this.journal[this.done++], this.booted);
    return this.booted;
  }

  /**
   * Plugs a device in. Gives the device as models and tests see it, and it stays that while the machine is booted again.
   * `slot`: of the PCI bus, the first that is free by default.
   */
  plug<D extends object>(model: PciModel<D>, where: { readonly slot?: number } = {}): D {
    const holder: Holder = { device: undefined };
    this.holders.push(holder);
    this.later((machine) => {
      holder.device = machine.plug(model, where);
    });
    return deviceHandle<D>(holder, {
      machine: this,
      current: (of) => {
        void this.machine;
        if (!of.device) throw new Error(`${model.name} is not plugged in`);
        return of.device;
      },
      act: (of, action) => this.act(() => action(of.device as object)),
    });
  }

  /** Pulls a device out of the running machine. */
  unplug(device: object): void {
    const { holder } = behind(device);
    this.act((machine) => machine.unplug(holder.device));
  }

  /** The driver that a device is bound to. */
  driverOf(device: object): string | undefined {
    const { machine } = this;
    return machine.driverOf(behind(device).holder.device);
  }

  /**
   * Loads a module's file, with what it depends on: files beside it, and modules of the file tree. The first one decides which kernel the machine is.
   * Throws MachineError where the kernel refuses it or its init fails.
   */
  insmod(path: string, args = ''): void {
    const given = subjectOf(resolve(path));
    if (given.kind !== 'file') throw new TypeError(`${path} is no file: modprobe() takes names`);
    if (this.subject === undefined) this.becomeFor(given);
    const { file } = given;
    for (const sibling of siblingsOf(file)) this.needs(sibling);
    this.act((machine) => machine.modprobeFile(file, args));
  }

  /** Loads a module of the file tree by name or alias. */
  modprobe(name: string, args = ''): void {
    this.act((machine) => machine.modprobe(name, args));
  }

  rmmod(name: string): void {
    this.act((machine) => machine.rmmod(name));
  }

  /** Runs a command line in the machine's shell. */
  exec(commandLine: string): CommandEnd {
    return this.act((machine) => machine.exec(commandLine));
  }

  /** Lets virtual time pass, nanoseconds. */
  sleep(nanoseconds: number): void {
    this.act((machine) => machine.sleep(nanoseconds));
  }

  /** The text of a file. */
  read(path: string): string {
    return this.act((machine) => machine.fs.readText(path));
  }

  /** Writes to a file, as `echo -n TEXT > PATH` does. */
  write(path: string, text: string): void {
    this.act((machine) => machine.fs.writeFile(path, text));
  }

  /** The lines of the kernel log. */
  get log(): readonly string[] {
    return this.machine.dmesg().map(({ text }) => text);
  }

  /** Faults, warnings and misuses since boot. */
  get reports(): readonly ReportedFault[] {
    return this.machine.faults();
  }

  /**
   * What may go wrong while `body` runs: each call of the kernel that can fail, each access at which a device can be pulled out, each interrupt that can
   * be lost or come twice. `run()` boots a machine of its own, does all that was done to this one, and then `body` with that one failure; afterwards everything is
   * unloaded. `body` is to act on this machine and its devices.
   */
  *failures(body: () => void, options: FailureOptions = {}): Generator<Failure> {
    const all = new FailurePlan();
    this.attempt(body, all);
    for (const { index, site } of chosenSites(all.sites, options))
      yield { ...site, run: () => this.attempt(body, new FailurePlan(index)) };
  }

  /** Unloads everything and looks at what is left. */
  finish(): Outcome {
    // A test that did nothing with its machine needs none.
    if (this.booted === undefined && this.journal.length === 0) return { reports: [], leaks: [], left: [] };
    this.fs.closeAll();
    return outcomeOf(this.machine);
  }

  /** finish(), and throws where something was found. */
  demandClean(): void {
    const outcome = this.finish();
    this.release();
    if (!isClean(outcome)) throw new Error(`modbox found:\n${findingsText(outcome)}`);
  }

  /** Gives the machine's memory to the next one. */
  private release(): void {
    if (this.booted) spare.push(this.booted.release());
    this.booted = undefined;
    this.journal = [];
  }

  private boot(failures?: FailurePlan): Machine {
    const options = this.bootOptions();
    const memory = spare.pop();
    this.done = 0;
    const machine = Machine.boot({ ...options, ...(failures && { failures }), ...(memory && { memory }) });
    // To look at a tree's thousands of files again takes longer than all else.
    known.set(this.key, { ...options, tree: machine.tree });
    return machine;
  }

  /** What tells apart machines that are booted from different things. */
  private get key(): string {
    const { subject } = this;
    return JSON.stringify([this.options, subject?.kind === 'file' ? subject.file.path : '']);
  }

  private bootOptions(): MachineOptions {
    const { seed, ...rest } = this.options;
    const flags = { ...rest, ...(seed !== undefined && { seed: String(seed) }) };
    return known.get(this.key) ?? machineOptions(flags, this.subject);
  }

  /** The first file decides what machine it is; one that runs already is booted anew as that. */
  private becomeFor(subject: RunSubject): void {
    this.subject = subject;
    this.booted = undefined;
  }

  /** Loads what a module needs and lies beside it, unless it is there already. */
  private needs(file: ModuleFile): void {
    const name = moduleNameOf(file.path);
    if (this.machine.lsmod().some((entry) => entry.name === name)) return;
    for (const sibling of siblingsOf(file)) this.needs(sibling);
    this.act((machine) => machine.modprobeFile(file));
  }

  private later(step: Step): void {
    this.journal.push(step);
    if (this.booted) void this.machine;
  }

  private act<T>(step: (machine: Machine) => T): T {
    const { machine } = this;
    this.journal.push(step);
    this.done++;
    return step(machine);
  }

  /** What failed the first time fails again. */
  private again(step: Step, machine: Machine): void {
    try {
      step(machine);
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
    }
  }

  /** Does `body` to a machine like this one, with one failure. */
  private attempt(body: () => void, plan: FailurePlan): Outcome {
    void this.machine;
    const kept = { booted: this.booted, done: this.done, length: this.journal.length };
    const opened = [...this.fs.opened];
    const devices = this.holders.map(({ device }) => device);
    const states = devices.map((device) =>
      structuredClone((device as { state?: unknown } | undefined)?.state),
    );
    this.booted = this.boot(plan);
    const { booted } = this;
    try {
      void this.machine;
      this.holders.forEach(({ device }, i) => {
        restoreState(device, states[i]);
      });
      plan.begin();
      const error = failureOf(body);
      plan.end();
      if (plan.pulled !== undefined) booted.unplug(plan.pulled);
      this.fs.closeAll();
      return outcomeOf(booted, error);
    } finally {
      this.booted = kept.booted;
      this.done = kept.done;
      this.journal.length = kept.length;
      this.fs.reopen(opened);
      this.holders.forEach((holder, i) => {
        holder.device = devices[i];
      });
      spare.push(booted.release());
    }
  }
}

/** State of a device that a test has changed by hand, which its machine's journal knows nothing of. */
function restoreState(device: object | undefined, state: unknown): void {
  if (device && typeof state === 'object' && state !== null)
    Object.assign((device as { state: object }).state, state);
}

function failureOf(body: () => void): MachineError | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  }
}

/** Files beside a module's that it depends on. */
function siblingsOf(file: ModuleFile): ModuleFile[] {
  const folder = dirname(file.path);
  // What is wrong with the file is told when it is loaded.
  const names = saidBy(file, ({ depends }) => depends) ?? [];
  return names.flatMap((name) => {
    const path = [name, name.replaceAll('_', '-')]
      .map((one) => join(folder, `${one}.ko`))
      .find((one) => existsSync(one));
    const subject = path === undefined ? undefined : subjectOf(path);
    return subject?.kind === 'file' ? [subject.file] : [];
  });
}
