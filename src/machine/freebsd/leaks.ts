import { Code } from '../../freebsd/kern/code.js';
import type { FreebsdKernel } from '../../freebsd/kernel.js';
import { groupedLeaks, type Leak } from '../leaks.js';

/** Allocations that files which are gone made since a mark and that are still there. */
export function leaksSince(k: FreebsdKernel, mark: number): Leak[] {
  const { history } = k.get(Code);
  const left = k.ledger
    .since(mark)
    .filter(
      ({ kind, caller, serial }) =>
        kind !== 'module' &&
        kind !== 'stack' &&
        caller !== 0 &&
        history.goneOwner(caller, serial) !== undefined,
    );
  return groupedLeaks(left, ({ caller, serial }) => history.symbolize(caller, serial));
}
