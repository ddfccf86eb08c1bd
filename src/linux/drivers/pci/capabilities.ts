import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { PciAccess } from './access.js';
import {
  PCI_CAPABILITY_LIST,
  PCI_CB_CAPABILITY_LIST,
  PCI_HEADER_TYPE,
  PCI_STATUS,
  STATUS_CAP_LIST,
} from './pci-regs.js';

/** As many capabilities as fit: what is more is a circle. */
const MOST = 48;
const MOST_EXTENDED = (4096 - 256) / 8;
const EXTENDED = 0x100;
const NO_CAPABILITY = 0xff;
const EXT_VENDOR = 0x0b;
const EXT_SERIAL = 0x03;
const EXT_DESIGNATED = 0x23;

/** The lists of what a device can do, in its configuration space (drivers/pci/pci.c). */
export class PciCapabilities implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_find_capability: (pdev: Ptr, id: number) => this.find(pdev, id),
    pci_bus_find_capability: (bus: Ptr, devfn: number, id: number) => this.findOnBus(bus, devfn, id),
    pci_find_next_capability: (pdev: Ptr, after: number, id: number) => {
      const { bus, devfn } = this.placeOf(pdev);
      return this.walk(bus, devfn, after + 1, id);
    },
    pci_find_ext_capability: (pdev: Ptr, id: number) => this.findExtended(pdev, 0, id),
    pci_find_next_ext_capability: (pdev: Ptr, after: number, id: number) =>
      this.findExtended(pdev, after, id),
    pci_find_vsec_capability: (pdev: Ptr, vendor: number, id: number) => this.findVsec(pdev, vendor, id),
    pci_find_dvsec_capability: (pdev: Ptr, vendor: number, id: number) => this.findDvsec(pdev, vendor, id),
    pci_get_dsn: (pdev: Ptr) => this.serialNumber(pdev),
  };

  readonly signatures = { pci_get_dsn: 'Q:p' };

  /** pci_find_capability(): where a capability is; 0 if the device has it not. */
  *find(pdev: Ptr, id: number): Sleepable<number> {
    const { bus, devfn } = this.placeOf(pdev);
    const header = this.k.struct('pci_dev').get(pdev, 'hdr_type') & 0x7f;
    return yield* this.from(bus, devfn, header, id);
  }

  /** pci_find_ext_capability(), behind the one at `after` (0: from the first). */
  *findExtended(pdev: Ptr, after: number, id: number): Sleepable<number> {
    const access = this.k.get(PciAccess);
    if (this.k.struct('pci_dev').get(pdev, 'cfg_size') <= EXTENDED) return 0;
    let at = after || EXTENDED;
    let header = yield* access.read(pdev, at, 4);
    if (header === 0) return 0;
    for (let left = MOST_EXTENDED; left > 0; left--) {
      if ((header & 0xffff) === id && at !== after) return at;
      at = (header >>> 20) & 0xffc;
      if (at < EXTENDED) return 0;
      header = yield* access.read(pdev, at, 4);
    }
    return 0;
  }

  private placeOf(pdev: Ptr): { bus: Ptr; devfn: number } {
    const type = this.k.struct('pci_dev');
    return { bus: type.get(pdev, 'bus'), devfn: type.get(pdev, 'devfn') };
  }

  private *findOnBus(bus: Ptr, devfn: number, id: number): Sleepable<number> {
    const { value } = yield* this.k.get(PciAccess).readBus(bus, devfn, PCI_HEADER_TYPE, 1);
    return yield* this.from(bus, devfn, value & 0x7f, id);
  }

  private *from(bus: Ptr, devfn: number, header: number, id: number): Sleepable<number> {
    const { value: status } = yield* this.k.get(PciAccess).readBus(bus, devfn, PCI_STATUS, 2);
    if ((status & STATUS_CAP_LIST) === 0 || header > 2) return 0;
    const first = header === 2 ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST;
    return yield* this.walk(bus, devfn, first, id);
  }

  /** From a pointer to a capability on. */
  private *walk(bus: Ptr, devfn: number, pointer: number, id: number): Sleepable<number> {
    const access = this.k.get(PciAccess);
    let { value: at } = yield* access.readBus(bus, devfn, pointer, 1);
    for (let left = MOST; left > 0 && at >= 0x40; left--) {
      at &= ~3;
      const { value: entry } = yield* access.readBus(bus, devfn, at, 2);
      if ((entry & 0xff) === NO_CAPABILITY) return 0;
      if ((entry & 0xff) === id) return at;
      at = entry >>> 8;
    }
    return 0;
  }

  private *findVsec(pdev: Ptr, vendor: number, id: number): Sleepable<number> {
    if (vendor !== this.k.struct('pci_dev').get(pdev, 'vendor')) return 0;
    for (let at = 0; ; ) {
      at = yield* this.findExtended(pdev, at, EXT_VENDOR);
      if (at === 0) return 0;
      if (((yield* this.k.get(PciAccess).read(pdev, at + 4, 4)) & 0xffff) === id) return at;
    }
  }

  private *findDvsec(pdev: Ptr, vendor: number, id: number): Sleepable<number> {
    const access = this.k.get(PciAccess);
    for (let at = 0; ; ) {
      at = yield* this.findExtended(pdev, at, EXT_DESIGNATED);
      if (at === 0) return 0;
      const own = yield* access.read(pdev, at + 4, 2);
      if (own === vendor && (yield* access.read(pdev, at + 8, 2)) === id) return at;
    }
  }

  private *serialNumber(pdev: Ptr): Sleepable<bigint> {
    const access = this.k.get(PciAccess);
    const at = yield* this.findExtended(pdev, 0, EXT_SERIAL);
    if (at === 0) return 0n;
    const low = yield* access.read(pdev, at + 4, 4);
    return BigInt(low) | (BigInt(yield* access.read(pdev, at + 8, 4)) << 32n);
  }
}
