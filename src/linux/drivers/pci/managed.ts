import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** What is given back for a managed device when its driver goes (struct pci_devres). */
export interface Managed {
  enabled: boolean;
  pinned: boolean;
  mwi: boolean;
  /** How the interrupt line was before the driver changed it. */
  intx: boolean | undefined;
  /** A bit for each BAR whose region was requested. */
  regions: number;
}

/** Devices that are managed (find_pci_dr()): who changes one notes here what is to be undone. */
export class PciManaged implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  readonly exports = {};
  private readonly managed = new Map<Ptr, Managed>();

  constructor(readonly k: LinuxKernel) {}

  of(pdev: Ptr): Managed | undefined {
    return this.managed.get(pdev);
  }

  start(pdev: Ptr): Managed {
    const own: Managed = { enabled: false, pinned: false, mwi: false, intx: undefined, regions: 0 };
    this.managed.set(pdev, own);
    return own;
  }

  end(pdev: Ptr): void {
    this.managed.delete(pdev);
  }

  noteDisabled(pdev: Ptr): void {
    const own = this.managed.get(pdev);
    if (own) own.enabled = false;
  }

  noteRegion(pdev: Ptr, bar: number, has: boolean): void {
    const own = this.managed.get(pdev);
    if (!own) return;
    own.regions = has ? own.regions | (1 << bar) : own.regions & ~(1 << bar);
  }

  noteIntx(pdev: Ptr, was: boolean): void {
    const own = this.managed.get(pdev);
    if (own && own.intx === undefined) own.intx = was;
  }

  noteMwi(pdev: Ptr): void {
    const own = this.managed.get(pdev);
    if (own) own.mwi = true;
  }
}
