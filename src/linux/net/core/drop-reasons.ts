import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';

/** Subsystems that name their own reasons for dropping a packet (include/net/dropreason.h). */
export class DropReasons implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    drop_reasons_register_subsys: (subsystem: number, reasons: Ptr) =>
      this.put(subsystem, reasons, 'register'),
    drop_reasons_unregister_subsys: (subsystem: number) => this.put(subsystem, 0, 'unregister'),
  };

  /** drop_reasons_by_subsys[], which the reasons are looked up in. The kernel's own stay. */
  private put(subsystem: number, reasons: Ptr, what: string): void {
    const { k } = this;
    const own = k.enumValue('SKB_DROP_REASON_SUBSYS_CORE');
    if (subsystem <= own || subsystem >= k.enumValue('SKB_DROP_REASON_SUBSYS_NUM')) {
      warn(k, 'invalid subsystem', 'net/core/skbuff.c', `drop_reasons_${what}_subsys`);
      return;
    }
    k.space.storePtr(k.symbol('drop_reasons_by_subsys') + subsystem * 8, reasons);
  }
}
