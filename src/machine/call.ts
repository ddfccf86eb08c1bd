import type { Ptr } from '../cpu/layout.js';
import { Modules } from '../linux/kallsyms/modules.js';
import { MachineError } from './errors.js';
import type { Machine } from './machine.js';

/** A pointer (or a small integer) as a number, an integer of any size as a bigint. */
export type CallArgument = number | bigint;

/** See Machine.call. */
export function callFunction(machine: Machine, fn: string | Ptr, args: readonly CallArgument[]): bigint {
  const { kernel } = machine;
  const address = typeof fn === 'string' ? addressOf(machine, fn) : fn;
  const faults = kernel.traps.reports.length;
  let result = 0n;
  const end = machine.process(
    'modbox',
    function* () {
      yield { kind: 'call', fn: address, args };
      result = BigInt(kernel.convention.result('Q'));
      return 0;
    },
    0,
  );
  if (end.exit === 0) return result;
  const fault = kernel.traps.reports.slice(faults).at(-1);
  throw new MachineError(
    fault ? `${String(fn)}: ${fault.message} at ${fault.at}` : `${String(fn)} does not return`,
    0,
  );
}

/** A function's address: exported by a loaded module, then any symbol of one. */
function addressOf(machine: Machine, name: string): Ptr {
  const modules = machine.kernel.get(Modules).list();
  for (const module of modules) {
    const exported = module.exports.get(name);
    if (exported) return exported.address;
  }
  for (const module of modules) {
    const address = module.symbolNamed(name);
    if (address !== undefined) return address;
  }
  throw new MachineError(`no loaded module has a function ${name}`, 2);
}
