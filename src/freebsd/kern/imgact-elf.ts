import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** MAX_BRANDS of sys/sys/imgact_elf.h. */
const MOST_BRANDS = 8;
const FULL = -1;

/** Brands of ELF programs (sys/kern/imgact_elf.c): systems whose programs modules know how to run, in a table a size of word. */
export class ElfBrands implements Subsystem {
  private readonly brands = { elf32: new Set<Ptr>(), elf64: new Set<Ptr>() };

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    elf32_insert_brand_entry: partly('no process runs a program', (at: Ptr) => this.insert('elf32', at)),
    elf64_insert_brand_entry: partly('no process runs a program', (at: Ptr) => this.insert('elf64', at)),
    elf32_remove_brand_entry: (at: Ptr) => this.remove('elf32', at),
    elf64_remove_brand_entry: (at: Ptr) => this.remove('elf64', at),
    elf32_brand_inuse: () => 0,
    elf64_brand_inuse: () => 0,
  };

  readonly signatures = Object.fromEntries(Object.keys(this.exports).map((name) => [name, 'i:p']));

  private insert(table: 'elf32' | 'elf64', at: Ptr): number {
    const brands = this.brands[table];
    if (brands.size >= MOST_BRANDS) return FULL;
    brands.add(at);
    this.k.origins.note(at);
    return 0;
  }

  private remove(table: 'elf32' | 'elf64', at: Ptr): number {
    this.k.origins.forget(at);
    return this.brands[table].delete(at) ? 0 : FULL;
  }

  *holds(): Generator<Holding> {
    for (const brands of Object.values(this.brands))
      for (const at of brands)
        yield { kind: 'brand of ELF programs', at, by: this.k.origins.of(at), name: () => '' };
  }
}
