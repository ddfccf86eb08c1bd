import type { Ptr } from '../../../cpu/layout.js';
import type { Subsystem } from '../../subsystem.js';

/** Who takes packets that a hook queues for user space (net/netfilter/nf_queue.c). */
export class NetfilterQueue implements Subsystem {
  private handler: Ptr = 0;

  readonly exports = {
    nf_register_queue_handler: (handler: Ptr) => {
      this.handler = handler;
    },
    nf_unregister_queue_handler: () => {
      this.handler = 0;
    },
  };

  get current(): Ptr {
    return this.handler;
  }
}
