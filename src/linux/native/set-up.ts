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
  private running: Running | undefined;

  constructor(private readonly k: LinuxKernel) {}

  get names(): readonly string[] {
    return [...this.begun].map(({ name }) => name);
  }

  get state(): SetUpState {
    return { subsystems: this.begun, ran: this.ran, now: this.running?.boot };
  }

  /** What is being set up, in words: what is found meanwhile is not the fault of who called. */
  get inWords(): string | undefined {
    return this.running && `native ${this.running.subsystem.name}: ${this.running.by}()`;
  }

  has(subsystem: NativeSubsystem): boolean {
    return this.begun.has(subsystem) && !this.failed.has(subsystem);
  }

  /** The task that sets something up ends: whoever needs that from now on is told why. */
  fail(reason: string): void {
    const why = `${this.inWords}: ${reason}`;
    for (let one = this.running; one; one = one.outer) this.failed.set(one.subsystem, why);
    this.running = undefined;
  }

  /** Sets subsystems up, one after the other, and before each what it needs. Throws Unimplemented where that cannot be done. */
  *setUp(subsystems: readonly NativeSubsystem[], places: Places): Sleepable<void> {
    for (const one of subsystems.flatMap((subsystem) => places.rules.inOrder(subsystem))) {
      const reason = this.failed.get(one);
      if (reason !== undefined) throw new Unimplemented(`native ${one.name}`, '', reason);
      if (this.begun.has(one)) continue;
      this.begun.add(one);
      const init = isAutomatic(one) ? [one.boot.place] : one.init.map((name) => places.entryOf(name));
      for (const place of init) if (place >= 0) yield* this.runInit(one, place, places);
      one.glue?.(this.k);
    }
  }

  private *runInit(subsystem: NativeSubsystem, place: number, places: Places): Sleepable<void> {
    if (this.ran.has(place)) return;
    this.ran.add(place);
    const boot = places.boot.functionAt(place);
    const by = boot?.name ?? subsystem.init.find((name) => places.entryOf(name) === place) ?? subsystem.name;
    const outer = this.running;
    this.running = { subsystem, by, boot, outer };
    const result = yield* this.callAsAtBoot(ptrOf(places.addressOf(place)));
    // No such device: there is nothing to set up for on this machine, and a kernel on such a one goes on as well.
    if (boot?.returnsError && result !== 0 && result !== -ENODEV) {
      const why = `it returns ${result}`;
      const what = this.inWords;
      this.fail(why);
      throw new Unimplemented(`native ${subsystem.name}`, '', `${what}: ${why}`);
    }
    this.running = outer;
  }

  /** Calls a function as the kernel does at boot: nothing is locked, nobody is interrupted. Its result, as an int. */
  private *callAsAtBoot(fn: Ptr): Sleepable<number> {
    const { cpu, processes, convention } = this.k;
    const { preemptCount } = processes;
    const { interruptsEnabled } = cpu;
    processes.preemptCount = 0;
    cpu.interruptsEnabled = true;
    yield { kind: 'call', fn, args: [] };
    const result = Number(convention.result('i'));
    processes.preemptCount = preemptCount;
    cpu.interruptsEnabled = interruptsEnabled;
    return result;
  }
}
