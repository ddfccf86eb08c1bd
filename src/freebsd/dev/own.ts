import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';

/**
 * What the kernel makes for good when a module first needs it, a device class's node for one, is nobody's who has to take it back: memory
 * and registrations of `body` count as the kernel's own. It calls no guest code.
 */
export function* asKernel<T>(k: FreebsdKernel, body: Sleepable<T>): Sleepable<T> {
  const giveBack = takeCaller(k);
  try {
    return yield* body;
  } finally {
    giveBack();
  }
}

/** As asKernel, of what does not sleep. */
export function asKernelNow<T>(k: FreebsdKernel, body: () => T): T {
  const giveBack = takeCaller(k);
  try {
    return body();
  } finally {
    giveBack();
  }
}

function takeCaller(k: FreebsdKernel): () => void {
  const task = k.executor.current;
  const caller = task?.caller ?? 0;
  if (task) task.caller = 0;
  return () => {
    if (task) task.caller = caller;
  };
}
