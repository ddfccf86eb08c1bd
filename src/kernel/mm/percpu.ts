import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';
import type { Ledger } from './ledger.js';
import type { PageAllocator } from './page-allocator.js';
import { RangeAllocator } from './range-allocator.js';

/** Room for dynamic and module per-CPU data behind the static part, in bytes. */
const DYNAMIC_BYTES = 0x8_0000;

/**
 * Per-CPU memory of the one virtual CPU. A per-CPU pointer is an offset from the area's base, as on x86-64:
 * 0 is the first static variable; gs holds the base. In TypeScript the offset is the `Ptr` itself (small
 * addresses stand for themselves) and `deref` gives the memory. A kernel for one processor alone has no such
 * area: its pointers are addresses, and the base is 0.
 */
export class PerCpu {
  readonly base: Ptr;
  readonly bytes: number;
  private readonly ranges: RangeAllocator;

  constructor(
    private readonly space: AddressSpace,
    private readonly ledger: Ledger,
    pages: PageAllocator,
    /** Size of the static per-CPU section (__per_cpu_end - __per_cpu_start); undefined of a kernel for one processor. */
    staticBytes: number | undefined,
  ) {
    this.bytes = Math.ceil(((staticBytes ?? 0) + DYNAMIC_BYTES) / 0x1000) * 0x1000;
    const area = pages.takePages(this.bytes, 0x1000);
    this.base = staticBytes === undefined ? 0 : area;
    const start = area - this.base;
    this.ranges = new RangeAllocator(start + (staticBytes ?? 0), start + this.bytes);
  }

  /** A zeroed per-CPU object, as an offset; 0 when there is no room. */
  allocate(size: number, align: number): Ptr {
    const offset = this.ranges.allocate(Math.max(size, 1), Math.max(align, 8));
    if (offset === undefined) return 0;
    this.space.bytes.fill(0, this.base + offset, this.base + offset + size);
    this.ledger.add('percpu', offset, Math.max(size, 1));
    return offset;
  }

  free(offset: Ptr): boolean {
    const allocation = this.ledger.get(offset);
    if (allocation?.kind !== 'percpu') return false;
    this.ledger.remove(offset);
    this.ranges.release(offset, allocation.size);
    return true;
  }

  /** this_cpu_ptr: where the object of this CPU is. */
  deref(offset: Ptr): Ptr {
    return this.base + offset;
  }
}
