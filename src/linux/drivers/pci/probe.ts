import type { Ptr } from '../../../cpu/layout.js';
import type { AnyFunction } from '../../../kernel/abi/gate.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { DMA_32BIT } from '../../abi/dma.js';
import { IORESOURCE_IO, IORESOURCE_MEM, IORESOURCE_WINDOW } from '../../abi/ioport.js';
import { list } from '../../abi/list.js';
import { Interrupts } from '../../irq/manage.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from '../base/core.js';
import { DriverBinding } from '../base/dd.js';
import { putDevice } from '../base/device.js';
import { RuntimePm } from '../base/pm-runtime.js';
import { hasRuntime } from '../base/power-fields.js';
import { Resources } from '../resource/resource.js';
import { DEVICE_NOT_FOUND, PciAccess } from './access.js';
import { readBars } from './bars.js';
import { PciCapabilities } from './capabilities.js';
import { PciEnabling } from './enable.js';
import { PciBus } from './pci-bus.js';
import { BARS, deviceOfPci, pciLog, resourceAt } from './pci-dev.js';
import {
  CAP_ID_EXP,
  CAP_ID_MSI,
  CAP_ID_MSIX,
  CAP_ID_PM,
  EXP_DEVCAP,
  EXP_FLAGS,
  PCI_CLASS_REVISION,
  PCI_HEADER_TYPE,
  PCI_INTERRUPT_LINE,
  PCI_INTERRUPT_PIN,
  PCI_SUBSYSTEM_ID,
  PCI_SUBSYSTEM_VENDOR_ID,
  PCI_UNKNOWN,
  PCI_VENDOR_ID,
  PM_PMC,
  PMC_D1,
  PMC_D2,
  PMC_PME_SHIFT,
} from './pci-regs.js';
import { PciSavedState } from './saved-state.js';
import { PciSetupResources } from './setup-res.js';

/** Configuration space behind a host bridge, as the machine has it. */
export interface ConfigurationSpace {
  /** What a device's register holds; undefined where no device is. */
  read(devfn: number, where: number, bytes: number): number | undefined;
  write(devfn: number, where: number, bytes: number, value: number): void;
}

/** Classes of UHCI, OHCI, EHCI and xHCI controllers (include/linux/pci_ids.h). */
const USB_CONTROLLERS: readonly number[] = [0x0c_0300, 0x0c_0310, 0x0c_0320, 0x0c_0330];
/** PCI_PM_D3HOT_WAIT, PCI_PM_D3COLD_WAIT: milliseconds. */
const D3HOT_DELAY = 10;
const D3COLD_DELAY = 100;
/** PCI_SPEED_UNKNOWN */
const SPEED_UNKNOWN = 0xff;
/** Lists of a bus. */
const HEADS = ['children', 'devices', 'slots', 'resources'] as const;
/** What bridges and their kin are, and devices with virtual functions; what is scanned here is none of them. */
const NO_BRIDGE = [
  'subordinate',
  'transparent',
  'is_hotplug_bridge',
  'is_physfn',
  'is_virtfn',
  'pasid_no_tlp',
] as const;
/** Devices that are not PCI Express have this much configuration space; the others have the rest. */
const CONFIG_BYTES = 256;
const EXPRESS_CONFIG_BYTES = 4096;
/** Where devices may have their memory: between RAM and the interrupt controllers. */
const WINDOWS = [
  { name: 'PCI Bus 0000:00', start: 0xd00n, end: 0xffffn, flags: IORESOURCE_IO },
  { name: 'PCI Bus 0000:00', start: 0x8000_0000n, end: 0xfebf_ffffn, flags: IORESOURCE_MEM },
] as const;

/** Finding devices by their configuration space, and taking them away (drivers/pci/probe.c, remove.c). */
export class PciProbe implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_lock_rescan_remove: () => this.k.get(Mutexes).lock(this.rescanLock),
    pci_unlock_rescan_remove: () => this.k.get(Mutexes).unlock(this.rescanLock),
    pci_stop_and_remove_bus_device: (pdev: Ptr) => this.remove(pdev),
    pci_stop_and_remove_bus_device_locked: (pdev: Ptr) => this.remove(pdev),
  };

  boot(): void {
    this.k.get(Mutexes).init(this.rescanLock);
  }

  /** Held while devices come and go. */
  private get rescanLock(): Ptr {
    return this.k.variable('pci_rescan_remove_lock', this.k.sizeOf('mutex'));
  }

  /** A host bridge of the machine with bus 0 behind it, on which nothing is looked for yet; the struct pci_bus. */
  *addRootBus(space: ConfigurationSpace): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('pci_bus');
    const bus = k.permanent(type.size);
    for (const head of HEADS) list.init(k.space, type.addr(bus, head));
    // It is behind no bridge, of which there would be a device.
    type.set(bus, 'parent', 0);
    type.set(bus, 'self', 0);
    type.set(bus, 'max_bus_speed', SPEED_UNKNOWN);
    type.set(bus, 'cur_bus_speed', SPEED_UNKNOWN);
    type.set(bus, 'is_added', 1);
    const sysdata = k.permanent(k.sizeOf('pci_sysdata'));
    k.struct('pci_sysdata').set(sysdata, 'node', -1);
    type.set(bus, 'sysdata', sysdata);
    type.set(bus, 'ops', this.operations(space));
    type.setText(bus, 'name', 'PCI Bus 0000:00');
    WINDOWS.forEach((window, i) => {
      k.space.storePtr(type.addr(bus, 'resource') + 8 * i, this.window(window));
    });
    const bridge = k.permanent(k.sizeOf('pci_host_bridge'));
    const host = k.struct('pci_host_bridge').addr(bridge, 'dev');
    k.struct('pci_host_bridge').set(bridge, 'bus', bus);
    // Addresses on the bus are those of the CPU.
    for (const head of ['windows', 'dma_ranges'])
      list.init(k.space, k.struct('pci_host_bridge').addr(bridge, head));
    type.set(bus, 'bridge', host);
    k.struct('device').bind(host, 'release', 'pci_release_host_bridge_dev', () => undefined);
    k.get(Devices).initialize(host);
    k.get(Devices).setName(host, 'pci0000:00');
    yield* k.get(Devices).add(host);
    list.addTail(k.space, type.addr(bus, 'node'), k.symbol('pci_root_buses'));
    return bus;
  }

  /** pci_scan_single_device(): the device at a place of a bus, which drivers get to see; 0 if none answers there. */
  *scan(bus: Ptr, devfn: number): Sleepable<Ptr> {
    const { k } = this;
    const { value: id } = yield* k.get(PciAccess).readBus(bus, devfn, PCI_VENDOR_ID, 4);
    if (id === 0xffff_ffff || id === 0) return 0;
    const pdev = k.slab.allocateBytes(k.struct('pci_dev').size, true);
    if (pdev === 0) return 0;
    this.initialize(pdev, bus, devfn, id);
    yield* this.readHeader(pdev);
    yield* this.readCapabilities(pdev);
    k.get(PciSavedState).prepare(pdev);
    for (let index = 0; index <= BARS; index++)
      if (k.struct('resource').get(resourceAt(k, pdev, index), 'flags') !== 0)
        k.get(PciSetupResources).claim(pdev, index);
    this.startPower(pdev);
    yield* this.takeUsbOver(pdev);
    yield* k.get(Devices).add(deviceOfPci(k, pdev));
    return pdev;
  }

  /** pci_stop_and_remove_bus_device(): its driver leaves it first. */
  *remove(pdev: Ptr): Sleepable<void> {
    const { k } = this;
    const device = deviceOfPci(k, pdev);
    yield* k.get(DriverBinding).release(device);
    yield* k.get(Devices).del(device);
    list.delInit(k.space, k.struct('pci_dev').addr(pdev, 'bus_list'));
    for (let index = 0; index <= BARS; index++) {
      const at = resourceAt(k, pdev, index);
      if (k.struct('resource').get(at, 'parent') !== 0) k.get(Resources).release(at);
    }
    yield* putDevice(k, device);
  }

  private operations(space: ConfigurationSpace): Ptr {
    const { k } = this;
    const type = k.struct('pci_ops');
    const ops = k.permanent(type.size);
    const read: AnyFunction = (_bus: Ptr, devfn: number, where: number, bytes: number, to: Ptr): number => {
      const value = space.read(devfn, where, bytes);
      k.space.store32(to, value ?? 0xffff_ffff);
      return value === undefined ? DEVICE_NOT_FOUND : 0;
    };
    type.bind(ops, 'read', 'pci_read', read);
    type.bind(
      ops,
      'write',
      'pci_write',
      (_bus: Ptr, devfn: number, where: number, bytes: number, value: number) => {
        space.write(devfn, where, bytes, value >>> 0);
        return 0;
      },
    );
    return ops;
  }

  private window({ name, start, end, flags }: (typeof WINDOWS)[number]): Ptr {
    const { k } = this;
    const type = k.struct('resource');
    const at = k.permanent(type.size);
    type.set(at, 'name', k.constantString(name));
    type.setBig(at, 'start', start);
    type.setBig(at, 'end', end);
    type.set(at, 'flags', flags | IORESOURCE_WINDOW);
    k.get(Resources).insert(k.symbol(flags === IORESOURCE_IO ? 'ioport_resource' : 'iomem_resource'), at);
    return at;
  }

  private initialize(pdev: Ptr, bus: Ptr, devfn: number, id: number): void {
    const { k } = this;
    const type = k.struct('pci_dev');
    const device = deviceOfPci(k, pdev);
    type.set(pdev, 'bus', bus);
    type.set(pdev, 'sysdata', k.struct('pci_bus').get(bus, 'sysdata'));
    type.set(pdev, 'devfn', devfn);
    type.set(pdev, 'vendor', id & 0xffff);
    type.set(pdev, 'device', id >>> 16);
    type.set(pdev, 'current_state', PCI_UNKNOWN);
    type.set(pdev, 'error_state', k.enumValue('pci_channel_io_normal'));
    type.set(pdev, 'd3hot_delay', D3HOT_DELAY);
    type.set(pdev, 'd3cold_delay', D3COLD_DELAY);
    type.setBig(pdev, 'dma_mask', DMA_32BIT);
    type.set(pdev, 'dev.dma_mask', type.addr(pdev, 'dma_mask'));
    type.setBig(pdev, 'dev.coherent_dma_mask', DMA_32BIT);
    type.set(pdev, 'dev.dma_parms', type.addr(pdev, 'dma_parms'));
    type.set(pdev, 'dev.bus', k.get(PciBus).bus);
    type.set(pdev, 'dev.parent', k.struct('pci_bus').get(bus, 'bridge'));
    for (const member of NO_BRIDGE) type.set(pdev, member, 0);
    type.bind(pdev, 'dev.release', 'pci_release_dev', (dev: Ptr) => this.free(type.of(dev, 'dev')));
    k.get(Devices).initialize(device);
    const slot = `${(devfn >>> 3).toString(16).padStart(2, '0')}.${devfn & 7}`;
    const number = k.struct('pci_bus').get(bus, 'number').toString(16).padStart(2, '0');
    k.get(Devices).setName(device, `0000:${number}:${slot}`);
    list.addTail(k.space, type.addr(pdev, 'bus_list'), k.struct('pci_bus').addr(bus, 'devices'));
  }

  /** pci_setup_device() */
  private *readHeader(pdev: Ptr): Sleepable<void> {
    const { k } = this;
    const access = k.get(PciAccess);
    const type = k.struct('pci_dev');
    const header = yield* access.read(pdev, PCI_HEADER_TYPE, 1);
    type.set(pdev, 'hdr_type', header & 0x7f);
    type.set(pdev, 'multifunction', header >>> 7);
    const cls = yield* access.read(pdev, PCI_CLASS_REVISION, 4);
    type.set(pdev, 'revision', cls & 0xff);
    type.set(pdev, 'class', cls >>> 8);
    type.set(pdev, 'subsystem_vendor', yield* access.read(pdev, PCI_SUBSYSTEM_VENDOR_ID, 2));
    type.set(pdev, 'subsystem_device', yield* access.read(pdev, PCI_SUBSYSTEM_ID, 2));
    const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
    const ids = `[${hex(type.get(pdev, 'vendor'), 4)}:${hex(type.get(pdev, 'device'), 4)}]`;
    pciLog.info(k, pdev, `${ids} type ${hex(header & 0x7f, 2)} class 0x${hex(cls >>> 8, 6)}`);
    const pin = yield* access.read(pdev, PCI_INTERRUPT_PIN, 1);
    const line = pin === 0 ? 0 : yield* access.read(pdev, PCI_INTERRUPT_LINE, 1);
    type.set(pdev, 'pin', pin);
    type.set(pdev, 'irq', line);
    if (pin !== 0) k.get(Interrupts).connect(line);
    yield* readBars(k, pdev);
  }

  private *readCapabilities(pdev: Ptr): Sleepable<void> {
    const { k } = this;
    const access = k.get(PciAccess);
    const capabilities = k.get(PciCapabilities);
    const type = k.struct('pci_dev');
    const express = yield* capabilities.find(pdev, CAP_ID_EXP);
    type.set(pdev, 'pcie_cap', express);
    type.set(pdev, 'cfg_size', express === 0 ? CONFIG_BYTES : EXPRESS_CONFIG_BYTES);
    if (express !== 0) {
      type.set(pdev, 'pcie_flags_reg', yield* access.read(pdev, express + EXP_FLAGS, 2));
      const devcap = yield* access.read(pdev, express + EXP_DEVCAP, 4);
      type.set(pdev, 'devcap', devcap);
      type.set(pdev, 'pcie_mpss', devcap & 7);
    }
    type.set(pdev, 'msi_cap', yield* capabilities.find(pdev, CAP_ID_MSI));
    type.set(pdev, 'msix_cap', yield* capabilities.find(pdev, CAP_ID_MSIX));
    const pm = yield* capabilities.find(pdev, CAP_ID_PM);
    if (pm === 0) return;
    const features = yield* access.read(pdev, pm + PM_PMC, 2);
    type.set(pdev, 'pm_cap', pm);
    type.set(pdev, 'd1_support', Number((features & PMC_D1) !== 0));
    type.set(pdev, 'd2_support', Number((features & PMC_D2) !== 0));
    type.set(pdev, 'pme_support', features >>> PMC_PME_SHIFT);
    if (features >>> PMC_PME_SHIFT !== 0) type.set(pdev, 'dev.power.can_wakeup', 1);
  }

  /** quirk_usb_early_handoff(): USB controllers are taken from the firmware, which had turned none on here; they are enabled for that long. */
  private *takeUsbOver(pdev: Ptr): Sleepable<void> {
    const { k } = this;
    const kind = k.struct('pci_dev').get(pdev, 'class');
    if (!USB_CONTROLLERS.includes(kind)) return;
    if ((yield* k.get(PciEnabling).enable(pdev, IORESOURCE_MEM | IORESOURCE_IO)) < 0) return;
    yield* k.get(PciEnabling).disable(pdev);
  }

  /** pci_pm_init(): runtime PM is on, and forbidden until somebody allows it. */
  private startPower(pdev: Ptr): void {
    const { k } = this;
    if (!hasRuntime(k)) return;
    const type = k.struct('pci_dev');
    const runtime = k.get(RuntimePm);
    const device = deviceOfPci(k, pdev);
    type.set(pdev, 'dev.power.runtime_auto', 0);
    runtime.addUse(device, 1);
    runtime.set(device, 'RPM_ACTIVE');
    type.set(pdev, 'dev.power.disable_depth', 0);
  }

  /** pci_release_dev() */
  private free(pdev: Ptr): void {
    this.k.get(PciSavedState).drop(pdev);
    this.k.slab.free(pdev);
  }
}
