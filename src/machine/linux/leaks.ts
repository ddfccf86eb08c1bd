import type { ModuleHistory } from '../../linux/kallsyms/module-history.js';
import type { LinuxKernel } from '../../linux/kernel.js';
import { groupedLeaks, type Leak } from '../leaks.js';

/** Allocations that unloaded modules made since a mark and that are still there. */
export function leaksSince(k: LinuxKernel, archive: ModuleHistory, mark: number): Leak[] {
  const left = k.ledger
    .since(mark)
    .filter(
      ({ kind, caller, serial }) =>
        kind !== 'module' &&
        kind !== 'stack' &&
        caller !== 0 &&
        archive.goneOwner(caller, serial) !== undefined,
    );
  return groupedLeaks(left, ({ caller, serial }) => archive.symbolize(caller, serial));
}
