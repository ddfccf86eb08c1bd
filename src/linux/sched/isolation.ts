import { constant } from '../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** CPUs that are kept free of the kernel's own work (kernel/sched/isolation.c): there are none without `isolcpus=` or `nohz_full=`. */
export class CpuIsolation implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    housekeeping_enabled: constant(false),
    housekeeping_any_cpu: constant(0),
    housekeeping_cpumask: () => this.k.symbol('__cpu_possible_mask'),
    housekeeping_affine: constant(undefined),
    housekeeping_test_cpu: constant(true),
  };
}
