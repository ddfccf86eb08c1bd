import { type Leak, type Machine, MachineError, type ReportedFault } from '../index.js';

/** What came of something that was done to a machine, and of unloading everything afterwards. */
export interface Outcome {
  /** Name of the error number with which it failed (`ENOMEM`); undefined where it went well, or failed without one. */
  readonly errno?: string;
  /** What it failed with. */
  readonly error?: string;
  /** Faults, warnings and misuses; what was left behind is among them. */
  readonly reports: readonly ReportedFault[];
  readonly leaks: readonly Leak[];
  /** Modules that could not be unloaded. */
  readonly left: readonly string[];
}

/** Unloads all modules, users before what they use; gives those that stay. A module without an exit function stays by right. */
export function unloadAll(machine: Machine): string[] {
  for (;;) {
    const before = machine.lsmod();
    for (const { name, refcnt, permanent } of before)
      if (refcnt === 0 && !permanent) tryRemove(machine, name);
    const after = machine.lsmod();
    if (after.length === before.length)
      return after.filter(({ permanent }) => !permanent).map(({ name }) => name);
  }
}

function tryRemove(machine: Machine, name: string): void {
  try {
    machine.rmmod(name);
  } catch (error) {
    // What refuses stays, and is told of as such.
    if (!(error instanceof MachineError)) throw error;
  }
}

/** Unloads everything, and looks at what is left. */
export function outcomeOf(machine: Machine, error?: MachineError): Outcome {
  const left = unloadAll(machine);
  return {
    ...(error && { error: error.message }),
    ...(error?.code && { errno: error.code }),
    reports: machine.faults(),
    leaks: machine.leaks(),
    left,
  };
}

/** Whether nothing was found; that something failed is no finding. */
export function isClean({ reports, leaks, left }: Outcome): boolean {
  return reports.length === 0 && leaks.length === 0 && left.length === 0;
}

/** What was found, for people. */
export function findingsText({ reports, leaks, left }: Outcome): string {
  return [
    ...reports.map(reportText),
    ...leaks.map(
      ({ bytes, count, allocatedBy }) => `leak: ${bytes} bytes (${count} allocations) by ${allocatedBy}`,
    ),
    ...left.map((name) => `${name} could not be unloaded`),
  ].join('\n');
}

function reportText({ kind, message, at, trace }: ReportedFault): string {
  const place = at === '' ? '' : `\n    in ${at}`;
  return `${kind}: ${message}${place}${trace.map((line) => `\n    at ${line}`).join('')}`;
}
