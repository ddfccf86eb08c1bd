import type { Ptr } from '../../../cpu/layout.js';
import { GFP_ZERO } from '../../abi/gfp.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { bitmapBytes, findNext, wordsOf } from './words.js';

/** CPU masks that are allocated, and walks over masks (include/linux/cpumask.h). */
export class Cpumask implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    alloc_cpumask_var_node: (slot: Ptr, gfp: number) => this.allocate(slot, (gfp & GFP_ZERO) !== 0),
    free_cpumask_var: (mask: Ptr) => {
      if (mask !== 0) this.k.slab.free(mask);
    },
    cpumask_next_wrap: (cpu: number, mask: Ptr, start: number, wrapped: boolean) => {
      const next = this.next(mask, cpu + 1);
      if (wrapped && cpu < start && next >= start) return this.cpus;
      if (next < this.cpus) return next;
      const first = this.next(mask, 0);
      return wrapped || first >= start ? this.cpus : first;
    },
  };

  private get cpus(): number {
    return this.k.space.load32(this.k.symbol('nr_cpu_ids')) || 1;
  }

  private allocate(slot: Ptr, zero: boolean): boolean {
    const mask = this.k.slab.allocateBytes(bitmapBytes(this.cpus), zero);
    this.k.space.storePtr(slot, mask);
    return mask !== 0;
  }

  private next(mask: Ptr, from: number): number {
    return findNext(wordsOf(this.k.space, mask, this.cpus), this.cpus, from);
  }
}
