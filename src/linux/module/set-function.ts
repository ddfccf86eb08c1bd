import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';

/** Calls the set function of a struct kernel_param_ops: its result. What one of the kernel's own allocates, nobody else asked for. */
export function* callSet(k: LinuxKernel, ops: Ptr, value: Ptr, param: Ptr): Sleepable<number> {
  const type = k.struct('kernel_param_ops');
  const fn = type.get(ops, 'set');
  const task = k.executor.current;
  if (task && k.exports.functionAt(fn)) task.caller = fn;
  return yield* type.call(ops, 'set', value, param);
}
