import type { Ptr } from '../../../cpu/layout.js';
import { IORESOURCE_MEM, IORESOURCE_UNSET } from '../../abi/ioport.js';
import type { LinuxKernel } from '../../kernel.js';
import { IoAccess, isPort } from '../../lib/misc/io.js';
import { Ioremap } from '../../mm/ioremap.js';
import type { Subsystem } from '../../subsystem.js';
import { isIo, isMemory, pciLog, regionOf, shownRegion } from './pci-dev.js';

/** Mapping a device's BARs (lib/pci_iomap.c, drivers/pci/pci.c). */
export class PciIomap implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_iomap: (pdev: Ptr, bar: number, most: number) => this.map(pdev, bar, 0, most),
    pci_iomap_range: (pdev: Ptr, bar: number, offset: number, most: number) =>
      this.map(pdev, bar, offset, most),
    pci_iomap_wc: (pdev: Ptr, bar: number, most: number) => this.mapCombining(pdev, bar, 0, most),
    pci_iomap_wc_range: (pdev: Ptr, bar: number, offset: number, most: number) =>
      this.mapCombining(pdev, bar, offset, most),
    pci_iounmap: (_pdev: Ptr, address: Ptr) => this.unmap(address),
    pci_ioremap_bar: (pdev: Ptr, bar: number) => this.remapBar(pdev, bar),
    pci_ioremap_wc_bar: (pdev: Ptr, bar: number) => this.remapBar(pdev, bar),
  };

  /** pci_iomap_range(): ports as a cookie, memory as an address; 0 for what is not there. */
  map(pdev: Ptr, bar: number, offset: number, most: number): Ptr {
    const { k } = this;
    const region = regionOf(k, pdev, bar);
    const length = Number(region.length) - offset;
    if (length <= 0 || region.start === 0n) return 0;
    const bytes = most !== 0 ? Math.min(length, most) : length;
    const start = Number(region.start) + offset;
    if (isIo(region)) return k.get(IoAccess).exports.ioport_map(start);
    return isMemory(region) ? k.get(Ioremap).map(start, bytes) : 0;
  }

  /** pci_iounmap() */
  unmap(address: Ptr): void {
    if (!isPort(address)) this.k.get(Ioremap).unmap(address);
  }

  private mapCombining(pdev: Ptr, bar: number, offset: number, most: number): Ptr {
    return isIo(regionOf(this.k, pdev, bar)) ? 0 : this.map(pdev, bar, offset, most);
  }

  private remapBar(pdev: Ptr, bar: number): Ptr {
    const { k } = this;
    const { flags, start, length } = regionOf(k, pdev, bar);
    if ((flags & IORESOURCE_UNSET) === 0 && (flags & IORESOURCE_MEM) !== 0)
      return k.get(Ioremap).map(Number(start), Number(length));
    pciLog.error(k, pdev, `can't ioremap BAR ${bar}: ${shownRegion(k, pdev, bar)}`);
    return 0;
  }
}
