import type { Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENODEV } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusGeneric } from './bus-generic.js';
import { BusTree } from './bus-tree.js';
import { DeviceAttach } from './device-attach.js';
import { fillClass, type KernelClass } from './kernel-class.js';

const EMPTY = 'there is no device on the PCI bus';
/** What configuration space reads as where no device is. */
const ALL_ONES = 0xffff_ffff;
/** PCI_SLOTMAX (sys/dev/pci/pcireg.h). */
const SLOT_MAX = 31;
/** What the bus's drivers bid: below any driver that knows more. */
const BID = -1000;

const PASSED_ON = {
  bus_alloc_resource: 'bus_generic_alloc_resource',
  bus_adjust_resource: 'bus_generic_adjust_resource',
  bus_release_resource: 'bus_generic_release_resource',
  bus_activate_resource: 'bus_generic_activate_resource',
  bus_deactivate_resource: 'bus_generic_deactivate_resource',
  bus_setup_intr: 'bus_generic_setup_intr',
  bus_teardown_intr: 'bus_generic_teardown_intr',
} as const;

const GENERIC = {
  device_shutdown: 'bus_generic_shutdown',
  device_suspend: 'bus_generic_suspend',
  device_resume: 'bus_generic_resume',
  device_detach: 'bus_generic_detach',
  ...PASSED_ON,
} as const;

/** pci0 on pcib0, a bus without devices: drivers of PCI devices are added to it, and wait for one (sys/dev/pci/pci.c). */
export class PciBus implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    pci_find_bsf: nothing(EMPTY, 0),
    pci_find_dbsf: nothing(EMPTY, 0),
    pci_find_device: nothing(EMPTY, 0),
    pci_find_class_from: nothing(EMPTY, 0),
    pci_cfgregread_domain: nothing(EMPTY, ALL_ONES),
    pci_cfgregwrite_domain: nothing(EMPTY, undefined),
  };

  readonly signatures = {
    pci_find_bsf: 'p:CCC',
    pci_find_dbsf: 'p:uCCC',
    pci_find_device: 'p:HH',
    pci_find_class_from: 'p:CCp',
    pci_cfgregread_domain: 'u:iiiiii',
    pci_cfgregwrite_domain: 'v:iiiiiui',
  };

  private describe(dev: Ptr, text: string): number {
    const device = this.k.get(BusTree).at(dev);
    device.desc = this.k.constantString(text);
    device.quiet = true;
    return BID;
  }

  private *attachBelow(dev: Ptr, child: string): Sleepable<number> {
    const { k } = this;
    const bus = k.get(BusTree).at(dev);
    if (child !== '') yield* k.get(DeviceAttach).addChild(bus, 0, child, 0);
    return yield* k.get(BusGeneric).attach(bus);
  }

  private get bridge(): KernelClass {
    return {
      name: 'pcib',
      size: 1,
      methods: {
        ...GENERIC,
        device_identify: (_driver: Ptr, parent: Ptr) => this.identify(parent),
        device_probe: (dev: Ptr) => this.describe(dev, 'Host to PCI bridge'),
        device_attach: (dev: Ptr) => this.attachBelow(dev, 'pci'),
        pcib_maxslots: () => SLOT_MAX,
        pcib_read_config: () => ALL_ONES,
        pcib_write_config: () => {},
      },
      signatures: {
        pcib_maxslots: 'i:p',
        pcib_read_config: 'u:puuuui',
        pcib_write_config: 'v:puuuuui',
      },
    };
  }

  private get bus(): KernelClass {
    return {
      name: 'pci',
      size: 1,
      methods: {
        ...GENERIC,
        device_probe: (dev: Ptr) => this.describe(dev, 'PCI bus'),
        device_attach: (dev: Ptr) => this.attachBelow(dev, ''),
        bus_rescan: () => ENODEV,
      },
    };
  }

  private *identify(parent: Ptr): Sleepable<void> {
    const { k } = this;
    const bus = k.get(BusTree).at(parent);
    if (!bus.children.some(({ name }) => name === 'pcib'))
      yield* k.get(DeviceAttach).addChild(bus, 0, 'pcib', 0);
  }

  /** Adds the classes of the bridge and the bus; `pci_driver` is what those of other such buses are based on. */
  *add(driver: (bus: string, name: string, fill: (at: Ptr) => void) => Sleepable<void>): Sleepable<void> {
    yield* driver('nexus', 'nexus_pcib_driver', (at) => fillClass(this.k, at, this.bridge));
    yield* driver('pcib', 'pci_driver', (at) => fillClass(this.k, at, this.bus));
  }
}
