import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** The time stamp counter (arch/x86/kernel/tsc.c): virtual time, which nobody has found to be unstable. */
export class TimeStampCounter implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    check_tsc_unstable: () => this.k.space.load32(this.k.variable('tsc_unstable', 4)),
  };
}
