import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';

/** Room for a variable of a function of the base kernel's, which guest code gets the address of. */
export function* withScratch<T>(
  k: FreebsdKernel,
  bytes: number,
  body: (at: Ptr) => Sleepable<T>,
): Sleepable<T> {
  const at = k.slab.allocateBytes(bytes, true);
  try {
    return yield* body(at);
  } finally {
    k.slab.free(at);
  }
}
