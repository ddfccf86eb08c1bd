import type { Ptr } from '../../../cpu/layout.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** `const struct nf_queue_handler __rcu *nf_queue_handler` */
const HANDLER = 'nf_queue_handler';

/** Who takes packets that a hook queues for user space (net/netfilter/nf_queue.c). */
export class NetfilterQueue implements Subsystem {
  static readonly builtIn = 'CONFIG_NETFILTER';

  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = [HANDLER];
  readonly exports = {
    nf_register_queue_handler: (handler: Ptr) => this.set(handler),
    nf_unregister_queue_handler: () => this.set(0),
  };

  holds(): Iterable<Holding> {
    const { current: at } = this;
    return at === 0 ? [] : [{ kind: 'netfilter queue handler', at, name: () => '' }];
  }

  get current(): Ptr {
    return this.k.space.loadPtr(this.k.variable(HANDLER, 8));
  }

  private set(handler: Ptr): void {
    this.k.space.storePtr(this.k.variable(HANDLER, 8), handler);
  }
}
