import type { Ptr } from '../../cpu/layout.js';
import { PAGE_SIZE } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { PageExports } from './pages.js';

/** What is mapped at one page of an address space. */
interface Entry {
  readonly pfn: number;
  /** The page whose references the entry holds; 0 for memory that is only known by its number. */
  readonly page: Ptr;
}

/**
 * What drivers map into address spaces of user programs (the kernel's page tables). No program of the machine reads or writes such
 * memory by its address, so that a table of entries is all there is to it.
 */
export class PageTables implements Subsystem {
  /** By mm_struct, and address of the page. */
  private readonly tables = new Map<Ptr, Map<number, Entry>>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {};

  at(mm: Ptr, address: number): Entry | undefined {
    return this.tables.get(mm)?.get(address);
  }

  /** Maps a page, whose references and mappings are counted, or just a number. False: something is there already. */
  map(mm: Ptr, address: number, entry: Entry): boolean {
    const table = this.tables.get(mm) ?? new Map<number, Entry>();
    this.tables.set(mm, table);
    if (table.has(address)) return false;
    table.set(address, entry);
    if (entry.page !== 0) this.count(entry.page, 1);
    return true;
  }

  /** Takes what is mapped in a range out of it. */
  clear(mm: Ptr, start: number, bytes: number): void {
    const table = this.tables.get(mm);
    if (!table) return;
    for (let address = start; address < start + bytes; address += PAGE_SIZE) {
      const entry = table.get(address);
      if (!entry) continue;
      table.delete(address);
      if (entry.page === 0) continue;
      const type = this.k.struct('page');
      type.set(entry.page, '_mapcount.counter', type.get(entry.page, '_mapcount.counter') - 1);
      this.k.get(PageExports).freePages(entry.page, 0);
    }
  }

  private count(page: Ptr, by: number): void {
    const type = this.k.struct('page');
    for (const member of ['_refcount.counter', '_mapcount.counter'])
      type.set(page, member, type.get(page, member) + by);
  }
}
