import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Buses } from '../base/bus.js';
import { DriverBus } from '../base/driver-bus.js';

/**
 * Buses that are built into the kernel but have no devices on this machine: serial devices (serdev), CXL, DAX,
 * coreboot tables. Drivers register and wait.
 */
export class EmptyBuses implements Subsystem {
  private serdev: DriverBus | undefined;
  private cxl: DriverBus | undefined;
  private dax: DriverBus | undefined;
  private coreboot: DriverBus | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __serdev_device_driver_register: (driver: Ptr, owner: Ptr) =>
      this.serdev?.register(driver, owner) ?? -EINVAL,
    __cxl_driver_register: (driver: Ptr, owner: Ptr, modName: Ptr) => {
      const name = this.k.struct('cxl_driver').get(driver, 'name');
      const probe = this.k.struct('cxl_driver').get(driver, 'probe');
      return name === 0 || probe === 0
        ? -EINVAL
        : (this.cxl?.register(driver, owner, { name, modName }) ?? -EINVAL);
    },
    cxl_bus_drain: nothing('the bus has no work in the background', undefined),
    cxl_driver_unregister: (driver: Ptr) => this.cxl?.unregister(driver),
    __dax_driver_register: (driver: Ptr, owner: Ptr, modName: Ptr) =>
      this.dax?.register(driver, owner, { name: modName, modName }) ?? -EINVAL,
    dax_driver_unregister: (driver: Ptr) => this.dax?.unregister(driver),
    coreboot_driver_register: (driver: Ptr) => this.coreboot?.register(driver, 0) ?? -EINVAL,
    __coreboot_driver_register: (driver: Ptr, owner: Ptr) =>
      this.coreboot?.register(driver, owner) ?? -EINVAL,
    coreboot_driver_unregister: (driver: Ptr) => this.coreboot?.unregister(driver),
  };

  boot(): void {
    this.serdev = this.make('serdev_bus_type', 'serial', 'serdev_device_driver', 'driver', 'serdev_device');
    this.cxl = this.make('cxl_bus_type', 'cxl', 'cxl_driver', 'drv', 'device');
    this.dax = this.make('dax_bus_type', 'dax', 'dax_device_driver', 'drv', 'dev_dax');
    this.coreboot = this.make('coreboot_bus_type', 'coreboot', 'coreboot_driver', 'drv', 'coreboot_device');
  }

  private make(
    variable: string,
    name: string,
    driver: string,
    driverMember: string,
    device: string,
  ): DriverBus | undefined {
    if (!this.k.hasSymbol(variable)) return undefined;
    const types = { variable, name, driver, driverMember, device, deviceMember: 'dev' };
    const made = new DriverBus(this.k, types, { match: () => 0 });
    this.k.get(Buses).placeholders.add(made.bus);
    return made;
  }
}
