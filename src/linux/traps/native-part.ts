import type { Task } from '../../kernel/task/task.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { Death } from './host-error.js';

/** A function of the target's own code in a trace: between its frames, modules' have their names, TypeScript's no offset. */
const NATIVE_PLACE = /\+0x[1-9a-f][0-9a-f]*\/0x[0-9a-f]+$/;

/** What of the target's own code had a part in a fault: the subsystem that was being set up, or the innermost function of a trace. */
export function nativePart(k: LinuxKernel, places: readonly string[]): string | undefined {
  if (!k.native?.tables) return undefined;
  return k.native.settingUp ?? places.find((place) => NATIVE_PLACE.test(place));
}

/** What ends a task that sets up a part of the target's own kernel is a thing that modbox cannot do, not a fault of who called. */
export function blamedDeath(k: LinuxKernel, task: Task, death: Death): Death {
  const what = k.native?.settingUp;
  if (what === undefined) return death;
  const why = death.reason ?? death.head;
  k.native?.setUpFailed(why);
  if (death.kind !== 'unimplemented-export')
    k.traps.unimplemented.push({ symbol: what, prototype: '', caller: symbolize(k, task.caller), why });
  const head = `modbox: ${what} stopped: ${why}`;
  return { ...death, kind: 'unimplemented-export', head, reason: head };
}
