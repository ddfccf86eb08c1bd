import type { Ptr } from '../../cpu/layout.js';
import { constant, nothing } from '../../kernel/abi/fidelity.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What modules ask of the PC itself: it was started by no firmware, has one processor, and no memory type range registers. */
export class PcMachine implements Subsystem {
  private topology: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    bios_sigsearch: nothing('there is no BIOS in the memory of the machine', 0),
    smp_topo: () => this.group(),
    pmc_cpu_is_disabled: constant(0),
  };

  readonly signatures = { bios_sigsearch: 'u:upiii', pmc_cpu_is_disabled: 'i:i' };

  readonly data = {
    efi_systbl_phys: () => {},
    mem_range_softc: () => {},
    vm_ndomains: (at: Ptr) => this.k.space.store32(at, 1),
  };

  /** struct cpu_group of the one processor. */
  private group(): Ptr {
    const { k } = this;
    if (this.topology !== 0) return this.topology;
    const type = k.struct('cpu_group');
    this.topology = k.permanent(type.size);
    k.space.store64(type.addr(this.topology, 'cg_mask'), 1n);
    type.set(this.topology, 'cg_count', 1);
    return this.topology;
  }
}
