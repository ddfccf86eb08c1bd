import type { Ptr } from '../../cpu/layout.js';
import type { Probes } from '../probes.js';

/** The word for what allocates: 'slab', 'pages', 'percpu' and 'stack' are the shared machinery's, others the system's own. */
export type AllocationKind = string;

/** What the host's memory has to hold for each allocation, in bytes: measured, rounded up. */
export const RECORD_BYTES = 256;

/** One live allocation of guest memory. */
export interface Allocation {
  readonly kind: AllocationKind;
  readonly ptr: Ptr;
  /** Bytes asked for. */
  size: number;
  /** Guest code address (return address) that asked for it, 0 for the base kernel itself. */
  readonly caller: Ptr;
  /** Order of allocation. */
  readonly serial: number;
}

/** What is allocated, and by whom: the base kernel's allocators report every allocation and release here. */
export class Ledger {
  private readonly live = new Map<Ptr, Allocation>();
  private serial = 0;
  /** Guest code on whose behalf memory is being allocated; set by the call gate. */
  caller: () => Ptr = () => 0;
  bytes = 0;
  peak = 0;

  constructor(private readonly probes: Probes) {}

  add(kind: AllocationKind, ptr: Ptr, size: number): Allocation {
    const allocation: Allocation = { kind, ptr, size, caller: this.caller(), serial: this.serial++ };
    this.live.set(ptr, allocation);
    this.bytes += size;
    if (this.bytes > this.peak) this.peak = this.bytes;
    this.tellAdded(allocation);
    return allocation;
  }

  get(ptr: Ptr): Allocation | undefined {
    return this.live.get(ptr);
  }

  remove(ptr: Ptr): Allocation | undefined {
    const allocation = this.live.get(ptr);
    if (!allocation) return undefined;
    this.live.delete(ptr);
    this.bytes -= allocation.size;
    this.tellRemoved(allocation);
    return allocation;
  }

  /** An allocation goes on under another size. */
  resize(allocation: Allocation, size: number): void {
    this.tellRemoved(allocation);
    this.bytes += size - allocation.size;
    allocation.size = size;
    this.tellAdded(allocation);
  }

  private tellAdded({ kind, ptr, size }: Allocation): void {
    this.probes.allocated?.({ memory: kind, ptr, size, caller: this.caller() });
  }

  private tellRemoved({ kind, ptr, size, caller }: Allocation): void {
    this.probes.freed?.({ memory: kind, ptr, size, caller: this.caller(), allocatedBy: caller });
  }

  /** A mark for `since`: allocations made after it have a serial at least this high. */
  get mark(): number {
    return this.serial;
  }

  /** Live allocations made at or after a mark, oldest first. */
  since(mark: number): Allocation[] {
    const found: Allocation[] = [];
    for (const allocation of this.live.values()) if (allocation.serial >= mark) found.push(allocation);
    return found;
  }

  all(): IterableIterator<Allocation> {
    return this.live.values();
  }
}
