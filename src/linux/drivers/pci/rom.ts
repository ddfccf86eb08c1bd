import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Ioremap } from '../../mm/ioremap.js';
import type { Subsystem } from '../../subsystem.js';
import { PciAccess } from './access.js';
import { pciLog, ROM_SHADOW, regionOf } from './pci-dev.js';
import { PCI_ROM_ADDRESS, ROM_ADDRESS_ENABLE } from './pci-regs.js';

/** Flags of a ROM's resource (include/linux/ioport.h). */
const ROM_ENABLED = 1;
/** Marks of an image, and where in it the pointer to its data is, and in these its length and whether it is the last. */
const SIGNATURE = 0xaa55;
const DATA_SIGNATURE = 0x5249_4350;
const DATA_POINTER = 24;
const DATA_LENGTH = 16;
const DATA_INDICATOR = 21;
const IMAGE_UNIT = 512;

/** The ROM of a card (drivers/pci/rom.c). */
export class PciRom implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pci_enable_rom: (pdev: Ptr) => this.enable(pdev),
    pci_disable_rom: (pdev: Ptr) => this.disable(pdev),
    pci_map_rom: (pdev: Ptr, size: Ptr) => this.map(pdev, size),
    pci_unmap_rom: (pdev: Ptr, rom: Ptr) => this.unmap(pdev, rom),
  };

  private region(pdev: Ptr) {
    return regionOf(this.k, pdev, this.k.enumValue('PCI_ROM_RESOURCE'));
  }

  private *enable(pdev: Ptr): Sleepable<number> {
    const { flags, start } = this.region(pdev);
    if (flags === 0) return -1;
    if (flags & ROM_SHADOW) return 0;
    yield* this.k
      .get(PciAccess)
      .update(pdev, PCI_ROM_ADDRESS, 4, 0xffff_f800, Number(start) | ROM_ADDRESS_ENABLE);
    return 0;
  }

  private *disable(pdev: Ptr): Sleepable<void> {
    if (this.region(pdev).flags & ROM_SHADOW) return;
    yield* this.k.get(PciAccess).update(pdev, PCI_ROM_ADDRESS, 4, ROM_ADDRESS_ENABLE, 0);
  }

  /** pci_map_rom(): 0 where there is no ROM, none that has its place, or no image in it. */
  private *map(pdev: Ptr, size: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const { at, start, length, flags } = this.region(pdev);
    if (k.struct('resource').get(at, 'parent') === 0) return 0;
    k.space.storeLong(size, Number(length));
    if (length === 0n || (yield* this.enable(pdev)) !== 0) return 0;
    const rom = k.get(Ioremap).map(Number(start), Number(length));
    const bytes = rom === 0 ? 0 : this.imageSize(pdev, rom, Number(length));
    if (bytes !== 0) {
      k.space.storeLong(size, bytes);
      return rom;
    }
    if (rom !== 0) k.get(Ioremap).unmap(rom);
    if ((flags & ROM_ENABLED) === 0) yield* this.disable(pdev);
    return 0;
  }

  private *unmap(pdev: Ptr, rom: Ptr): Sleepable<void> {
    this.k.get(Ioremap).unmap(rom);
    if ((this.region(pdev).flags & ROM_ENABLED) === 0) yield* this.disable(pdev);
  }

  /** pci_get_rom_size(): up to the end of the last image. */
  private imageSize(pdev: Ptr, rom: Ptr, size: number): number {
    const { k } = this;
    const { space } = k;
    let image = rom;
    for (;;) {
      const signature = space.load16(image);
      if (signature !== SIGNATURE) {
        const got = `0x${signature.toString(16).padStart(4, '0')}`;
        pciLog.info(k, pdev, `Invalid PCI ROM header signature: expecting 0xaa55, got ${got}`);
        break;
      }
      const data = image + space.load16(image + DATA_POINTER);
      if (space.load32(data) !== DATA_SIGNATURE) {
        const got = `0x${space.load32(data).toString(16).padStart(8, '0')}`;
        pciLog.info(k, pdev, `Invalid PCI ROM data signature: expecting 0x52494350, got ${got}`);
        break;
      }
      const last = (space.load8(data + DATA_INDICATOR) & 0x80) !== 0;
      const blocks = space.load16(data + DATA_LENGTH);
      image += blocks * IMAGE_UNIT;
      if (image >= rom + size || last || blocks === 0) break;
      if (space.load16(image) !== SIGNATURE) {
        pciLog.info(k, pdev, 'No more images in PCI ROM');
        break;
      }
    }
    return Math.min(image - rom, size);
  }
}
