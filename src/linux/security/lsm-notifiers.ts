import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { Notifiers } from '../locking/notifier.js';
import type { Subsystem } from '../subsystem.js';

/** Who wants to know when a security policy changes (security/security.c). No policy is loaded here, so none does. */
export class LsmNotifiers implements Subsystem {
  private readonly head: Ptr;

  constructor(private readonly k: LinuxKernel) {
    this.head = k.permanent(k.sizeOf('blocking_notifier_head'));
  }

  readonly exports = {
    register_blocking_lsm_notifier: (block: Ptr) => this.k.get(Notifiers).register(this.head, block),
    unregister_blocking_lsm_notifier: (block: Ptr) => this.k.get(Notifiers).unregister(this.head, block),
    call_blocking_lsm_notifier: (event: number, data: Ptr) =>
      this.k.get(Notifiers).callChain(this.head, event, data),
  };
}
