import type { Ptr } from '../../../cpu/layout.js';
import { IORESOURCE_PREFETCH, IORESOURCE_UNSET, resourceType } from '../../abi/ioport.js';
import { EBUSY, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { sprintf } from '../../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../../subsystem.js';
import { Resources } from '../resource/resource.js';
import { cannot, pciLog, ROM_SHADOW, regionName, resourceAt, shownRegion } from './pci-dev.js';

/** Windows of a bus that are in its struct (PCI_BRIDGE_RESOURCE_NUM). */
const WINDOWS = 4;

/** A device's regions in the tree of resources (drivers/pci/setup-res.c, bus.c). */
export class PciSetupResources implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_claim_resource: (pdev: Ptr, index: number) => this.claim(pdev, index),
    pci_release_resource: (pdev: Ptr, index: number) => this.release(pdev, index),
    pci_find_parent_resource: (pdev: Ptr, resource: Ptr) => this.parentOf(pdev, resource),
    pci_find_resource: (pdev: Ptr, resource: Ptr) => this.find(pdev, resource),
    pci_bus_resource_n: (bus: Ptr, index: number) => this.windowsOf(bus)[index] ?? 0,
  };

  /** pci_claim_resource(): firmware's place for it, if that is in a window of the bus and free. */
  claim(pdev: Ptr, index: number): number {
    const { k } = this;
    const type = k.struct('resource');
    const at = resourceAt(k, pdev, index);
    const refuse = (why: string): void => pciLog.info(k, pdev, cannot(k, pdev, index, 'claim', why));
    if (type.get(at, 'flags') & IORESOURCE_UNSET) {
      refuse('no address assigned');
      return -EINVAL;
    }
    if (type.get(at, 'flags') & ROM_SHADOW) return 0;
    const root = this.parentOf(pdev, at);
    const conflict = root === 0 ? 0 : k.get(Resources).request(root, at);
    if (root !== 0 && conflict === 0) return 0;
    if (root === 0) refuse('no compatible bridge window');
    else {
      const other = `${type.string(conflict, 'name')} ${sprintf(k, '%pR', k.space.toAddress(conflict))}`;
      refuse(`address conflict with ${other}`);
    }
    type.set(at, 'flags', (type.get(at, 'flags') | IORESOURCE_UNSET) >>> 0);
    return root === 0 ? -EINVAL : -EBUSY;
  }

  /** pci_release_resource(): it has no place from then on. */
  private release(pdev: Ptr, index: number): void {
    const { k } = this;
    const type = k.struct('resource');
    const at = resourceAt(k, pdev, index);
    pciLog.info(k, pdev, `${regionName(index)} ${shownRegion(k, pdev, index)}: releasing`);
    if (type.get(at, 'parent') === 0) return;
    k.get(Resources).release(at);
    type.setBig(at, 'end', type.getBig(at, 'end') - type.getBig(at, 'start'));
    type.setBig(at, 'start', 0n);
    type.set(at, 'flags', (type.get(at, 'flags') | IORESOURCE_UNSET) >>> 0);
  }

  /** The windows through which a bus is reached. */
  private windowsOf(bus: Ptr): Ptr[] {
    const at = this.k.struct('pci_bus').addr(bus, 'resource');
    return Array.from({ length: WINDOWS }, (_, i) => this.k.space.loadPtr(at + 8 * i));
  }

  /** pci_find_parent_resource() */
  private parentOf(pdev: Ptr, resource: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('resource');
    const flags = type.get(resource, 'flags');
    const fits = (window: Ptr): boolean =>
      window !== 0 &&
      resourceType(type.get(window, 'flags')) === resourceType(flags) &&
      type.getBig(window, 'start') <= type.getBig(resource, 'start') &&
      type.getBig(window, 'end') >= type.getBig(resource, 'end') &&
      ((type.get(window, 'flags') & IORESOURCE_PREFETCH) === 0 || (flags & IORESOURCE_PREFETCH) !== 0);
    return this.windowsOf(k.struct('pci_dev').get(pdev, 'bus')).find(fits) ?? 0;
  }

  /** pci_find_resource(): the region of the device that holds another. */
  private find(pdev: Ptr, resource: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('resource');
    for (let index = 0; index < 6; index++) {
      const at = resourceAt(k, pdev, index);
      const contains =
        type.getBig(at, 'start') !== 0n &&
        type.getBig(at, 'start') <= type.getBig(resource, 'start') &&
        type.getBig(at, 'end') >= type.getBig(resource, 'end') &&
        resourceType(type.get(at, 'flags')) === resourceType(type.get(resource, 'flags'));
      if (contains) return at;
    }
    return 0;
  }
}
