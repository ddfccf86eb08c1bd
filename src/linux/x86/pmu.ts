import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** AMD64_EVENTSEL_HOSTONLY (arch/x86/include/asm/perf_event.h) */
const HOST_ONLY = 1n << 41n;

/** The performance monitoring unit (arch/x86/events/core.c): this machine has none, and so no capabilities of one. */
export class PerformanceMonitoring implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    perf_get_x86_pmu_capability: (capabilities: Ptr) => {
      this.k.space.writable(capabilities, this.k.sizeOf('x86_pmu_capability')).fill(0);
    },
    amd_pmu_enable_virt: () => this.setHostOnlyMask(0n),
    amd_pmu_disable_virt: () => this.setHostOnlyMask(HOST_ONLY),
  };

  /** Bits that counters are programmed without. No counter is running that would have to be loaded anew. */
  private setHostOnlyMask(mask: bigint): void {
    const { k } = this;
    k.struct('cpu_hw_events').setBig(k.percpuSymbol('cpu_hw_events'), 'perf_ctr_virt_mask', mask);
  }
}
