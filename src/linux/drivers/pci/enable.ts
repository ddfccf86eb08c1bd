import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { IORESOURCE_IO, IORESOURCE_MEM, IORESOURCE_UNSET } from '../../abi/ioport.js';
import { EINVAL, EIO } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Once, warn } from '../../warn.js';
import { PciAccess } from './access.js';
import { PciLinks } from './links.js';
import { PciManaged } from './managed.js';
import { deviceOfPci, pciLog, regionName, regionOf, resourceAt, shownRegion } from './pci-dev.js';
import {
  COMMAND_INTX_DISABLE,
  COMMAND_INVALIDATE,
  COMMAND_IO,
  COMMAND_MASTER,
  COMMAND_MEMORY,
  PCI_CACHE_LINE_SIZE,
  PCI_COMMAND,
  PCI_D0,
  PCI_INTERRUPT_PIN,
  PCI_STATUS,
  STATUS_ERROR_BITS,
  STATUS_INTERRUPT,
} from './pci-regs.js';
import { PciPower } from './power.js';

/** IORESOURCE_ROM_ENABLE */
const ROM_ENABLE = 1;
const ANY = IORESOURCE_MEM | IORESOURCE_IO;
/** A cache line in units of 4 bytes (pci_cache_line_size). */
const CACHE_LINE = 64 / 4;

/** Turning devices on and off: their decoders, bus mastering, interrupt lines (drivers/pci/pci.c). */
export class PciEnabling implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  private readonly once = new Once();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_enable_device: (pdev: Ptr) => this.enable(pdev, ANY),
    pci_enable_device_mem: (pdev: Ptr) => this.enable(pdev, IORESOURCE_MEM),
    pci_enable_device_io: (pdev: Ptr) => this.enable(pdev, IORESOURCE_IO),
    pci_reenable_device: (pdev: Ptr) => (this.isEnabled(pdev) ? this.enableBars(pdev, ANY) : 0),
    pci_disable_device: (pdev: Ptr) => this.disable(pdev),
    pci_set_master: (pdev: Ptr) => this.setMaster(pdev, true),
    pci_clear_master: (pdev: Ptr) => this.setMaster(pdev, false),
    pci_set_cacheline_size: (pdev: Ptr) => this.setCacheLine(pdev),
    pci_set_mwi: (pdev: Ptr) => this.setMwi(pdev),
    pci_try_set_mwi: (pdev: Ptr) => this.setMwi(pdev),
    pci_clear_mwi: (pdev: Ptr) => this.clearMwi(pdev),
    pcim_set_mwi: (pdev: Ptr) => this.setManagedMwi(pdev),
    pci_intx: (pdev: Ptr, on: number) => this.setIntx(pdev, on !== 0),
    pci_check_and_mask_intx: (pdev: Ptr) => this.checkIntx(pdev, true),
    pci_check_and_unmask_intx: (pdev: Ptr) => this.checkIntx(pdev, false),
    pci_select_bars: (pdev: Ptr, flags: number) => this.bars(pdev, flags),
    pci_status_get_and_clear_errors: (pdev: Ptr) => this.takeErrors(pdev),
  };

  readonly data = {
    pci_cache_line_size: (address: Ptr) => this.k.space.store8(address, CACHE_LINE),
    pci_dfl_cache_line_size: (address: Ptr) => this.k.space.store8(address, CACHE_LINE),
  };

  /** pci_enable_device_flags(): the first user turns it on. */
  *enable(pdev: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('pci_dev');
    yield* k.get(PciPower).updateState(pdev, type.get(pdev, 'current_state'));
    const count = type.get(pdev, 'enable_cnt.counter') + 1;
    type.set(pdev, 'enable_cnt.counter', count);
    if (count > 1) return 0;
    const error = yield* this.enableBars(pdev, flags);
    if (error < 0) type.set(pdev, 'enable_cnt.counter', type.get(pdev, 'enable_cnt.counter') - 1);
    return error;
  }

  /** pci_disable_device(): the last user turns bus mastering off. */
  *disable(pdev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('pci_dev');
    k.get(PciManaged).noteDisabled(pdev);
    const count = type.get(pdev, 'enable_cnt.counter');
    if (count <= 0 && this.once.first('disable')) {
      const device = deviceOfPci(k, pdev);
      const who = `${driverName(k, device)} ${deviceName(k, device)}`;
      warn(k, `${who}: disabling already-disabled device`, 'drivers/pci/pci.c', 'pci_disable_device');
    }
    type.set(pdev, 'enable_cnt.counter', count - 1);
    if (count !== 1) return;
    yield* k.get(PciAccess).update(pdev, PCI_COMMAND, 2, COMMAND_MASTER, 0);
    type.set(pdev, 'is_busmaster', 0);
  }

  /** pci_is_enabled() */
  isEnabled(pdev: Ptr): boolean {
    return this.k.struct('pci_dev').get(pdev, 'enable_cnt.counter') > 0;
  }

  /** pci_intx(): lets a device raise its interrupt line, or not; a managed device gets it back as it was. */
  *setIntx(pdev: Ptr, on: boolean): Sleepable<void> {
    const { k } = this;
    const [clear, set] = on ? [COMMAND_INTX_DISABLE, 0] : [0, COMMAND_INTX_DISABLE];
    const old = yield* k.get(PciAccess).update(pdev, PCI_COMMAND, 2, clear, set);
    const wasOn = (old & COMMAND_INTX_DISABLE) === 0;
    if (wasOn !== on) k.get(PciManaged).noteIntx(pdev, wasOn);
  }

  /** pci_clear_mwi() */
  *clearMwi(pdev: Ptr): Sleepable<void> {
    yield* this.k.get(PciAccess).update(pdev, PCI_COMMAND, 2, COMMAND_INVALIDATE, 0);
  }

  /** do_pci_enable_device() */
  private *enableBars(pdev: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const access = k.get(PciAccess);
    const type = k.struct('pci_dev');
    const power = yield* k.get(PciPower).set(pdev, PCI_D0);
    if (power < 0 && power !== -EIO) return power;
    const error = yield* this.enableDecoders(pdev, flags);
    if (error < 0) return error;
    if (type.get(pdev, 'msi_enabled') || type.get(pdev, 'msix_enabled')) return 0;
    if ((yield* access.read(pdev, PCI_INTERRUPT_PIN, 1)) === 0) return 0;
    k.get(PciLinks).enable(type.get(pdev, 'irq'));
    yield* access.update(pdev, PCI_COMMAND, 2, COMMAND_INTX_DISABLE, 0);
    return 0;
  }

  /** pci_enable_resources(): of those regions that are of a kind in `flags`, each has to have its place. */
  private *enableDecoders(pdev: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const access = k.get(PciAccess);
    const old = yield* access.read(pdev, PCI_COMMAND, 2);
    let command = old;
    for (let index = 0; index < k.enumValue('PCI_NUM_RESOURCES'); index++) {
      const region = regionOf(k, pdev, index);
      if ((region.flags & flags & ANY) === 0) continue;
      if (index === k.enumValue('PCI_ROM_RESOURCE') && (region.flags & ROM_ENABLE) === 0) continue;
      const missing = this.missing(pdev, index);
      if (missing !== undefined) {
        pciLog.error(k, pdev, missing);
        return -EINVAL;
      }
      if (region.flags & IORESOURCE_IO) command |= COMMAND_IO;
      if (region.flags & IORESOURCE_MEM) command |= COMMAND_MEMORY;
    }
    if (command === old) return 0;
    const hex = (value: number): string => value.toString(16).padStart(4, '0');
    pciLog.info(k, pdev, `enabling device (${hex(old)} -> ${hex(command)})`);
    yield* access.write(pdev, PCI_COMMAND, 2, command);
    return 0;
  }

  /** What keeps a region from being decoded, in the kernel's words. */
  private missing(pdev: Ptr, index: number): string | undefined {
    const { k } = this;
    const at = resourceAt(k, pdev, index);
    const unset = (k.struct('resource').get(at, 'flags') & IORESOURCE_UNSET) !== 0;
    if (!unset && k.struct('resource').get(at, 'parent') !== 0) return undefined;
    const what = unset ? 'not assigned' : 'not claimed';
    const region = shownRegion(k, pdev, index);
    return k.hasSymbol('pci_resource_name')
      ? `${regionName(index)} ${region}: ${what}; can't enable device`
      : `can't enable device: BAR ${index} ${region} ${what}`;
  }

  private bars(pdev: Ptr, flags: number): number {
    const { k } = this;
    let bars = 0;
    for (let index = 0; index < k.enumValue('PCI_NUM_RESOURCES'); index++)
      if (k.struct('resource').get(resourceAt(k, pdev, index), 'flags') & flags) bars |= 1 << index;
    return bars;
  }

  private *setMaster(pdev: Ptr, on: boolean): Sleepable<void> {
    const [clear, set] = on ? [0, COMMAND_MASTER] : [COMMAND_MASTER, 0];
    yield* this.k.get(PciAccess).update(pdev, PCI_COMMAND, 2, clear, set);
    this.k.struct('pci_dev').set(pdev, 'is_busmaster', Number(on));
  }

  /** pci_set_cacheline_size(): -EINVAL if the device does not keep what it is told. */
  private *setCacheLine(pdev: Ptr): Sleepable<number> {
    const access = this.k.get(PciAccess);
    const now = yield* access.read(pdev, PCI_CACHE_LINE_SIZE, 1);
    if (now >= CACHE_LINE && now % CACHE_LINE === 0) return 0;
    yield* access.write(pdev, PCI_CACHE_LINE_SIZE, 1, CACHE_LINE);
    return (yield* access.read(pdev, PCI_CACHE_LINE_SIZE, 1)) === CACHE_LINE ? 0 : -EINVAL;
  }

  private *setMwi(pdev: Ptr): Sleepable<number> {
    const error = yield* this.setCacheLine(pdev);
    if (error !== 0) return error;
    yield* this.k.get(PciAccess).update(pdev, PCI_COMMAND, 2, 0, COMMAND_INVALIDATE);
    return 0;
  }

  private *setManagedMwi(pdev: Ptr): Sleepable<number> {
    this.k.get(PciManaged).noteMwi(pdev);
    return yield* this.setMwi(pdev);
  }

  /** pci_check_and_mask_intx(): whether the line was the device's doing, and so is changed. */
  private *checkIntx(pdev: Ptr, mask: boolean): Sleepable<boolean> {
    const access = this.k.get(PciAccess);
    const pending = ((yield* access.read(pdev, PCI_STATUS, 2)) & STATUS_INTERRUPT) !== 0;
    if (pending !== mask) return false;
    const [clear, set] = mask ? [0, COMMAND_INTX_DISABLE] : [COMMAND_INTX_DISABLE, 0];
    yield* access.update(pdev, PCI_COMMAND, 2, clear, set);
    return true;
  }

  private *takeErrors(pdev: Ptr): Sleepable<number> {
    const access = this.k.get(PciAccess);
    const errors = (yield* access.read(pdev, PCI_STATUS, 2)) & STATUS_ERROR_BITS;
    if (errors !== 0) yield* access.write(pdev, PCI_STATUS, 2, errors);
    return errors;
  }
}
