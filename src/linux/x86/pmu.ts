import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** The performance monitoring unit (arch/x86/events/core.c): this machine has none, and so no capabilities of one. */
export class PerformanceMonitoring implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    perf_get_x86_pmu_capability: (capabilities: Ptr) => {
      this.k.space.writable(capabilities, this.k.sizeOf('x86_pmu_capability')).fill(0);
    },
  };
}
