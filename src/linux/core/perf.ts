import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Performance events (kernel/events/core.c): whom a sample that hits a guest is asked about. */
export class PerfEvents implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    perf_register_guest_info_callbacks: (callbacks: Ptr) => {
      if (this.warnUnless(this.callbacks === 0, 'perf_register_guest_info_callbacks')) this.set(callbacks);
    },
    perf_unregister_guest_info_callbacks: (callbacks: Ptr) => {
      if (this.warnUnless(this.callbacks === callbacks, 'perf_unregister_guest_info_callbacks')) this.set(0);
    },
  };

  holds(): Iterable<Holding> {
    const at = this.callbacks;
    return at === 0 ? [] : [{ kind: 'perf guest callbacks', at, name: () => '' }];
  }

  private get slot(): Ptr {
    return this.k.variable('perf_guest_cbs', 8);
  }

  private get callbacks(): Ptr {
    return this.k.space.loadPtr(this.slot);
  }

  private set(callbacks: Ptr): void {
    this.k.space.storePtr(this.slot, callbacks);
  }

  private warnUnless(holds: boolean, caller: string): boolean {
    if (!holds) this.k.traps.warn(this.k.executor.current!, this.k.fn(caller), 'kernel/events/core.c', false);
    return holds;
  }
}
