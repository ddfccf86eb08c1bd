import { LOGLEVEL_WARNING } from '../kernel/log.js';
import type { FaultKind } from './errors.js';
import type { LinuxKernel } from './kernel.js';

export const CUT_HERE = '------------[ cut here ]------------';

/**
 * WARN() in a function of the base kernel: message, registers and call trace go to the log, the task goes on.
 * `place` is the source file (and line) that the real kernel names, `name` the function that warns.
 */
export function warn(
  k: LinuxKernel,
  message: string,
  place: string,
  name: string,
  kind: FaultKind = 'warning',
): void {
  k.log.line(CUT_HERE, LOGLEVEL_WARNING);
  if (message !== '') k.log.line(message.replace(/\n$/, ''), LOGLEVEL_WARNING);
  const task = k.executor.current;
  if (task)
    k.traps.warn(task, k.fn(name), place, true, { kind, message: message === '' ? undefined : message });
}

/** Remembers which WARN_ONCE() and pr_*_once() calls were made. */
export class Once {
  private readonly seen = new Set<string>();

  /** True the first time a key is given. */
  first(key: string): boolean {
    if (this.seen.has(key)) return false;
    this.seen.add(key);
    return true;
  }
}
