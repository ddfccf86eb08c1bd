import type { ElfFile } from '../../formats/elf/index.js';

/** struct kernel_symbol with relative references: three words of 32 bits. */
const KSYMTAB_BYTES = 12;

/** Whether a module exports symbols and has no table of their versions. */
export function hasUnversionedExports(elf: ElfFile): boolean {
  return ['', '_gpl'].some(
    (suffix) =>
      (elf.allocatedSection(`__ksymtab${suffix}`)?.size ?? 0) >= KSYMTAB_BYTES &&
      !elf.allocatedSection(`__kcrctab${suffix}`),
  );
}
