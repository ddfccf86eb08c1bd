import { MXCSR_DEFAULT } from '../../cpu/runtime/registers.js';
import { PREEMPT_OFFSET } from '../abi/preempt-count.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** kernel_fpu_begin_mask(): the control register of vector floating point gets its initial value. */
const KFPU_MXCSR = 2;
const SOFTIRQ_MASK = 0xff00;
const HARDIRQ_MASK = 0xf_0000;

/**
 * kernel_fpu_begin and its kin (arch/x86/kernel/fpu/core.c): vector registers may be used between them, with
 * preemption off. So no other task runs in between, interrupt work that asks irq_fpu_usable() keeps its hands
 * off, and a task switch need not save the registers. User processes have none here that would have to be saved.
 */
export class KernelFpu implements Subsystem {
  private inUse = false;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    irq_fpu_usable: () => this.usable(),
    kernel_fpu_begin_mask: (mask: number) => {
      this.k.processes.preemptCount += PREEMPT_OFFSET;
      this.inUse = true;
      if (mask & KFPU_MXCSR) this.k.cpu.mxcsr = MXCSR_DEFAULT;
    },
    kernel_fpu_end: () => {
      this.inUse = false;
      this.k.processes.preemptCount -= PREEMPT_OFFSET;
    },
  };

  /** Not within a section; in a hard interrupt only if it came with softirqs enabled. */
  private usable(): boolean {
    if (this.inUse) return false;
    const count = this.k.processes.preemptCount;
    return (count & HARDIRQ_MASK) === 0 || (count & SOFTIRQ_MASK) === 0;
  }
}
