import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What the one node has (enum node_states, include/linux/nodemask.h). */
const NODE_STATES = ['N_POSSIBLE', 'N_ONLINE', 'N_NORMAL_MEMORY', 'N_MEMORY', 'N_CPU'];

/** One core of one package on one memory node (arch/x86/kernel/smpboot.c, mm/page_alloc.c). */
export class CpuTopology implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly data = {
    cpu_sibling_map: (at: Ptr) => this.fillMask(at),
    cpu_core_map: (at: Ptr) => this.fillMask(at),
    cpu_die_map: (at: Ptr) => this.fillMask(at),
    cpu_llc_shared_map: (at: Ptr) => this.fillMask(at),
    cpu_l2c_shared_map: (at: Ptr) => this.fillMask(at),
    node_states: (at: Ptr) => this.fillNodes(at),
    node_to_cpumask_map: (at: Ptr) => this.fillMask(at),
    smp_num_siblings: (at: Ptr) => this.k.space.store32(at, 1),
    __max_die_per_package: (at: Ptr) => this.k.space.store32(at, 1),
    __max_logical_packages: (at: Ptr) => this.k.space.store32(at, 1),
  };

  /** cpumask_var_t: a mask, or a pointer to one where masks are too large for the stack. */
  private fillMask(at: Ptr): void {
    const { k } = this;
    if (!k.configured('CONFIG_CPUMASK_OFFSTACK')) {
      k.space.store8(at, 1);
      return;
    }
    const mask = k.permanent(k.sizeOf('cpumask'));
    k.space.store8(mask, 1);
    k.space.storePtr(at, mask);
  }

  private fillNodes(at: Ptr): void {
    const bytes = this.k.sizeOf('nodemask_t');
    for (const state of NODE_STATES) this.k.space.store8(at + this.k.enumValue(state) * bytes, 1);
  }
}
