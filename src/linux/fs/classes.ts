import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';

/** Registers a device class of the base kernel itself; `devnode` names its nodes, 0 for the usual names. */
export function* registerClass(k: LinuxKernel, name: string, devnode: Ptr = 0): Sleepable<Ptr> {
  const type = k.struct('class');
  const made = k.permanent(type.size);
  type.set(made, 'name', k.constantString(name));
  type.set(made, 'devnode', devnode);
  if (k.hasSymbol('__class_register')) yield* k.callInt(k.fn('__class_register'), made, k.permanent(8));
  else yield* k.callInt(k.fn('class_register'), made);
  return made;
}
