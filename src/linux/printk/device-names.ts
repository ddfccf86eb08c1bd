import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';

const NULL_NAME = '(null)';

/** dev_name(). */
export function deviceName(k: LinuxKernel, device: Ptr): string {
  const type = k.struct('device');
  const name = type.get(device, 'init_name') || type.get(device, 'kobj.name');
  return name === 0 ? NULL_NAME : k.space.cstring(name);
}

/** dev_driver_string(): the string's address, of the driver's name, else the bus's, else the class's. */
export function driverString(k: LinuxKernel, device: Ptr): Ptr {
  const type = k.struct('device');
  const driver = type.get(device, 'driver');
  if (driver !== 0) return k.struct('device_driver').get(driver, 'name');
  const bus = type.get(device, 'bus');
  if (bus !== 0) return k.struct('bus_type').get(bus, 'name');
  const group = type.get(device, 'class');
  return group !== 0 ? k.struct('class').get(group, 'name') : k.constantString('');
}

export function driverName(k: LinuxKernel, device: Ptr): string {
  const name = driverString(k, device);
  return name === 0 ? NULL_NAME : k.space.cstring(name);
}

/** netdev_name(): before registration the name may still be a template. */
export function netDeviceName(k: LinuxKernel, device: Ptr): string {
  const name = k.struct('net_device').text(device, 'name');
  return name === '' || name.includes('%') ? '(unnamed net_device)' : name;
}

const STATES: Readonly<Record<string, string>> = {
  NETREG_UNINITIALIZED: ' (uninitialized)',
  NETREG_REGISTERED: '',
  NETREG_UNREGISTERING: ' (unregistering)',
  NETREG_UNREGISTERED: ' (unregistered)',
  NETREG_RELEASED: ' (released)',
  NETREG_DUMMY: ' (dummy)',
};

/** netdev_reg_state(). */
export function netDeviceState(k: LinuxKernel, device: Ptr): string {
  const state = k.struct('net_device').get(device, 'reg_state');
  for (const [name, text] of Object.entries(STATES)) if (k.enumValue(name) === state) return text;
  return ' (unknown)';
}
