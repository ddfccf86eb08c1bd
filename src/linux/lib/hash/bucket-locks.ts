import type { Ptr } from '../../../cpu/layout.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Arrays of spinlocks for the buckets of hash tables (lib/bucket_locks.c). There is one CPU. */
export class BucketLocks implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __alloc_bucket_spinlocks: (locks: Ptr, mask: Ptr, most: number, perCpu: number) =>
      this.allocate(locks, mask, most, perCpu),
    free_bucket_spinlocks: (locks: Ptr) => {
      if (locks !== 0) this.k.slab.free(locks);
    },
  };

  private allocate(slot: Ptr, mask: Ptr, most: number, perCpu: number): number {
    const count = perCpu === 0 ? most : Math.min(perCpu, most);
    const locks = this.k.slab.allocateBytes(Math.max(count, 1) * this.k.sizeOf('spinlock'), true);
    if (locks === 0) return -ENOMEM;
    this.k.space.storePtr(slot, locks);
    this.k.space.store32(mask, count - 1);
    return 0;
  }
}
