import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Who turns virtualization off when the machine goes down in a hurry (arch/x86/kernel/reboot.c): one hypervisor. */
export class EmergencyVirtualization implements Subsystem {
  private callback: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    cpu_emergency_register_virt_callback: (callback: Ptr) => {
      if (this.warnUnless(this.callback === 0, 'cpu_emergency_register_virt_callback'))
        this.callback = callback;
    },
    cpu_emergency_unregister_virt_callback: (callback: Ptr) => {
      if (this.warnUnless(this.callback === callback, 'cpu_emergency_unregister_virt_callback'))
        this.callback = 0;
    },
  };

  holds(): Iterable<Holding> {
    const at = this.callback;
    return at === 0 ? [] : [{ kind: 'virtualization callback', at, name: () => '' }];
  }

  private warnUnless(holds: boolean, caller: string): boolean {
    if (!holds)
      this.k.traps.warn(this.k.executor.current!, this.k.fn(caller), 'arch/x86/kernel/reboot.c', false);
    return holds;
  }
}
