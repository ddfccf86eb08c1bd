import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Convention } from '../abi/convention.js';
import type { Sleepable } from '../effects.js';

/**
 * Runs `body` with zeroed memory on the running task's kernel stack: what C calls local variables, for
 * functions of the base kernel that pass guest code a pointer to one. Gone with the task if that is killed.
 */
export function* withLocals<T>(
  { convention, space }: { readonly convention: Convention; readonly space: AddressSpace },
  bytes: number,
  body: (at: Ptr) => Sleepable<T>,
): Sleepable<T> {
  const saved = convention.stack;
  const at = (saved - bytes) & ~15;
  space.writable(at, bytes).fill(0);
  convention.stack = at;
  try {
    return yield* body(at);
  } finally {
    convention.stack = saved;
  }
}
