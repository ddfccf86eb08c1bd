import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { EINVAL, ESRCH } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** The netlink connector (drivers/connector, Documentation/driver-api/connector.rst). */
export class Connector implements Subsystem {
  static readonly builtIn = 'CONFIG_CONNECTOR';

  /** Callbacks by `index.value`. */
  private readonly callbacks = new Map<string, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    cn_add_callback: (id: Ptr, _name: Ptr, callback: Ptr) => this.add(id, callback),
    cn_del_callback: (id: Ptr) => {
      this.callbacks.delete(this.key(id));
    },
    cn_netlink_send: nothing('nobody listens to netlink groups', -ESRCH),
    cn_netlink_send_mult: nothing('nobody listens to netlink groups', -ESRCH),
  };

  *holds(): Generator<Holding> {
    for (const [name, at] of this.callbacks) yield { kind: 'connector callback', at, name: () => name };
  }

  private key(id: Ptr): string {
    const type = this.k.struct('cb_id');
    return `${type.get(id, 'idx')}.${type.get(id, 'val')}`;
  }

  private add(id: Ptr, callback: Ptr): number {
    const key = this.key(id);
    if (this.callbacks.has(key)) return -EINVAL;
    this.callbacks.set(key, callback);
    return 0;
  }
}
