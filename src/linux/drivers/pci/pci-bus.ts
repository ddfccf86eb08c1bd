import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { ENODEV } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Buses } from '../base/bus.js';
import { getDevice, putDevice } from '../base/device.js';
import { DriverOverride } from '../base/driver-override.js';
import { registerBus } from '../base/host-bus.js';
import { RuntimePm } from '../base/pm-runtime.js';
import { pciLog } from './pci-dev.js';
import { addPciFiles, addPciVariables } from './pci-files.js';
import { PCI_D0, PCI_UNKNOWN } from './pci-regs.js';

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
      uevent: (device: Ptr, env: Ptr) => {
        addPciVariables(this.k, device, env);
        return 0;
      },
      dma_configure: () => 0,
    });
    this.k.get(Buses).addDeviceFiles(this.bus, (device, directory) => addPciFiles(this.k, device, directory));
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

  /** pci_match_device(): the entry by which a driver wants a device, of those that it was given at run time first. */
  private matchDevice(driver: Ptr, device: Ptr): Ptr {
    const { k } = this;
    const own = this.driverOf(driver);
    const pdev = k.struct('pci_dev').of(device, 'dev');
    const override = k.get(DriverOverride).of(device, 'pci_dev');
    const name = k.struct('pci_driver').string(own, 'name');
    if (override !== undefined && override !== name) return 0;
    const dynids = k.struct('pci_dynid');
    const given = [...list.entries(k.space, k.struct('pci_driver').addr(own, 'dynids.list'))]
      .map((node) => dynids.addr(dynids.of(node, 'node'), 'id'))
      .find((id) => this.fits(id, pdev));
    const found = given ?? this.matchTable(k.struct('pci_driver').get(own, 'id_table'), pdev);
    // A driver that a device is kept for gets it, whatever its table says.
    return found === 0 && override !== undefined ? this.anyId : found;
  }

  /** pci_device_id_any */
  private get anyId(): Ptr {
    if (this.any === 0) {
      const type = this.k.struct('pci_device_id');
      this.any = this.k.permanent(type.size);
      for (const member of ['vendor', 'device', 'subvendor', 'subdevice'])
        type.set(this.any, member, PCI_ANY_ID);
    }
    return this.any;
  }
  private any: Ptr = 0;

  /** pci_device_probe(): the device is awake while its driver looks at it. */
  private *probe(device: Ptr): Sleepable<number> {
    const { k } = this;
    const driver = k.struct('device').get(device, 'driver');
    const own = this.driverOf(driver);
    const type = k.struct('pci_driver');
    if (type.get(own, 'probe') === 0) return 0;
    const id = this.matchDevice(driver, device);
    if (id === 0) return -ENODEV;
    const pdev = k.struct('pci_dev').of(device, 'dev');
    getDevice(k, device);
    yield* this.wake(device);
    k.struct('pci_dev').set(pdev, 'driver', own);
    const result = yield* type.call(own, 'probe', pdev, id);
    if (result > 0) pciLog.warn(k, pdev, `Driver probe function unexpectedly returned ${result}`);
    if (result >= 0) return 0;
    k.struct('pci_dev').set(pdev, 'driver', 0);
    yield* this.letSleep(device);
    yield* putDevice(k, device);
    return result;
  }

  /** pci_device_remove() */
  private *remove(device: Ptr): Sleepable<void> {
    const { k } = this;
    const pdev = k.struct('pci_dev').of(device, 'dev');
    const driver = k.struct('pci_dev').get(pdev, 'driver');
    const type = k.struct('pci_driver');
    if (driver !== 0 && type.get(driver, 'remove') !== 0) {
      yield* this.wake(device);
      yield* type.call(driver, 'remove', pdev);
      k.get(RuntimePm).dropUse(device);
    }
    k.struct('pci_dev').set(pdev, 'driver', 0);
    yield* this.letSleep(device);
    if (k.struct('pci_dev').get(pdev, 'current_state') === PCI_D0)
      k.struct('pci_dev').set(pdev, 'current_state', PCI_UNKNOWN);
    yield* putDevice(k, device);
  }

  /** pm_runtime_get_sync() */
  private *wake(device: Ptr): Sleepable<void> {
    this.k.get(RuntimePm).addUse(device, 1);
    yield* this.k.get(RuntimePm).resume(device, 0);
  }

  /** pm_runtime_put_sync() */
  private *letSleep(device: Ptr): Sleepable<void> {
    if (this.k.get(RuntimePm).dropUse(device) === 0) yield* this.k.get(RuntimePm).idle(device, 0);
  }
}
