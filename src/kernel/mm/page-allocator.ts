import { type AddressSpace, PAGE_KERNEL } from '../../cpu/address-space.js';
import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { MemoryBudget } from './budget.js';
import type { Ledger } from './ledger.js';
import { RangeAllocator } from './range-allocator.js';

/** Free bytes that the first of several single pages is put before. */
const ROW = 64 * PAGE_SIZE;

/**
 * Pages of the map's RAM. A freed page is unmapped and scrubbed, so that a stale pointer to it
 * faults. Slab and per-CPU memory come from here too, through `takePages`, which the ledger does not see.
 */
export class PageAllocator {
  private readonly ranges: RangeAllocator;
  /** Where the last single page ends; 0 when one was freed since. */
  private afterLast: Ptr = 0;
  /** Told when there are more pages, or fewer. */
  changed: () => void = () => {};

  constructor(
    private readonly space: AddressSpace,
    private readonly ledger: Ledger,
    /** What pages are taken from; all of it by default. */
    readonly budget = new MemoryBudget(space.memoryMap.ram.size),
  ) {
    const { start, size } = space.memoryMap.ram;
    this.ranges = new RangeAllocator(start, start + size);
  }

  /** 2^order zeroed, mapped pages, naturally aligned; 0 when there are none left. */
  allocate(order: number): Ptr {
    const size = PAGE_SIZE << order;
    const ptr = order === 0 ? this.takeNext() : this.takePages(size, size);
    if (ptr !== 0) this.ledger.add('pages', ptr, size);
    return ptr;
  }

  /** A number of pages that is no power of two (alloc_pages_exact). */
  allocateExact(bytes: number): Ptr {
    const size = Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
    const ptr = this.takePages(size, PAGE_SIZE);
    if (ptr !== 0) this.ledger.add('pages', ptr, size);
    return ptr;
  }

  /** False if no allocation starts at `ptr`: a double free, or a pointer that was never allocated. */
  free(ptr: Ptr): boolean {
    const allocation = this.ledger.get(ptr);
    if (allocation?.kind !== 'pages') return false;
    this.ledger.remove(ptr);
    if (allocation.size === PAGE_SIZE) this.afterLast = 0;
    this.givePages(ptr, allocation.size);
    return true;
  }

  /**
   * Single pages that are asked for one after the other follow each other, where there is room: vmap() needs that. What comes
   * first goes where there is room for some more.
   */
  private takeNext(): Ptr {
    if (!this.budget.take(PAGE_SIZE)) return 0;
    const ptr = this.ranges.claim(this.afterLast, PAGE_SIZE) ? this.afterLast : this.beginRow();
    if (ptr === undefined) {
      this.budget.give(PAGE_SIZE);
      return 0;
    }
    this.space.map(ptr, PAGE_SIZE, PAGE_KERNEL);
    this.afterLast = ptr + PAGE_SIZE;
    this.changed();
    return ptr;
  }

  private beginRow(): Ptr | undefined {
    const row = this.ranges.allocate(ROW, PAGE_SIZE);
    if (row === undefined) return this.ranges.allocate(PAGE_SIZE, PAGE_SIZE);
    this.ranges.release(row + PAGE_SIZE, ROW - PAGE_SIZE);
    return row;
  }

  takePages(bytes: number, align: number): Ptr {
    if (!this.budget.take(bytes)) return 0;
    const ptr = this.ranges.allocate(bytes, align);
    if (ptr === undefined) {
      this.budget.give(bytes);
      return 0;
    }
    this.space.map(ptr, bytes, PAGE_KERNEL);
    this.changed();
    return ptr;
  }

  givePages(ptr: Ptr, bytes: number): void {
    this.space.unmap(ptr, bytes);
    this.ranges.release(ptr, bytes);
    this.budget.give(bytes);
    this.changed();
  }

  /** Bytes free. */
  get available(): number {
    return Math.min(this.budget.available, this.ranges.available);
  }
}
