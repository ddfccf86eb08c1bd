import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { runNow } from '../../../kernel/effects.js';
import { ENOMEM } from '../../errno.js';
import { errPtr } from '../../errors.js';
import { asKernel } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Classes } from './class.js';
import { Devices } from './core.js';
import { putDevice } from './device.js';

/** Registers a class that is built into the kernel; `at` is its variable if it is one that modules see. */
export function registerBuiltinClass(k: LinuxKernel, name: string, at?: Ptr): Ptr {
  const type = k.struct('class');
  const cls = at ?? k.permanent(type.size);
  type.set(cls, 'name', k.constantString(name));
  runNow(k.get(Classes).register(cls));
  return cls;
}

/**
 * class_register() for a class of the kernel itself that is made when somebody first needs it: what is allocated for it stays
 * when they go.
 */
export function* registerLate(k: LinuxKernel, cls: Ptr): Sleepable<void> {
  yield* asKernel(k, () => k.get(Classes).register(cls));
}

/** What a device of a built-in class is made with. */
interface ClassDevice {
  readonly parent: Ptr;
  readonly data: Ptr;
  readonly groups?: Ptr;
  readonly devt?: number;
  readonly name: string;
}

/** device_create_with_groups(): an allocated device, or an ERR_PTR. */
export function* createDevice(k: LinuxKernel, cls: Ptr, options: ClassDevice): Sleepable<Ptr> {
  const type = k.struct('device');
  const device = k.slab.allocateBytes(type.size, true);
  if (device === 0) return errPtr(ENOMEM);
  const devices = k.get(Devices);
  devices.initialize(device);
  type.set(device, 'class', cls);
  type.set(device, 'parent', options.parent);
  type.set(device, 'driver_data', options.data);
  type.set(device, 'groups', options.groups ?? 0);
  type.set(device, 'devt', options.devt ?? 0);
  type.bind(device, 'release', 'device_create_release', (ptr: Ptr) => void k.slab.free(ptr));
  devices.setName(device, options.name);
  const error = yield* devices.add(device);
  if (error === 0) return device;
  yield* putDevice(k, device);
  return errPtr(-error);
}
