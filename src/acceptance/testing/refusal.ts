import { MachineError } from '../../machine/errors.js';
import type { Machine } from '../../machine/linux/machine.js';

/** What a refused load must leave as it was. */
export interface State {
  readonly modules: readonly string[];
  readonly bytes: Readonly<Record<string, number>>;
  readonly tasks: number;
}

/** Modules, memory by kind, and tasks of a machine. */
export function stateOf(machine: Machine): State {
  const bytes: Record<string, number> = {};
  for (const { kind, size } of machine.kernel.ledger.all())
    if (kind !== 'stack') bytes[kind] = (bytes[kind] ?? 0) + size;
  return {
    modules: machine.lsmod().map(({ name, state }) => `${name} ${state}`),
    bytes,
    tasks: machine.kernel.scheduler.tasks.size,
  };
}

/** The error of a load; undefined where it succeeded. Anything but a MachineError is thrown on. */
export function refusal(machine: Machine, bytes: Uint8Array, path = 'bad.ko'): MachineError | undefined {
  try {
    machine.insmod(bytes, '', path);
    return undefined;
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  }
}
