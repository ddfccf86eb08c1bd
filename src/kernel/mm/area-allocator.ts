import { type AddressSpace, PAGE_KERNEL, type Permissions } from '../../cpu/address-space.js';
import { PAGE_SIZE, type Ptr, pageAlign, type Region } from '../../cpu/layout.js';
import type { MemoryBudget } from './budget.js';
import { type Allocation, type AllocationKind, type Ledger, RECORD_BYTES } from './ledger.js';
import { RangeAllocator } from './range-allocator.js';

/**
 * Page-granular areas of one region, each followed by an unmapped guard page: large allocations, tasks' stacks,
 * images of modules.
 */
export class AreaAllocator {
  private readonly ranges: RangeAllocator;
  private readonly windows = new Set<Ptr>();

  constructor(
    private readonly space: AddressSpace,
    private readonly ledger: Ledger,
    region: Region,
    /** What the areas are taken from. */
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
    return this.take(size, kind, permissions, align, RECORD_BYTES + size);
  }

  /** Addresses for `bytes` of a device, or 0: nothing of the machine's memory is behind them. */
  allocateWindow(bytes: number, kind: AllocationKind): Ptr {
    const ptr = this.take(pageAlign(bytes), kind, PAGE_KERNEL, PAGE_SIZE, RECORD_BYTES);
    if (ptr !== 0) this.windows.add(ptr);
    return ptr;
  }

  private take(
    size: number,
    kind: AllocationKind,
    permissions: Permissions,
    align: number,
    cost: number,
  ): Ptr {
    if (!this.budget.take(cost)) return 0;
    const ptr = this.ranges.allocate(size + PAGE_SIZE, align);
    if (ptr === undefined) {
      this.budget.give(cost);
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
    this.budget.give(RECORD_BYTES + (this.windows.delete(ptr) ? 0 : allocation.size));
    return true;
  }
}
