import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, EIO } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { PciAccess, type Width } from './access.js';
import { PciCapabilities } from './capabilities.js';

/** The PCI-X capability, its command and status registers, and the fields of the largest read (PCI-X Addendum 1.0a, 7.2). */
const PCIX = 0x07;
const COMMAND = 2;
const STATUS = 4;
const READ_SHIFT = 2;
const READ_MASK = 3;
const LARGEST_SHIFT = 21;
const SMALLEST_READ = 512;

/** How much a PCI-X device reads at once (drivers/pci/pci.c). */
export class PciX implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pcix_get_max_mmrbc: (pdev: Ptr) => this.bytes(pdev, STATUS, 4, LARGEST_SHIFT),
    pcix_get_mmrbc: (pdev: Ptr) => this.bytes(pdev, COMMAND, 2, READ_SHIFT),
    pcix_set_mmrbc: (pdev: Ptr, bytes: number) => this.set(pdev, bytes),
  };

  private *bytes(pdev: Ptr, register: number, size: Width, shift: number): Sleepable<number> {
    const at = yield* this.k.get(PciCapabilities).find(pdev, PCIX);
    if (at === 0) return -EINVAL;
    const value = yield* this.k.get(PciAccess).read(pdev, at + register, size);
    return SMALLEST_READ << ((value >>> shift) & READ_MASK);
  }

  private *set(pdev: Ptr, bytes: number): Sleepable<number> {
    const power = Math.log2(bytes / SMALLEST_READ);
    if (!Number.isInteger(power) || power < 0 || power > READ_MASK) return -EINVAL;
    const at = yield* this.k.get(PciCapabilities).find(pdev, PCIX);
    if (at === 0) return -EINVAL;
    if (bytes > (yield* this.bytes(pdev, STATUS, 4, LARGEST_SHIFT))) return -EIO;
    const access = this.k.get(PciAccess);
    const before = yield* access.read(pdev, at + COMMAND, 2);
    yield* access.write(pdev, at + COMMAND, 2, (before & ~(READ_MASK << READ_SHIFT)) | (power << READ_SHIFT));
    return 0;
  }
}
