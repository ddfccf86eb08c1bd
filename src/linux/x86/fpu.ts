import type { LinuxKernel } from '../kernel.js';
import { SOFTIRQ_DISABLE_OFFSET } from '../locking/spinlock.js';
import type { Subsystem } from '../subsystem.js';

/**
 * kernel_fpu_begin and its kin (arch/x86/kernel/fpu/core.c): vector registers may be used between them, with
 * preemption and softirqs off. The registers themselves come with the translator's vector instructions.
 */
export class KernelFpu implements Subsystem {
  private inUse = false;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    irq_fpu_usable: () => !this.inUse,
    kernel_fpu_begin_mask: () => {
      this.k.processes.preemptCount += SOFTIRQ_DISABLE_OFFSET;
      this.inUse = true;
    },
    kernel_fpu_end: () => {
      this.inUse = false;
      this.k.processes.preemptCount -= SOFTIRQ_DISABLE_OFFSET;
    },
  };
}
