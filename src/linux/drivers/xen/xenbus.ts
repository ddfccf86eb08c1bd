import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { ENODEV } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Xen's devices on a machine that is not a Xen guest (drivers/xen): there are none, and drivers are refused. */
export class Xenbus implements Subsystem {
  static readonly builtIn = 'CONFIG_XEN_XENBUS_FRONTEND';

  readonly exports = {
    __xenbus_register_frontend: nothing('the machine is no Xen guest', -ENODEV),
    __xenbus_register_backend: nothing('the machine is no Xen guest', -ENODEV),
    xenbus_unregister_driver: (driver: Ptr) => void driver,
    xen_has_pv_devices: nothing('the machine is no Xen guest', false),
    xen_has_pv_disk_devices: nothing('the machine is no Xen guest', false),
    xen_has_pv_nic_devices: nothing('the machine is no Xen guest', false),
    xen_has_pv_and_legacy_disk_devices: nothing('the machine is no Xen guest', false),
  };

  constructor(readonly k: LinuxKernel) {}
}
