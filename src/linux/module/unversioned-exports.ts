import type { ElfFile } from '../../formats/elf/index.js';

/** Whether a module exports symbols and has no table of their versions. */
export function hasUnversionedExports(elf: ElfFile): boolean {
  return ['', '_gpl'].some(
    (suffix) => (elf.section(`__ksymtab${suffix}`)?.size ?? 0) > 0 && !elf.section(`__kcrctab${suffix}`),
  );
}
