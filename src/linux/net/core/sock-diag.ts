import type { Ptr } from '../../../cpu/layout.js';
import { EBUSY, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SlotTable } from './slot-table.js';

/** One more than the highest address family (AF_MAX of the target's era); tables have a slot for each. */
const AF_MAX = 46;

/** Who answers questions about sockets of a family (net/core/sock_diag.c). */
export class SocketDiagnosis implements Subsystem {
  private readonly handlers: SlotTable;
  private compatible: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {
    this.handlers = new SlotTable(k, AF_MAX, 'sock_diag_handlers', 'socket diagnosis');
  }

  readonly exports = {
    sock_diag_register: (handler: Ptr) => this.register(handler),
    sock_diag_unregister: (handler: Ptr) => void this.handlers.release(this.family(handler), handler),
    sock_diag_register_inet_compat: (fn: Ptr) => {
      this.compatible = fn;
    },
    sock_diag_unregister_inet_compat: (_fn: Ptr) => {
      this.compatible = 0;
    },
  };

  get inetCompatible(): Ptr {
    return this.compatible;
  }

  private register(handler: Ptr): number {
    const family = this.family(handler);
    if (family >= AF_MAX) return -EINVAL;
    return this.handlers.take(family, handler) ? 0 : -EBUSY;
  }

  private family(handler: Ptr): number {
    return this.k.struct('sock_diag_handler').get(handler, 'family');
  }
}
