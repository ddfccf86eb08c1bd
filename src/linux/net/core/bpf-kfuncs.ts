import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/**
 * Kernel functions that modules offer to BPF programs (kernel/bpf/btf.c). There are no BPF programs here, so the
 * sets are only kept for as long as their module is loaded.
 */
export class BpfKernelFunctions implements Subsystem {
  private readonly sets = new Map<Ptr, { readonly programType: number; readonly owner: Ptr }>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_btf_kfunc_id_set: (programType: number, set: Ptr) => this.register(programType, set),
  };

  boot(): void {
    this.k.get(Modules).listen({
      removed: (module) => {
        for (const [set, { owner }] of this.sets) if (owner === module.struct) this.sets.delete(set);
      },
    });
  }

  /** A set without functions is a mistake. */
  private register(programType: number, set: Ptr): number {
    const type = this.k.struct('btf_kfunc_id_set');
    if (type.get(set, 'set') === 0) return -EINVAL;
    this.sets.set(set, { programType, owner: type.get(set, 'owner') });
    return 0;
  }
}
