import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { registerLate } from '../drivers/base/host-class.js';
import type { LinuxKernel } from '../kernel.js';

/** Names a device's node and its mode: class.devnode, as the kernel declares it. */
type Devnode = (device: Ptr, mode: Ptr) => Ptr;

/** Registers a device class of the base kernel itself; `devnode` names its nodes, without it they have the usual names. */
export function* registerClass(k: LinuxKernel, name: string, devnode?: Devnode): Sleepable<Ptr> {
  const type = k.struct('class');
  const made = k.permanent(type.size);
  type.set(made, 'name', k.constantString(name));
  if (devnode) type.bind(made, 'devnode', `${name}_devnode`, devnode);
  yield* registerLate(k, made);
  return made;
}
