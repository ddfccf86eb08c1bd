import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';

/**
 * What the kernel makes for good when a module first needs it, a device class's node for one, is nobody's who has to take it back: memory
 * and registrations of `body` count as the kernel's own. It calls no guest code.
 */
export function* asKernel<T>(k: FreebsdKernel, body: Sleepable<T>): Sleepable<T> {
  const task = k.executor.current;
  const caller = task?.caller ?? 0;
  if (task) task.caller = 0;
  try {
    return yield* body;
  } finally {
    if (task) task.caller = caller;
  }
}
