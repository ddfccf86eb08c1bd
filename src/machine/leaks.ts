import type { Allocation } from '../kernel/mm/ledger.js';

/** Memory that modules which are gone had allocated and did not give back, by where it was allocated. */
export interface Leak {
  /** What allocated it: slab, pages, vmalloc, percpu, ioremap. */
  readonly kind: string;
  readonly bytes: number;
  readonly count: number;
  /** `function+0x12/0x34 [module]` */
  readonly allocatedBy: string;
}

/** Allocations of one place of the code as one leak, the largest first. */
export function groupedLeaks(
  allocations: Iterable<Allocation>,
  placeOf: (allocation: Allocation) => string,
): Leak[] {
  const found = new Map<string, { -readonly [K in keyof Leak]: Leak[K] }>();
  for (const allocation of allocations) {
    const { kind, size } = allocation;
    const allocatedBy = placeOf(allocation);
    const key = `${kind} ${allocatedBy}`;
    const entry = found.get(key) ?? { kind, bytes: 0, count: 0, allocatedBy };
    entry.bytes += size;
    entry.count++;
    found.set(key, entry);
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes);
}
