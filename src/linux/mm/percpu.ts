import type { Ptr } from '../../cpu/layout.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { isSensible, MIN_PERCPU_BYTES } from './percpu-request.js';

/** Per-CPU allocation (mm/percpu.c). */
export class PercpuMemory implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __alloc_percpu: (size: number, align: number) => this.allocate(size, align),
    __alloc_percpu_gfp: (size: number, align: number) => this.allocate(size, align),
    pcpu_alloc_noprof: (size: number, align: number) => this.allocate(size, align),
    free_percpu: (offset: Ptr) => {
      if (offset === 0) return;
      if (!this.k.percpu.free(offset))
        throw new Oops('bad-free', 'kernel BUG: free_percpu of what is not allocated', offset);
    },
  };

  /** pcpu_alloc(): a zeroed object; 0 where there is no room, or what is asked for is not sensible, with a warning then. */
  allocate(wanted: number, alignment: number): Ptr {
    const align = Math.max(alignment, MIN_PERCPU_BYTES);
    const size = Math.ceil(wanted / MIN_PERCPU_BYTES) * MIN_PERCPU_BYTES;
    if (isSensible(wanted, alignment)) return this.k.percpu.allocate(size, align);
    const text = `illegal size (${size}) or align (${align}) for percpu allocation`;
    warn(this.k, text, 'mm/percpu.c:1758', 'pcpu_alloc');
    return 0;
  }
}
