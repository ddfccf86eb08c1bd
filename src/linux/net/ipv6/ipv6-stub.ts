import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Members of struct ipv6_stub whose function has another name than the member. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  ipv6_dst_lookup_flow: 'ip6_dst_lookup_flow',
  ipv6_fragment: 'ip6_fragment',
};

/**
 * ipv6_stub: the functions of IPv6 that code calls which must also be there without it (net/ipv6/addrconf_core.c,
 * af_inet6.c). Functions that are not implemented are reported by name when something calls them.
 */
export class Ipv6Stub implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly data = {
    ipv6_stub: (at: Ptr) => this.k.space.storePtr(at, this.table()),
  };

  private table(): Ptr {
    const { k } = this;
    const type = k.struct('ipv6_stub');
    const table = k.permanent(type.size);
    for (const { name } of k.types.structMembers('ipv6_stub')) {
      const symbol = OTHER_NAMES[name] ?? name;
      if (k.hasSymbol(symbol))
        type.set(table, name, this.isFunction(symbol) ? k.fn(symbol) : k.addressOfNative(symbol)!);
    }
    return table;
  }

  /** Neighbour tables are in it as well, which are variables. */
  private isFunction(symbol: string): boolean {
    return this.k.types.findPrototype(symbol) !== undefined;
  }
}
