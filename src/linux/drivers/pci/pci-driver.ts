import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EEXIST, EINVAL, ENODEV, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import type { Subsystem } from '../../subsystem.js';
import { DriverBinding } from '../base/dd.js';
import { Drivers } from '../base/driver.js';
import { registerOn } from '../base/host-bus.js';
import { PCI_ANY_ID, PciBus } from './pci-bus.js';

/** PCI drivers and the ids they are given at run time (Documentation/PCI/pci.rst). */
export class PciDrivers implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __pci_register_driver: (driver: Ptr, owner: Ptr, modName: Ptr) => this.register(driver, owner, modName),
    pci_unregister_driver: (driver: Ptr) => this.unregister(driver),
    pci_match_id: (table: Ptr, pdev: Ptr) => this.k.get(PciBus).matchTable(table, pdev),
    pci_dev_driver: (pdev: Ptr) => this.k.struct('pci_dev').get(pdev, 'driver'),
    pci_add_dynid: (
      driver: Ptr,
      vendor: number,
      device: number,
      subvendor: number,
      subdevice: number,
      cls: number,
      mask: number,
      data: number,
    ) => this.addId(driver, [vendor, device, subvendor, subdevice, cls, mask], data),
  };

  /** __pci_register_driver(). */
  *register(driver: Ptr, owner: Ptr, modName: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('pci_driver');
    const generic = type.addr(driver, 'driver');
    const driverType = k.struct('device_driver');
    driverType.set(generic, 'groups', type.get(driver, 'groups'));
    driverType.set(generic, 'dev_groups', type.get(driver, 'dev_groups'));
    list.init(k.space, type.addr(driver, 'dynids.list'));
    const name = type.get(driver, 'name');
    const error = yield* registerOn(k, k.get(PciBus).bus, generic, owner, { name, modName });
    if (error === 0) this.addFiles(driver, generic);
    return error;
  }

  *unregister(driver: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('pci_driver');
    yield* k.get(Drivers).unregister(type.addr(driver, 'driver'));
    const head = type.addr(driver, 'dynids.list');
    for (const node of [...list.entries(k.space, head)]) {
      list.delInit(k.space, node);
      k.slab.free(k.struct('pci_dynid').of(node, 'node'));
    }
  }

  /** new_id and remove_id (Documentation/ABI/testing/sysfs-bus-pci). */
  private addFiles(driver: Ptr, generic: Ptr): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const directory = sysfs.directoryOf(k.get(Drivers).kobjOf(generic));
    if (!directory) return;
    const parse = (text: string): number[] =>
      text
        .trim()
        .split(/\s+/)
        .map((word) => Number.parseInt(word, 16));
    sysfs.addText(directory, 'new_id', 0o200, undefined, (text) => {
      const [vendor, device, subvendor = PCI_ANY_ID, subdevice = PCI_ANY_ID, cls = 0, mask = 0, data = 0] =
        parse(text);
      if (!(vendor >= 0) || !(device >= 0)) return -EINVAL;
      return this.addId(driver, [vendor, device, subvendor, subdevice, cls, mask], data);
    });
    sysfs.addText(directory, 'remove_id', 0o200, undefined, (text) => {
      const [vendor, device] = parse(text);
      if (!(vendor >= 0) || !(device >= 0)) return -EINVAL;
      return this.removeId(driver, vendor, device);
    });
  }

  /** pci_add_dynid(): devices that are there already are offered to the driver. */
  private *addId(driver: Ptr, fields: readonly number[], data: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('pci_dynid');
    const dynid = k.slab.allocateBytes(type.size, true);
    if (dynid === 0) return -ENOMEM;
    const names = ['vendor', 'device', 'subvendor', 'subdevice', 'class', 'class_mask'];
    names.forEach((name, index) => {
      type.set(dynid, `id.${name}`, fields[index] >>> 0);
    });
    type.set(dynid, 'id.driver_data', data);
    const head = k.struct('pci_driver').addr(driver, 'dynids.list');
    if (this.dynids(head).some((other) => this.sameId(other, dynid))) {
      k.slab.free(dynid);
      return -EEXIST;
    }
    list.addTail(k.space, type.addr(dynid, 'node'), head);
    return yield* k.get(DriverBinding).attachDriver(k.struct('pci_driver').addr(driver, 'driver'));
  }

  private removeId(driver: Ptr, vendor: number, device: number): number {
    const { k } = this;
    const type = k.struct('pci_dynid');
    const ids = this.dynids(k.struct('pci_driver').addr(driver, 'dynids.list'));
    const found = ids.find(
      (id) => type.get(id, 'id.vendor') === vendor && type.get(id, 'id.device') === device,
    );
    if (found === undefined) return -ENODEV;
    list.delInit(k.space, type.addr(found, 'node'));
    k.slab.free(found);
    return 0;
  }

  private dynids(head: Ptr): Ptr[] {
    const type = this.k.struct('pci_dynid');
    return [...list.entries(this.k.space, head)].map((node) => type.of(node, 'node'));
  }

  private sameId(a: Ptr, b: Ptr): boolean {
    const type = this.k.struct('pci_dynid');
    return ['vendor', 'device', 'subvendor', 'subdevice', 'class', 'class_mask'].every(
      (name) => type.get(a, `id.${name}`) === type.get(b, `id.${name}`),
    );
  }
}
