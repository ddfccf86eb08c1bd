import type { Ptr } from '../../../cpu/layout.js';
import { GuestTable } from '../../abi/guest-table.js';
import type { Holder, Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';

/**
 * An array of pointers indexed by a protocol's number, each slot taken by at most one registration: the
 * kernel's own exported array where it has a symbol, so that modules that look into it find what is there.
 */
export class SlotTable implements Holder {
  private readonly table: GuestTable;

  constructor(
    private readonly k: LinuxKernel,
    size: number,
    symbol: string,
    /** What an entry is. */
    private readonly kind: string,
  ) {
    this.table = new GuestTable(k, symbol, size);
    k.holders.push(this);
  }

  *holds(): Generator<Holding> {
    for (const [index, at] of this.table.entries()) yield { kind: this.kind, at, name: () => String(index) };
  }

  get(index: number): Ptr {
    return this.has(index) ? this.table.get(index) : 0;
  }

  /** cmpxchg(&table[index], NULL, entry): false if it is taken. */
  take(index: number, entry: Ptr): boolean {
    if (!this.has(index) || this.table.get(index) !== 0) return false;
    this.table.set(index, entry);
    this.k.origins.note(entry);
    return true;
  }

  /** cmpxchg(&table[index], entry, NULL): false if something else is there. */
  release(index: number, entry: Ptr): boolean {
    if (!this.has(index) || this.table.get(index) !== entry) return false;
    this.table.set(index, 0);
    return true;
  }

  private has(index: number): boolean {
    return index >= 0 && index < this.table.size;
  }
}
