import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { BusRegistry } from '../base/bus-registry.js';
import { getDevice, putDevice } from '../base/device.js';
import { PCI_ANY_ID, PciBus } from './pci-bus.js';

/** Looking for PCI devices (drivers/pci/search.c). What is found has a reference; what the search began at gives its own back. */
export class PciSearch implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_get_device: (vendor: number, device: number, from: Ptr) =>
      this.next(from, (pdev) => this.isA(pdev, vendor, device)),
    pci_get_subsys: (vendor: number, device: number, subvendor: number, subdevice: number, from: Ptr) =>
      this.next(
        from,
        (pdev) =>
          this.isA(pdev, vendor, device) &&
          this.is(pdev, 'subsystem_vendor', subvendor) &&
          this.is(pdev, 'subsystem_device', subdevice),
      ),
    pci_get_class: (cls: number, from: Ptr) => this.next(from, (pdev) => this.get(pdev, 'class') === cls),
    pci_get_base_class: (cls: number, from: Ptr) =>
      this.next(from, (pdev) => this.get(pdev, 'class') >>> 16 === cls),
    pci_get_slot: (bus: Ptr, devfn: number) =>
      this.next(0, (pdev) => this.get(pdev, 'bus') === bus && this.get(pdev, 'devfn') === devfn),
    pci_get_domain_bus_and_slot: (domain: number, bus: number, devfn: number) =>
      this.next(0, (pdev) => this.isAt(pdev, domain, bus) && this.get(pdev, 'devfn') === devfn),
    pci_dev_present: (ids: Ptr) => {
      const bus = this.k.get(PciBus);
      return Number(this.devices().some((pdev) => bus.matchTable(ids, pdev) !== 0));
    },
    pci_find_bus: (domain: number, number: number) =>
      this.roots().find((bus) => this.isBus(bus, domain, number)) ?? 0,
    pci_find_next_bus: (from: Ptr) => {
      const roots = this.roots();
      return roots[from === 0 ? 0 : roots.indexOf(from) + 1] ?? 0;
    },
    pci_walk_bus: (bus: Ptr, visit: Ptr, data: Ptr) => this.walk(bus, visit, data),
    pci_walk_bus_locked: (bus: Ptr, visit: Ptr, data: Ptr) => this.walk(bus, visit, data),
    pci_dev_get: (pdev: Ptr) => {
      if (pdev !== 0) getDevice(this.k, this.k.struct('pci_dev').addr(pdev, 'dev'));
      return pdev;
    },
    pci_dev_put: (pdev: Ptr) =>
      pdev === 0 ? undefined : putDevice(this.k, this.k.struct('pci_dev').addr(pdev, 'dev')),
  };

  readonly data = {
    pci_root_buses: (head: Ptr) => list.init(this.k.space, head),
  };

  /** Every device, in the order in which they were found. */
  devices(): readonly Ptr[] {
    const { k } = this;
    const known = k.get(BusRegistry).get(k.get(PciBus).bus)?.devices ?? [];
    return known.map((device) => k.struct('pci_dev').of(device, 'dev'));
  }

  private *next(from: Ptr, fits: (pdev: Ptr) => boolean): Sleepable<Ptr> {
    const { k } = this;
    const devices = this.devices();
    const found = devices.slice(from === 0 ? 0 : devices.indexOf(from) + 1).find(fits) ?? 0;
    const type = k.struct('pci_dev');
    if (found !== 0) getDevice(k, type.addr(found, 'dev'));
    if (from !== 0) yield* putDevice(k, type.addr(from, 'dev'));
    return found;
  }

  /** pci_walk_bus(): the devices of a bus and of those behind it, until one of the calls gives something else than 0. */
  private *walk(bus: Ptr, visit: Ptr, data: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('pci_dev');
    for (const node of [...list.entries(k.space, k.struct('pci_bus').addr(bus, 'devices'))]) {
      const pdev = type.of(node, 'bus_list');
      // int (*cb)(struct pci_dev *, void *)
      if ((yield* k.callAs('i:pp', visit, pdev, data)) !== 0) return;
      if (type.get(pdev, 'subordinate') !== 0) yield* this.walk(type.get(pdev, 'subordinate'), visit, data);
    }
  }

  private get(pdev: Ptr, member: string): number {
    return this.k.struct('pci_dev').get(pdev, member);
  }

  private is(pdev: Ptr, member: string, value: number): boolean {
    return value === PCI_ANY_ID || this.get(pdev, member) === value;
  }

  private isA(pdev: Ptr, vendor: number, device: number): boolean {
    return this.is(pdev, 'vendor', vendor) && this.is(pdev, 'device', device);
  }

  private isAt(pdev: Ptr, domain: number, number: number): boolean {
    return this.isBus(this.get(pdev, 'bus'), domain, number);
  }

  private isBus(bus: Ptr, domain: number, number: number): boolean {
    const type = this.k.struct('pci_bus');
    const sysdata = type.get(bus, 'sysdata');
    const own = sysdata === 0 ? 0 : this.k.struct('pci_sysdata').get(sysdata, 'domain');
    return own === domain && type.get(bus, 'number') === number;
  }

  private roots(): Ptr[] {
    const head = this.k.symbol('pci_root_buses');
    return [...list.entries(this.k.space, head)].map((node) => this.k.struct('pci_bus').of(node, 'node'));
  }
}
