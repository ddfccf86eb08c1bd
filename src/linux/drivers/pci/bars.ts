import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import {
  IORESOURCE_IO,
  IORESOURCE_MEM,
  IORESOURCE_MEM_64,
  IORESOURCE_PREFETCH,
  IORESOURCE_READONLY,
  IORESOURCE_SIZEALIGN,
} from '../../abi/ioport.js';
import type { LinuxKernel } from '../../kernel.js';
import { PciAccess } from './access.js';
import { BARS, pciLog, regionName, resourceAt, shownRegion } from './pci-dev.js';
import {
  BASE_ADDRESS_64,
  BASE_ADDRESS_IO,
  BASE_ADDRESS_PREFETCH,
  COMMAND_IO,
  COMMAND_MEMORY,
  PCI_BASE_ADDRESS_0,
  PCI_COMMAND,
  PCI_ROM_ADDRESS,
  ROM_ADDRESS_ENABLE,
} from './pci-regs.js';

/** Bits of a BAR that are no address, and of a ROM's. */
export const BAR_MEMORY_BITS = 0xfn;
export const BAR_IO_BITS = 0x3n;
const ROM_BITS = 0x7ffn;

/** pci_read_bases(): the places and sizes of a device's BARs and of its ROM, which decodes nothing meanwhile. */
export function* readBars(k: LinuxKernel, pdev: Ptr): Sleepable<void> {
  const access = k.get(PciAccess);
  const command = yield* access.update(pdev, PCI_COMMAND, 2, COMMAND_IO | COMMAND_MEMORY, 0);
  for (let bar = 0; bar < BARS; ) bar += yield* readBar(k, pdev, bar);
  yield* readRom(k, pdev);
  if (command & (COMMAND_IO | COMMAND_MEMORY)) yield* access.write(pdev, PCI_COMMAND, 2, command);
}

/** What a register holds, and what of it the device keeps of all ones. */
function* size(
  k: LinuxKernel,
  pdev: Ptr,
  register: number,
  ones: number,
): Sleepable<readonly [bigint, bigint]> {
  const access = k.get(PciAccess);
  const value = yield* access.read(pdev, register, 4);
  yield* access.write(pdev, register, 4, ones);
  const kept = yield* access.read(pdev, register, 4);
  yield* access.write(pdev, register, 4, value);
  return [BigInt(value), BigInt(kept)];
}

/** __pci_read_base(); how many registers it takes. */
function* readBar(k: LinuxKernel, pdev: Ptr, bar: number): Sleepable<number> {
  const register = PCI_BASE_ADDRESS_0 + 4 * bar;
  let [value, kept] = yield* size(k, pdev, register, 0xffff_ffff);
  if (kept === 0n || kept === 0xffff_ffffn) return 1;
  const low = Number(value);
  if (low & BASE_ADDRESS_IO) {
    set(
      k,
      pdev,
      bar,
      value & ~BAR_IO_BITS,
      spanOf((kept & ~BAR_IO_BITS) | 0xffff_0000n),
      (low & Number(BAR_IO_BITS)) | IORESOURCE_IO,
    );
    return 1;
  }
  const wide = (low & BASE_ADDRESS_64) !== 0;
  if (wide) {
    const [high, keptHigh] = yield* size(k, pdev, register + 4, 0xffff_ffff);
    value |= high << 32n;
    kept |= keptHigh << 32n;
  } else kept |= 0xffff_ffffn << 32n;
  const flags =
    IORESOURCE_MEM | (wide ? IORESOURCE_MEM_64 : 0) | (low & BASE_ADDRESS_PREFETCH ? IORESOURCE_PREFETCH : 0);
  const span = BigInt.asUintN(64, ~(kept & ~BAR_MEMORY_BITS));
  set(k, pdev, bar, value & ~BAR_MEMORY_BITS, span, flags | (low & Number(BAR_MEMORY_BITS)));
  return wide ? 2 : 1;
}

const spanOf = (kept: bigint): bigint => BigInt.asUintN(32, ~kept);

function* readRom(k: LinuxKernel, pdev: Ptr): Sleepable<void> {
  const [value, kept] = yield* size(k, pdev, PCI_ROM_ADDRESS, 0xffff_f800);
  if (kept === 0n || kept === 0xffff_ffffn) return;
  const flags = IORESOURCE_MEM | IORESOURCE_PREFETCH | IORESOURCE_READONLY;
  const on = Number(value) & ROM_ADDRESS_ENABLE;
  set(k, pdev, k.enumValue('PCI_ROM_RESOURCE'), value & ~ROM_BITS, spanOf(kept & ~ROM_BITS), flags | on);
}

/** Notes a region that begins at `start` and ends `span` bytes behind that. */
function set(k: LinuxKernel, pdev: Ptr, index: number, start: bigint, span: bigint, flags: number): void {
  const type = k.struct('resource');
  const at = resourceAt(k, pdev, index);
  type.setBig(at, 'start', start);
  type.setBig(at, 'end', start + span);
  type.set(at, 'flags', flags | IORESOURCE_SIZEALIGN);
  type.set(at, 'name', k.struct('pci_dev').get(pdev, 'dev.kobj.name'));
  const register = index < BARS ? PCI_BASE_ADDRESS_0 + 4 * index : PCI_ROM_ADDRESS;
  const name = k.hasSymbol('pci_resource_name') ? regionName(index) : `reg 0x${register.toString(16)}:`;
  pciLog.info(k, pdev, `${name} ${shownRegion(k, pdev, index)}`);
}
