import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { registerBus } from '../base/host-bus.js';

/** PCI_ANY_ID */
export const PCI_ANY_ID = 0xffff_ffff;

/** The PCI bus: matching by ids, probing (drivers/pci/pci-driver.c). */
export class PciBus implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  readonly exports = {};
  /** pci_bus_type */
  bus: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    this.bus = registerBus(this.k, 'pci_bus_type', 'pci', {
      match: (device: Ptr, driver: Ptr) => Number(this.matchDevice(driver, device) !== 0),
      probe: (device: Ptr) => this.probe(device),
      remove: (device: Ptr) => this.remove(device),
      uevent: () => 0,
      dma_configure: () => 0,
    });
  }

  /** pci_match_id(): the first entry of a table that fits a device. */
  matchTable(table: Ptr, pdev: Ptr): Ptr {
    const type = this.k.struct('pci_device_id');
    if (table === 0) return 0;
    const end = (at: Ptr): boolean =>
      type.get(at, 'vendor') === 0 && type.get(at, 'subvendor') === 0 && type.get(at, 'class_mask') === 0;
    for (let at = table; !end(at); at += type.size) if (this.fits(at, pdev)) return at;
    return 0;
  }

  private fits(id: Ptr, pdev: Ptr): boolean {
    const type = this.k.struct('pci_device_id');
    const device = this.k.struct('pci_dev');
    const same = (field: string, own: string): boolean =>
      type.get(id, field) === PCI_ANY_ID || type.get(id, field) === device.get(pdev, own);
    return (
      same('vendor', 'vendor') &&
      same('device', 'device') &&
      same('subvendor', 'subsystem_vendor') &&
      same('subdevice', 'subsystem_device') &&
      ((type.get(id, 'class') ^ device.get(pdev, 'class')) & type.get(id, 'class_mask')) === 0
    );
  }

  private driverOf(driver: Ptr): Ptr {
    return this.k.struct('pci_driver').of(driver, 'driver');
  }

  private matchDevice(driver: Ptr, device: Ptr): Ptr {
    const pdev = this.k.struct('pci_dev').of(device, 'dev');
    return this.matchTable(this.k.struct('pci_driver').get(this.driverOf(driver), 'id_table'), pdev);
  }

  private *probe(device: Ptr): Sleepable<number> {
    const { k } = this;
    const driver = k.struct('device').get(device, 'driver');
    const id = this.matchDevice(driver, device);
    const pdev = k.struct('pci_dev').of(device, 'dev');
    k.struct('pci_dev').set(pdev, 'driver', this.driverOf(driver));
    const type = k.struct('pci_driver');
    const own = this.driverOf(driver);
    const error = type.get(own, 'probe') === 0 ? 0 : yield* type.call(own, 'probe', pdev, id);
    if (error) k.struct('pci_dev').set(pdev, 'driver', 0);
    return error;
  }

  private *remove(device: Ptr): Sleepable<void> {
    const { k } = this;
    const pdev = k.struct('pci_dev').of(device, 'dev');
    const driver = k.struct('pci_dev').get(pdev, 'driver');
    const type = k.struct('pci_driver');
    if (driver !== 0 && type.get(driver, 'remove') !== 0) yield* type.call(driver, 'remove', pdev);
    k.struct('pci_dev').set(pdev, 'driver', 0);
  }
}
