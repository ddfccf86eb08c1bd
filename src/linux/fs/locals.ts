import { RSP } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';

/**
 * Runs `body` with zeroed memory on the running task's kernel stack: what C calls local variables, for
 * functions of the base kernel that pass guest code a pointer to one. Gone with the task if that is killed.
 */
export function* withLocals<T>(k: LinuxKernel, bytes: number, body: (at: Ptr) => Sleepable<T>): Sleepable<T> {
  const { cpu, space } = k;
  const saved = cpu.get(RSP);
  const at = (cpu.getPtr(RSP) - bytes) & ~15;
  space.writable(at, bytes).fill(0);
  cpu.setPtr(RSP, at);
  try {
    return yield* body(at);
  } finally {
    cpu.set(RSP, saved);
  }
}
