import type { ElfFile } from '../../formats/elf/index.js';

/**
 * What the kernel takes for `.modinfo`: the bytes of the file at the section's place, whatever type the section has (it
 * does not ask whether there are any).
 */
export function modinfoBytes(elf: ElfFile): Uint8Array {
  const section = elf.section('.modinfo');
  if (!section) return new Uint8Array();
  return elf.bytes.subarray(section.offset, section.offset + section.size);
}
