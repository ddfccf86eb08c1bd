import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { getDevice, putDevice } from '../base/device.js';

/** Looking for PCI devices (drivers/pci/search.c): this machine has no PCI, so nothing is ever found. */
export class PciSearch implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_get_device: nothing('there is no PCI device', 0),
    pci_get_subsys: nothing('there is no PCI device', 0),
    pci_get_class: nothing('there is no PCI device', 0),
    pci_get_base_class: nothing('there is no PCI device', 0),
    pci_get_slot: nothing('there is no PCI device', 0),
    pci_get_domain_bus_and_slot: nothing('there is no PCI device', 0),
    pci_dev_present: nothing('there is no PCI device', 0),
    pci_find_bus: nothing('there is no PCI device', 0),
    pci_find_next_bus: nothing('there is no PCI device', 0),
    pci_dev_get: (pdev: Ptr) => {
      if (pdev !== 0) getDevice(this.k, this.k.struct('pci_dev').addr(pdev, 'dev'));
      return pdev;
    },
    pci_dev_put: (pdev: Ptr) =>
      pdev === 0 ? undefined : putDevice(this.k, this.k.struct('pci_dev').addr(pdev, 'dev')),
  };
}
