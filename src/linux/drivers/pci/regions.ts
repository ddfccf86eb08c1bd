import type { Ptr } from '../../../cpu/layout.js';
import { IORESOURCE_EXCLUSIVE } from '../../abi/ioport.js';
import { EBUSY } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Resources } from '../resource/resource.js';
import { PciManaged } from './managed.js';
import { ALL_BARS, BARS, isIo, isMemory, pciLog, regionOf, shownRegion } from './pci-dev.js';

/** Who has the regions of a device's BARs (drivers/pci/pci.c). */
export class PciRegions implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_request_region: (pdev: Ptr, bar: number, name: Ptr) => this.request(pdev, bar, name),
    pci_release_region: (pdev: Ptr, bar: number) => this.release(pdev, bar),
    pci_request_regions: (pdev: Ptr, name: Ptr) => this.requestAll(pdev, ALL_BARS, name),
    pci_request_regions_exclusive: (pdev: Ptr, name: Ptr) =>
      this.requestAll(pdev, ALL_BARS, name, IORESOURCE_EXCLUSIVE),
    pci_release_regions: (pdev: Ptr) => this.releaseAll(pdev, ALL_BARS),
    pci_request_selected_regions: (pdev: Ptr, bars: number, name: Ptr) => this.requestAll(pdev, bars, name),
    pci_request_selected_regions_exclusive: (pdev: Ptr, bars: number, name: Ptr) =>
      this.requestAll(pdev, bars, name, IORESOURCE_EXCLUSIVE),
    pci_release_selected_regions: (pdev: Ptr, bars: number) => this.releaseAll(pdev, bars),
  };

  /** pci_request_region(): -EBUSY, with a word, where somebody has it. */
  request(pdev: Ptr, bar: number, name: Ptr, exclusive = 0): number {
    const { k } = this;
    const region = regionOf(k, pdev, bar);
    if (region.length === 0n) return 0;
    const root = this.rootOf(pdev, bar);
    const flags = isMemory(region) && !isIo(region) ? exclusive : 0;
    if (root !== 0 && k.get(Resources).requestRegion(root, region.start, region.length, name, flags) === 0) {
      pciLog.warn(k, pdev, `BAR ${bar}: can't reserve ${shownRegion(k, pdev, bar)}`);
      return -EBUSY;
    }
    k.get(PciManaged).noteRegion(pdev, bar, true);
    return 0;
  }

  /** pci_release_region() */
  release(pdev: Ptr, bar: number): void {
    const { k } = this;
    const region = regionOf(k, pdev, bar);
    if (region.length === 0n) return;
    const root = this.rootOf(pdev, bar);
    if (root !== 0) k.get(Resources).releaseRegion(root, region.start, region.length);
    k.get(PciManaged).noteRegion(pdev, bar, false);
  }

  /** pci_request_selected_regions(): all or none. */
  requestAll(pdev: Ptr, bars: number, name: Ptr, exclusive = 0): number {
    for (let bar = 0; bar < BARS; bar++) {
      if ((bars & (1 << bar)) === 0 || this.request(pdev, bar, name, exclusive) === 0) continue;
      for (let done = bar - 1; done >= 0; done--) if (bars & (1 << done)) this.release(pdev, done);
      return -EBUSY;
    }
    return 0;
  }

  releaseAll(pdev: Ptr, bars: number): void {
    for (let bar = 0; bar < BARS; bar++) if (bars & (1 << bar)) this.release(pdev, bar);
  }

  private rootOf(pdev: Ptr, bar: number): Ptr {
    const region = regionOf(this.k, pdev, bar);
    if (isIo(region)) return this.k.symbol('ioport_resource');
    return isMemory(region) ? this.k.symbol('iomem_resource') : 0;
  }
}
