import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Mutexes } from '../kern/mutex.js';
import type { FreebsdKernel } from '../kernel.js';

/** SI_SUB_DUMMY: not executed (sys/sys/kernel.h). */
const SI_SUB_DUMMY = 0;

interface Sysinit {
  readonly subsystem: number;
  readonly order: number;
  readonly func: Ptr;
  readonly udata: Ptr;
}

/**
 * Runs the functions of a set of struct sysinit, by subsystem and order (linker_file_sysinit() and linker_file_sysuninit()): SYSINITs
 * upwards, SYSUNINITs downwards. Those of the same place keep their order, or the opposite.
 */
export function* runSysinits(
  k: FreebsdKernel,
  { start, stop }: { readonly start: Ptr; readonly stop: Ptr },
  direction: 'up' | 'down',
): Sleepable<void> {
  const type = k.struct('sysinit');
  const all: Sysinit[] = [];
  for (let at = start; at < stop; at += 8) {
    const entry = k.space.loadPtr(at);
    all.push({
      subsystem: type.get(entry, 'subsystem') >>> 0,
      order: type.get(entry, 'order') >>> 0,
      func: type.get(entry, 'func'),
      udata: type.get(entry, 'udata'),
    });
  }
  const sorted = direction === 'up' ? sortUp(all) : sortDown(all);
  const giant = k.variable('Giant');
  const asker = k.executor.current?.caller ?? 0;
  yield* k.get(Mutexes).lock(giant);
  for (const { subsystem, func, udata } of sorted)
    if (subsystem !== SI_SUB_DUMMY) yield* k.callAs('v:p', func, udata);
  k.get(Mutexes).unlock(giant);
  // What the linker does next for another file is not asked for by this one.
  const task = k.executor.current;
  if (task) task.caller = asker;
}

const before = (a: Sysinit, b: Sysinit): boolean =>
  a.subsystem < b.subsystem || (a.subsystem === b.subsystem && a.order <= b.order);

/** An exchange sort: where two of one place come to stand is what this very sort makes of them. */
function sortUp(all: readonly Sysinit[]): Sysinit[] {
  return exchanged(all, before);
}

function sortDown(all: readonly Sysinit[]): Sysinit[] {
  return exchanged(all, (a, b) => before(b, a));
}

function exchanged(all: readonly Sysinit[], inOrder: (a: Sysinit, b: Sysinit) => boolean): Sysinit[] {
  const sorted = [...all];
  for (let i = 0; i < sorted.length; i++)
    for (let j = i + 1; j < sorted.length; j++)
      if (!inOrder(sorted[i], sorted[j])) [sorted[i], sorted[j]] = [sorted[j], sorted[i]];
  return sorted;
}
