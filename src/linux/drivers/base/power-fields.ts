import type { Ptr } from '../../../cpu/layout.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';

/** UINT_MAX / 2: what complete_all() leaves in a completion. */
const COMPLETED_FOR_ALL = 0x7fff_ffff;

/** Whether devices have a state of runtime PM: CONFIG_PM. */
export const hasRuntime = (k: LinuxKernel): boolean => k.struct('device').has('power.runtime_status');

/** dev->power as device_initialize() leaves it (device_pm_init, pm_runtime_init). */
export function initPower(k: LinuxKernel, device: Ptr): void {
  const type = k.struct('device');
  if (type.has('power.entry')) initSleep(k, device);
  if (hasRuntime(k)) initRuntime(k, device);
}

/** CONFIG_PM_SLEEP (device_pm_sleep_init). */
function initSleep(k: LinuxKernel, device: Ptr): void {
  const { space } = k;
  const type = k.struct('device');
  list.init(space, type.addr(device, 'power.entry'));
  list.init(space, type.addr(device, 'power.completion.wait.task_list'));
  type.set(device, 'power.completion.done', COMPLETED_FOR_ALL);
}

/** CONFIG_PM (pm_runtime_init). */
function initRuntime(k: LinuxKernel, device: Ptr): void {
  const { space } = k;
  const type = k.struct('device');
  list.init(space, type.addr(device, 'power.wait_queue.head'));
  list.init(space, type.addr(device, 'power.work.entry'));
  type.set(device, 'power.runtime_status', k.enumValue('RPM_SUSPENDED'));
  if (type.has('power.last_status')) type.set(device, 'power.last_status', k.enumValue('RPM_INVALID'));
  type.set(device, 'power.disable_depth', 1);
  type.set(device, 'power.usage_count.counter', 0);
  type.set(device, 'power.child_count.counter', 0);
  type.set(device, 'power.runtime_auto', 1);
  type.set(device, 'power.request', k.enumValue('RPM_REQ_NONE'));
}

/** pm_runtime_reinit(): a driver that leaves runtime PM disabled also leaves the device suspended. */
export function reinitRuntime(k: LinuxKernel, device: Ptr): void {
  const type = k.struct('device');
  if (!hasRuntime(k)) return;
  if (type.get(device, 'power.disable_depth') === 0) return;
  if (type.get(device, 'power.runtime_status') === k.enumValue('RPM_ACTIVE'))
    type.set(device, 'power.runtime_status', k.enumValue('RPM_SUSPENDED'));
  type.set(device, 'power.irq_safe', 0);
}

/** dev_pm_set_driver_flags(dev, 0): they belong to the driver that left. */
export function clearDriverFlags(k: LinuxKernel, device: Ptr): void {
  k.struct('device').set(device, 'power.driver_flags', 0);
}
