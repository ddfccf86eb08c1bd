import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR, LOGLEVEL_INFO, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { IORESOURCE_IO, IORESOURCE_MEM } from '../../abi/ioport.js';
import type { LinuxKernel } from '../../kernel.js';
import { sprintf } from '../../lib/vsprintf/vsprintf.js';
import { DevicePrintk } from '../../printk/device-printk.js';

/** Base address registers of a device (PCI_STD_NUM_BARS), and a bit for each. */
export const BARS = 6;
export const ALL_BARS = (1 << BARS) - 1;
/** IORESOURCE_ROM_SHADOW: a ROM that lies in RAM. */
export const ROM_SHADOW = 2;

/** A region that a device has: a BAR, its ROM (PCI_ROM_RESOURCE). */
export interface PciRegion {
  /** Its struct resource. */
  readonly at: Ptr;
  readonly start: bigint;
  /** pci_resource_len(): 0 for none. */
  readonly length: bigint;
  readonly flags: number;
}

/** &dev->resource[index] */
export function resourceAt(k: LinuxKernel, pdev: Ptr, index: number): Ptr {
  return k.struct('pci_dev').addr(pdev, 'resource') + index * k.sizeOf('resource');
}

export function regionOf(k: LinuxKernel, pdev: Ptr, index: number): PciRegion {
  const type = k.struct('resource');
  const at = resourceAt(k, pdev, index);
  const start = type.getBig(at, 'start');
  const end = type.getBig(at, 'end');
  return { at, start, length: end === 0n ? 0n : end - start + 1n, flags: type.get(at, 'flags') };
}

export const isIo = ({ flags }: PciRegion): boolean => (flags & IORESOURCE_IO) !== 0;
export const isMemory = ({ flags }: PciRegion): boolean => (flags & IORESOURCE_MEM) !== 0;

/** `%pR` of one of a device's regions. */
export function shownRegion(k: LinuxKernel, pdev: Ptr, index: number): string {
  return sprintf(k, '%pR', k.space.toAddress(resourceAt(k, pdev, index)));
}

/** pci_resource_name(): of the regions that devices have which are no bridges. */
export function regionName(index: number): string {
  return index < BARS ? `BAR ${index}` : 'ROM';
}

/** What is said of a region that cannot be used; kernels before 6.7 say it in another order, unless that was brought to them. */
export function cannot(k: LinuxKernel, pdev: Ptr, index: number, what: string, why: string): string {
  const region = shownRegion(k, pdev, index);
  if (!k.hasSymbol('pci_resource_name')) return `can't ${what} BAR ${index} ${region}: ${why}`;
  return `${regionName(index)} ${region}: can't ${what}; ${why}`;
}

/** to_pci_dev()->dev */
export function deviceOfPci(k: LinuxKernel, pdev: Ptr): Ptr {
  return k.struct('pci_dev').addr(pdev, 'dev');
}

/** pci_info(), pci_warn(), pci_err() */
export const pciLog = {
  info: (k: LinuxKernel, pdev: Ptr, text: string): void => say(k, pdev, LOGLEVEL_INFO, text),
  warn: (k: LinuxKernel, pdev: Ptr, text: string): void => say(k, pdev, LOGLEVEL_WARNING, text),
  error: (k: LinuxKernel, pdev: Ptr, text: string): void => say(k, pdev, LOGLEVEL_ERR, text),
};

function say(k: LinuxKernel, pdev: Ptr, level: number, text: string): void {
  k.get(DevicePrintk).device(deviceOfPci(k, pdev), level, `${text}\n`);
}
