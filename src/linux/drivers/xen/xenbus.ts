import type { Ptr } from '../../../cpu/layout.js';
import { ENODEV } from '../../../kernel/errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Xen's devices on a machine that is not a Xen guest (drivers/xen): there are none, and drivers are refused. */
export class Xenbus implements Subsystem {
  readonly exports = {
    __xenbus_register_frontend: () => -ENODEV,
    __xenbus_register_backend: () => -ENODEV,
    xenbus_unregister_driver: (driver: Ptr) => void driver,
    xen_has_pv_devices: () => false,
    xen_has_pv_disk_devices: () => false,
    xen_has_pv_nic_devices: () => false,
    xen_has_pv_and_legacy_disk_devices: () => false,
  };

  constructor(readonly k: LinuxKernel) {}
}
