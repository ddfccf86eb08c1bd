import type { Ptr } from '../../../cpu/layout.js';
import { GuestList } from '../../abi/guest-list.js';
import { EBUSY } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Ranges of socket options that netfilter's modules serve (net/netfilter/nf_sockopt.c). */
export class NetfilterSockopts implements Subsystem {
  static readonly builtIn = 'CONFIG_NETFILTER';

  readonly keeps = ['nf_sockopts'];
  private readonly ranges: GuestList;

  constructor(private readonly k: LinuxKernel) {
    this.ranges = new GuestList(k, 'nf_sockopt_ops', 'list', 'nf_sockopts', {
      kind: 'netfilter socket option',
      uses: ['set', 'get'],
    });
  }

  readonly exports = {
    nf_register_sockopt: (ops: Ptr) => this.register(ops),
    nf_unregister_sockopt: (ops: Ptr) => this.ranges.del(ops),
  };

  private register(ops: Ptr): number {
    const type = this.k.struct('nf_sockopt_ops');
    for (const known of this.ranges) {
      if (type.get(known, 'pf') !== type.get(ops, 'pf')) continue;
      if (this.overlap(known, ops, 'set') || this.overlap(known, ops, 'get')) return -EBUSY;
    }
    this.ranges.add(ops);
    return 0;
  }

  private overlap(a: Ptr, b: Ptr, kind: 'set' | 'get'): boolean {
    const type = this.k.struct('nf_sockopt_ops');
    const [low, high] = [`${kind}_optmin`, `${kind}_optmax`];
    return type.get(a, low) < type.get(b, high) && type.get(b, low) < type.get(a, high);
  }
}
