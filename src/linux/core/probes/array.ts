import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';

/** What an array of `count` pointers to probes holds. */
export function probesOf(k: LinuxKernel, pointers: Ptr, count: number): Ptr[] {
  return Array.from({ length: Math.max(0, count) }, (_, i) => k.space.loadPtr(pointers + i * 8));
}

/** register_kprobes() and register_kretprobes(): all of an array, or none. */
export function registerAll(
  k: LinuxKernel,
  pointers: Ptr,
  count: number,
  register: (probe: Ptr) => number,
  unregister: (probe: Ptr) => void,
): number {
  if (count <= 0) return -EINVAL;
  const done: Ptr[] = [];
  for (const probe of probesOf(k, pointers, count)) {
    const result = register(probe);
    if (result < 0) {
      done.forEach(unregister);
      return result;
    }
    done.push(probe);
  }
  return 0;
}
