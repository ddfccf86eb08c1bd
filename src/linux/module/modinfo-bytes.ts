import type { ElfFile } from '../../formats/elf/index.js';

/**
 * What the kernel takes for `.modinfo`: the bytes of the file at the section's place, whatever type the section has (it
 * does not ask whether there are any).
 */
export function modinfoBytes(elf: ElfFile): Uint8Array {
  const section = elf.allocatedSection('.modinfo');
  if (!section) return new Uint8Array();
  // The string that the section's end cuts through is read to its own end, and one string there always is.
  const end = elf.bytes.indexOf(0, section.offset + Math.max(section.size, 1) - 1);
  return elf.bytes.subarray(section.offset, end < 0 ? elf.bytes.length : end);
}
