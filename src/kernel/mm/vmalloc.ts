import { type AddressSpace, PAGE_KERNEL, type Permissions } from '../../cpu/address-space.js';
import { PAGE_SIZE, type Ptr, type Region } from '../../cpu/layout.js';
import type { MemoryBudget } from './budget.js';
import { type Allocation, type AllocationKind, type Ledger, RECORD_BYTES } from './ledger.js';
import { RangeAllocator } from './range-allocator.js';

const pageAlign = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;

/**
 * Page-granular areas of one region, each followed by an unmapped guard page: vmalloc, kernel stacks, module
 * sections.
 */
export class AreaAllocator {
  private readonly ranges: RangeAllocator;

  constructor(
    private readonly space: AddressSpace,
    private readonly ledger: Ledger,
    region: Region,
    /** What the areas are taken from, but for those of `ioremap`. */
    private readonly budget: MemoryBudget,
  ) {
    this.ranges = new RangeAllocator(region.start + PAGE_SIZE, region.start + region.size);
  }

  /** Zeroed, mapped memory of at least `bytes`, or 0. `align` is a power of two, at least a page. */
  allocate(
    bytes: number,
    kind: AllocationKind,
    permissions: Permissions = PAGE_KERNEL,
    align = PAGE_SIZE,
  ): Ptr {
    const size = pageAlign(bytes);
    if (!this.budget.take(costOf(kind, size))) return 0;
    const ptr = this.ranges.allocate(size + PAGE_SIZE, align);
    if (ptr === undefined) {
      this.budget.give(costOf(kind, size));
      return 0;
    }
    this.space.map(ptr, size, permissions);
    this.ledger.add(kind, ptr, size);
    return ptr;
  }

  /** The area that `ptr` is in, or in the guard page behind it. */
  areaAt(ptr: Ptr): Allocation | undefined {
    let page = ptr & ~(PAGE_SIZE - 1);
    if (!this.space.isMapped(page)) page -= PAGE_SIZE;
    while (page >= this.ranges.start && this.space.isMapped(page)) {
      const area = this.ledger.get(page);
      if (area) return area;
      page -= PAGE_SIZE;
    }
    return undefined;
  }

  /** False if no area starts at `ptr`. */
  free(ptr: Ptr): boolean {
    const allocation = this.ledger.get(ptr);
    if (!allocation || ptr < this.ranges.start || ptr >= this.ranges.end) return false;
    this.ledger.remove(ptr);
    this.space.unmap(ptr, allocation.size);
    this.ranges.release(ptr, allocation.size + PAGE_SIZE);
    this.budget.give(costOf(allocation.kind, allocation.size));
    return true;
  }
}

/** An area of devices is no memory; all others have an entry in the ledger. */
const costOf = (kind: AllocationKind, size: number): number => RECORD_BYTES + (kind === 'ioremap' ? 0 : size);
