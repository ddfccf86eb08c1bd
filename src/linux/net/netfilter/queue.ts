import type { Ptr } from '../../../cpu/layout.js';
import type { Holding } from '../../holding.js';
import type { Subsystem } from '../../subsystem.js';

/** Who takes packets that a hook queues for user space (net/netfilter/nf_queue.c). */
export class NetfilterQueue implements Subsystem {
  static readonly builtIn = 'CONFIG_NETFILTER';

  private handler: Ptr = 0;

  readonly exports = {
    nf_register_queue_handler: (handler: Ptr) => {
      this.handler = handler;
    },
    nf_unregister_queue_handler: () => {
      this.handler = 0;
    },
  };

  holds(): Iterable<Holding> {
    const { handler: at } = this;
    return at === 0 ? [] : [{ kind: 'netfilter queue handler', at, name: () => '' }];
  }

  get current(): Ptr {
    return this.handler;
  }
}
