import type { AddressSpace } from '../../cpu/address-space.js';
import { IMAGE, type Ptr } from '../../cpu/layout.js';
import {
  type ElfFile,
  R_X86_64_32,
  R_X86_64_32S,
  R_X86_64_64,
  R_X86_64_NONE,
  R_X86_64_PC32,
  R_X86_64_PC64,
  R_X86_64_PLT32,
  relocationName,
  type Section,
} from '../../formats/elf/index.js';
import { ENOEXEC } from '../../kernel/errno.js';
import { LoadError } from './load-error.js';

/**
 * A symbol's value as a signed 64-bit number: kernel addresses are negative, per-CPU offsets small. All are
 * exact, since the regions that modules refer to lie in the top 2 GiB.
 */
export type SymbolValue = number;

/** The value of a pointer into the image or module region, or of a small address. */
export function symbolValue(ptr: Ptr): SymbolValue {
  return ptr < IMAGE.start ? ptr : ptr - 0x8000_0000;
}

const outOfInt32 = (value: number): boolean => value < -0x8000_0000 || value > 0x7fff_ffff;

/**
 * Applies one SHT_RELA section to the section's copy in guest memory at `base` (apply_relocate_add of
 * arch/x86/kernel/module.c). Pages need not be writable yet: bytes are written as the loader's.
 */
export function applyRelocations(
  space: AddressSpace,
  elf: ElfFile,
  section: Section,
  base: Ptr,
  values: readonly (SymbolValue | undefined)[],
  log: (line: string) => void,
): void {
  const { view } = space;
  const target = elf.sections[section.info];
  const relocations = elf.relocations(section);
  for (let i = 0; i < relocations.length; i++) {
    const offset = relocations.offset(i);
    const type = relocations.type(i);
    if (type === R_X86_64_NONE) continue;
    const width = type === R_X86_64_64 || type === R_X86_64_PC64 ? 8 : 4;
    if (offset + width > target.size)
      throw new LoadError(
        ENOEXEC,
        `${section.name}: relocation ${i}: r_offset 0x${offset.toString(16)} is past the end of ${target.name}`,
      );
    const at = base + offset;
    const value = (values[relocations.symbol(i)] ?? 0) + relocations.addendNumber(i);
    switch (type) {
      case R_X86_64_64:
        view.setUint32(at, value >>> 0, true);
        view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
        break;
      case R_X86_64_32:
        if (value < 0 || value > 0xffff_ffff) overflow(type, value, log);
        view.setUint32(at, value, true);
        break;
      case R_X86_64_32S:
        if (outOfInt32(value)) overflow(type, value, log);
        view.setInt32(at, value, true);
        break;
      case R_X86_64_PC32:
      case R_X86_64_PLT32: {
        const relative = value - symbolValue(at);
        if (outOfInt32(relative)) overflow(type, relative, log);
        view.setInt32(at, relative, true);
        break;
      }
      case R_X86_64_PC64: {
        const relative = value - symbolValue(at);
        view.setUint32(at, relative >>> 0, true);
        view.setInt32(at + 4, Math.floor(relative / 2 ** 32), true);
        break;
      }
      default:
        log(`x86/modules: Unknown rela relocation: ${type}`);
        throw new LoadError(ENOEXEC, `unknown relocation ${relocationName(type)} in ${section.name}`);
    }
  }
}

function overflow(type: number, value: number, log: (line: string) => void): never {
  const bits = BigInt.asUintN(64, BigInt(value)).toString(16);
  log(`x86/modules: overflow in relocation type ${type} val ${bits}`);
  log('x86/modules: likely not compiled with -mcmodel=kernel');
  throw new LoadError(ENOEXEC, `relocation ${relocationName(type)} does not reach its symbol`);
}
