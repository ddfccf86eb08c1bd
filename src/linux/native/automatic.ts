import { type BootCode, type BootFunction, compareBoot } from './boot-code.js';
import { initFunction, type NativeSubsystem } from './subsystem.js';

/** A subsystem that nobody has declared: one function that a kernel calls while it boots, an init call mostly, by its name. */
export interface BootSubsystem extends NativeSubsystem {
  readonly boot: BootFunction;
}

export function isAutomatic(subsystem: NativeSubsystem): subsystem is BootSubsystem {
  return 'boot' in subsystem;
}

/** What sets variables as a boot does. */
export interface Setters {
  /** In the order in which they are set up. */
  readonly subsystems: readonly NativeSubsystem[];
  /** Variables that nobody here can set. */
  readonly unset: readonly number[];
}

/** What of a boot has been made up for, and is under way. */
export interface BootState {
  /** Places of boot functions that have run, or are running. */
  readonly ran: ReadonlySet<number>;
  /** The boot function that runs: what comes after it has not run in a kernel that boots either. */
  readonly now: BootFunction | undefined;
}

/** Modules call none of its functions by name: it is there for what it sets. */
const OFFERS_NOTHING = /^$/;

const isLater = (one: BootFunction, now: BootFunction | undefined): boolean =>
  now !== undefined && compareBoot(one, now) > 0;

/**
 * Subsystems that come of the image itself: for each variable that boot code sets, the boot functions that do. One that a declared
 * subsystem calls stands for that subsystem, which knows more.
 */
export class AutomaticSubsystems {
  private readonly made = new Map<number, NativeSubsystem>();

  constructor(
    private readonly boot: BootCode,
    private readonly declared: readonly NativeSubsystem[],
  ) {}

  /** What has to be set up before code may use variables, at a moment of a boot or, where none is given, after it. */
  settersOf(variables: readonly number[], now?: BootFunction): Setters {
    const functions: BootFunction[] = [];
    const unset = variables.filter((variable) => {
      const { functions: setters, others } = this.boot.setAtBoot(variable);
      functions.push(...setters.filter((setter) => !isLater(setter, now)));
      return others.length > 0;
    });
    return { subsystems: this.subsystemsOf(functions), unset };
  }

  /** What calls, from when it is set up, functions that work on variables. */
  workersOn(variables: readonly number[]): readonly NativeSubsystem[] {
    return this.subsystemsOf(variables.flatMap((variable) => this.boot.workersOn(variable)));
  }

  /** Whether a variable holds what it holds in a kernel that has booted, or has come as far. */
  isSet(variable: number, { ran, now }: BootState): boolean {
    const { functions, others } = this.boot.setAtBoot(variable);
    return others.length === 0 && functions.every((one) => ran.has(one.place) || isLater(one, now));
  }

  private subsystemsOf(functions: readonly BootFunction[]): readonly NativeSubsystem[] {
    return [...new Set([...functions].sort(compareBoot).map((one) => this.subsystemOf(one)))];
  }

  private subsystemOf(boot: BootFunction): NativeSubsystem {
    let subsystem = this.made.get(boot.place);
    if (!subsystem) {
      const { name } = boot;
      subsystem =
        this.declared.find(
          ({ init, stands }) => init.some((line) => initFunction(line) === name) || stands?.test(name),
        ) ?? this.make(boot);
      this.made.set(boot.place, subsystem);
    }
    return subsystem;
  }

  private make(boot: BootFunction): BootSubsystem {
    return { name: boot.name, functions: OFFERS_NOTHING, init: [boot.name], boot };
  }
}
