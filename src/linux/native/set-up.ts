import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import { ENODEV } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { isAutomatic } from './automatic.js';
import type { BootCode, BootFunction } from './boot-code.js';
import { ptrOf } from './image-memory.js';
import type { NativeRules, SetUpState } from './rules.js';
import type { NativeSubsystem } from './subsystem.js';

/** Takes back what TypeScript has in a subsystem's place. */
export type TakesBack = () => undefined | Sleepable<void>;

/** A function that sets a subsystem up, while it runs. */
interface Running {
  readonly subsystem: NativeSubsystem;
  readonly by: string;
  readonly boot: BootFunction | undefined;
  /** What needed the subsystem while it was itself set up. */
  readonly outer: Running | undefined;
}

/** Where functions of the image are. */
interface Places {
  /** Place of the function of a name; -1 for none. */
  entryOf(name: string): number;
  addressOf(place: number): number;
  readonly boot: BootCode;
  readonly rules: Pick<NativeRules, 'inOrder'>;
}

/** Which subsystems are set up in a machine, and how one more is: by running what a boot would have run. */
export class SubsystemSetUp {
  /** Subsystems that are set up, or are about to be. */
  private readonly begun = new Set<NativeSubsystem>();
  /** Those that could not be set up, with the reasons. */
  private readonly failed = new Map<NativeSubsystem, string>();
  private readonly ran = new Set<number>();
  /** What is to happen before the first function of a subsystem runs, by the subsystem's name. */
  private readonly before = new Map<string, TakesBack[]>();
  /** By the task that does it. */
  private readonly runningIn = new Map<Ptr, Running>();

  constructor(private readonly k: LinuxKernel) {}

  get names(): readonly string[] {
    return [...this.begun].map(({ name }) => name);
  }

  get state(): SetUpState {
    return { subsystems: this.begun, ran: this.ran, now: this.running?.boot };
  }

  /** Whether anything is being set up, by whichever task. */
  get isBusy(): boolean {
    return this.runningIn.size > 0;
  }

  /** What the running task sets up, in words: what is found meanwhile is not the fault of who called. */
  get inWords(): string | undefined {
    return this.running && `native ${this.running.subsystem.name}: ${this.running.by}()`;
  }

  has(subsystem: NativeSubsystem): boolean {
    return this.begun.has(subsystem) && !this.failed.has(subsystem);
  }

  /** By the running task. */
  private get running(): Running | undefined {
    return this.isBusy ? this.runningIn.get(this.k.current) : undefined;
  }

  private set running(running: Running | undefined) {
    if (running) this.runningIn.set(this.k.current, running);
    else this.runningIn.delete(this.k.current);
  }

  /** The running task, which sets something up, ends: whoever needs that from now on is told why. */
  fail(reason: string): void {
    const why = `${this.inWords}: ${reason}`;
    for (let one = this.running; one; one = one.outer) {
      this.failed.set(one.subsystem, why);
      if (one.boot) this.ran.delete(one.boot.place);
    }
    this.running = undefined;
  }

  /** From when a subsystem is set up on it does what TypeScript has done so far, which takes it back first. */
  onSetUp(name: string, takeBack: TakesBack): void {
    this.before.set(name, [...(this.before.get(name) ?? []), takeBack]);
  }

  /** Sets subsystems up, one after the other, and before each what it needs. Throws Unimplemented where that cannot be done. */
  *setUp(subsystems: readonly NativeSubsystem[], places: Places): Sleepable<void> {
    for (const one of subsystems.flatMap((subsystem) => places.rules.inOrder(subsystem))) {
      const reason = this.failed.get(one);
      if (reason !== undefined) throw new Unimplemented(`native ${one.name}`, '', reason);
      if (this.begun.has(one)) continue;
      this.begun.add(one);
      for (const takeBack of this.before.get(one.name) ?? []) yield* this.k.wait(takeBack());
      for (const name of one.pernet ?? []) yield* this.registerPernet(one, name);
      for (const line of one.init) {
        const [name, ...words] = line.split(' ');
        yield* this.runInit(one, name, this.argumentsOf(words), places);
      }
      one.glue?.(this.k);
    }
  }

  /** Has the namespace's part of a subsystem made by its operations. A target that has no such operations has it by others. */
  private *registerPernet(subsystem: NativeSubsystem, name: string): Sleepable<void> {
    const { k } = this;
    const operations = k.addressOfNative(name);
    if (operations === undefined) return;
    const by = 'register_pernet_subsys';
    yield* this.runAs({ subsystem, by, boot: undefined }, k.fn(by), [operations], (result) => result !== 0);
  }

  /** Calls a function for a subsystem, which cannot be set up where what the function returns is a failure. */
  private *runAs(
    what: Omit<Running, 'outer'>,
    fn: Ptr,
    args: readonly Ptr[],
    isFailure: (result: number) => boolean,
  ): Sleepable<number> {
    const outer = this.running;
    this.running = { ...what, outer };
    const result = yield* this.callAsAtBoot(fn, args);
    if (isFailure(result)) {
      const { inWords } = this;
      const why = `it returns ${result}`;
      this.fail(why);
      throw new Unimplemented(`native ${what.subsystem.name}`, '', `${inWords}: ${why}`);
    }
    this.running = outer;
    return result;
  }

  private *runInit(
    subsystem: NativeSubsystem,
    name: string,
    args: readonly Ptr[],
    places: Places,
  ): Sleepable<void> {
    const place = isAutomatic(subsystem) ? subsystem.boot.place : places.entryOf(name);
    if (place < 0 || this.ran.has(place)) return;
    if (args.length === 0) this.ran.add(place);
    const boot = places.boot.functionAt(place);
    const by = boot?.name ?? name;
    const fn = ptrOf(places.addressOf(place));
    // No such device: there is nothing to set up for on this machine, and a kernel on such a one goes on as well.
    const isFailure = (result: number): boolean =>
      boot?.returnsError === true && result !== 0 && result !== -ENODEV;
    const result = yield* this.runAs({ subsystem, by, boot }, fn, args, isFailure);
    if (args.length === 0) this.runOnce(fn, by, result);
  }

  /** A boot function was entered from another: it has not to be run for itself. */
  entered(place: number): void {
    this.ran.add(place);
  }

  /** A boot calls a function once: the one that calls it, where that comes later, finds that it has run. */
  private runOnce(fn: Ptr, name: string, result: number): void {
    const { executor, convention, cpu } = this.k;
    executor.bind(fn, name, () => result, convention.finisher('i', name));
    cpu.entryChanged(fn);
  }

  /** Numbers, and addresses of what the target has of a name. */
  private argumentsOf(words: readonly string[]): readonly Ptr[] {
    return words.map((word) => this.k.addressOfNative(word) ?? Number(word));
  }

  /** Calls a function as the kernel does at boot: nothing is locked, nobody is interrupted. Its result, as an int. */
  private *callAsAtBoot(fn: Ptr, args: readonly Ptr[] = []): Sleepable<number> {
    const { cpu, processes, convention } = this.k;
    const { preemptCount } = processes;
    const { interruptsEnabled } = cpu;
    processes.preemptCount = 0;
    cpu.interruptsEnabled = true;
    yield { kind: 'call', fn, args };
    const result = Number(convention.result('i'));
    processes.preemptCount = preemptCount;
    cpu.interruptsEnabled = interruptsEnabled;
    return result;
  }
}
