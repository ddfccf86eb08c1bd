import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Devres } from '../base/devres.js';
import { PciEnabling } from './enable.js';
import { PciIomap } from './iomap.js';
import { type Managed, PciManaged } from './managed.js';
import { ALL_BARS, BARS, deviceOfPci, regionOf } from './pci-dev.js';
import { PciRegions } from './regions.js';

/** Devices that are turned off, and mappings that go, when the driver does (drivers/pci/devres.c). */
export class PciDevres implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  /** Addresses of each device's BARs, as pcim_iomap_table() gives them. */
  private readonly tables = new Map<Ptr, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pcim_enable_device: (pdev: Ptr) => this.enable(pdev),
    pcim_pin_device: (pdev: Ptr) => this.pin(pdev),
    pcim_iomap_table: (pdev: Ptr) => this.table(pdev),
    pcim_iomap: (pdev: Ptr, bar: number, most: number) => this.map(pdev, bar, most),
    pcim_iounmap: (pdev: Ptr, address: Ptr) => this.unmap(pdev, address),
    pcim_iomap_regions: (pdev: Ptr, bars: number, name: Ptr) => this.mapRegions(pdev, bars, name),
    pcim_iomap_regions_request_all: (pdev: Ptr, bars: number, name: Ptr) => this.mapAll(pdev, bars, name),
    pcim_iounmap_regions: (pdev: Ptr, bars: number) => this.unmapRegions(pdev, bars),
  };

  private *enable(pdev: Ptr): Sleepable<number> {
    const { k } = this;
    const own = this.start(pdev);
    if (own.enabled) return 0;
    const error = yield* k.get(PciEnabling).exports.pci_enable_device(pdev);
    if (error !== 0) return error;
    k.struct('pci_dev').set(pdev, 'is_managed', 1);
    own.enabled = true;
    return 0;
  }

  /** get_pci_dr() */
  private start(pdev: Ptr): Managed {
    const { k } = this;
    const known = k.get(PciManaged).of(pdev);
    if (known) return known;
    const own = k.get(PciManaged).start(pdev);
    const release = (): Sleepable<void> => this.release(pdev, own);
    k.get(Devres).addHost(deviceOfPci(k, pdev), pdev, release);
    return own;
  }

  /** pcim_release() */
  private *release(pdev: Ptr, own: Managed): Sleepable<void> {
    const { k } = this;
    const enabling = k.get(PciEnabling);
    for (let bar = 0; bar < BARS; bar++) if (own.regions & (1 << bar)) k.get(PciRegions).release(pdev, bar);
    if (own.mwi) yield* enabling.clearMwi(pdev);
    if (own.intx !== undefined) yield* enabling.setIntx(pdev, own.intx);
    k.get(PciManaged).end(pdev);
    k.struct('pci_dev').set(pdev, 'is_managed', 0);
    if (own.enabled && !own.pinned) yield* enabling.disable(pdev);
  }

  private pin(pdev: Ptr): void {
    const own = this.k.get(PciManaged).of(pdev);
    if (!own?.enabled) warn(this.k, '', 'drivers/pci/devres.c', 'pcim_pin_device');
    if (own) own.pinned = true;
  }

  /** pcim_iomap_table(): made when it is first asked for; what is in it is unmapped when the driver goes. */
  private table(pdev: Ptr): Ptr {
    const { k } = this;
    const known = this.tables.get(pdev);
    if (known !== undefined) return known;
    const table = k.slab.allocateBytes(BARS * 8, true);
    if (table === 0) return 0;
    this.tables.set(pdev, table);
    k.get(Devres).addHost(deviceOfPci(k, pdev), table, () => {
      for (let bar = 0; bar < BARS; bar++) {
        const address = k.space.loadPtr(table + bar * 8);
        if (address !== 0) k.get(PciIomap).unmap(address);
      }
      this.tables.delete(pdev);
      k.slab.free(table);
    });
    return table;
  }

  /** pcim_iomap(): 0 for a BAR that is mapped already, too. */
  private map(pdev: Ptr, bar: number, most: number): Ptr {
    const { k } = this;
    const table = this.table(pdev);
    if (table === 0 || bar >= BARS || k.space.loadPtr(table + bar * 8) !== 0) return 0;
    const address = k.get(PciIomap).map(pdev, bar, 0, most);
    k.space.storePtr(table + bar * 8, address);
    return address;
  }

  private unmap(pdev: Ptr, address: Ptr): void {
    const { k } = this;
    k.get(PciIomap).unmap(address);
    const table = this.table(pdev);
    for (let bar = 0; bar < BARS; bar++) {
      if (table === 0 || k.space.loadPtr(table + bar * 8) !== address) continue;
      k.space.storePtr(table + bar * 8, 0);
      return;
    }
    warn(k, '', 'drivers/pci/devres.c', 'pcim_iounmap');
  }

  /** pcim_iomap_regions(): requests and maps, all or none. */
  private mapRegions(pdev: Ptr, bars: number, name: Ptr): number {
    if (this.table(pdev) === 0) return -ENOMEM;
    for (let bar = 0; bar < BARS; bar++) {
      if ((bars & (1 << bar)) === 0) continue;
      const error = this.mapRegion(pdev, bar, name);
      if (error === 0) continue;
      for (let done = bar - 1; done >= 0; done--) if (bars & (1 << done)) this.unmapRegion(pdev, done);
      return error;
    }
    return 0;
  }

  private mapRegion(pdev: Ptr, bar: number, name: Ptr): number {
    const { k } = this;
    if (regionOf(k, pdev, bar).length === 0n) return -EINVAL;
    const error = k.get(PciRegions).request(pdev, bar, name);
    if (error !== 0) return error;
    if (this.map(pdev, bar, 0) !== 0) return 0;
    k.get(PciRegions).release(pdev, bar);
    return -ENOMEM;
  }

  private unmapRegion(pdev: Ptr, bar: number): void {
    const { k } = this;
    this.unmap(pdev, k.space.loadPtr(this.table(pdev) + bar * 8));
    k.get(PciRegions).release(pdev, bar);
  }

  private mapAll(pdev: Ptr, bars: number, name: Ptr): number {
    const regions = this.k.get(PciRegions);
    const others = ALL_BARS & ~bars;
    const taken = regions.requestAll(pdev, others, name);
    if (taken !== 0) return taken;
    const error = this.mapRegions(pdev, bars, name);
    if (error !== 0) regions.releaseAll(pdev, others);
    return error;
  }

  private unmapRegions(pdev: Ptr, bars: number): void {
    const { k } = this;
    const table = this.table(pdev);
    if (table === 0) return;
    for (let bar = 0; bar < BARS; bar++)
      if (bars & (1 << bar) && k.space.loadPtr(table + bar * 8) !== 0) this.unmapRegion(pdev, bar);
  }
}
