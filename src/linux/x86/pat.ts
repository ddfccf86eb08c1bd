import { constant } from '../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Bits of a page-table entry that choose an entry of the page attribute table (Intel SDM vol. 3, 12.12.3). */
const PWT = 0x08n;
const PCD = 0x10n;
const PAT = 0x80n;

/** What selects each memory type (enum page_cache_mode), as Linux programs the table (Documentation/x86/pat.rst). */
const PROTECTION: Readonly<Record<string, bigint>> = {
  _PAGE_CACHE_MODE_WB: 0n,
  _PAGE_CACHE_MODE_WC: PWT,
  _PAGE_CACHE_MODE_UC_MINUS: PCD,
  _PAGE_CACHE_MODE_UC: PCD | PWT,
  _PAGE_CACHE_MODE_WT: PAT | PCD | PWT,
  _PAGE_CACHE_MODE_WP: PAT | PWT,
};

/** The page attribute table: memory types of mappings (arch/x86/mm/pat, arch/x86/mm/init.c). */
export class PageAttributes implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    // As the MSR says (msr.ts).
    pat_enabled: constant(true),
    cachemode2protval: (mode: number) => this.protectionOf(mode),
  };

  readonly signatures = { cachemode2protval: 'Q:u' };

  private protectionOf(mode: number): bigint {
    const name = Object.keys(PROTECTION).find((candidate) => this.k.enumValue(candidate) === mode);
    return name === undefined ? 0n : PROTECTION[name];
  }
}
