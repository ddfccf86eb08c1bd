import type { Ptr } from '../../../cpu/layout.js';
import type { AnyFunction } from '../../../kernel/abi/gate.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { chainExports, chainHead, type NamedChain, namedChain } from '../../locking/named-chains.js';
import { ATOMIC, BLOCKING, Notifiers } from '../../locking/notifier.js';
import type { Subsystem } from '../../subsystem.js';

interface Chain extends NamedChain {
  /** Function that calls the chain with a value and data, where modules may. */
  readonly call?: string;
}

const chain = (symbol: string, type: NamedChain['type'], name: string, call?: string): Chain => ({
  ...namedChain(symbol, type, name, symbol),
  ...(call === undefined ? {} : { call }),
});

/** The network stack's notifier chains, each with the functions that register with it. */
const CHAINS: readonly Chain[] = [
  chain('inetaddr_chain', BLOCKING, 'inetaddr_notifier'),
  chain('inetaddr_validator_chain', BLOCKING, 'inetaddr_validator_notifier'),
  chain('inet6addr_chain', ATOMIC, 'inet6addr_notifier'),
  chain('inet6addr_validator_chain', BLOCKING, 'inet6addr_validator_notifier'),
  chain('netevent_notif_chain', ATOMIC, 'netevent_notifier', 'call_netevent_notifiers'),
  chain('switchdev_notif_chain', ATOMIC, 'switchdev_notifier'),
  chain('switchdev_blocking_notif_chain', BLOCKING, 'switchdev_blocking_notifier'),
  chain('dcbevent_notif_chain', ATOMIC, 'dcbevent_notifier', 'call_dcbevent_notifiers'),
  {
    register: 'netlink_register_notifier',
    unregister: 'netlink_unregister_notifier',
    symbol: 'netlink_chain',
    type: BLOCKING,
    title: 'netlink_chain',
  },
];

/** Notifier chains of the network stack: addresses, neighbours, switches, DCB, netlink sockets. */
export class NetNotifierChains implements Subsystem {
  readonly keeps = CHAINS.map(({ symbol }) => symbol);
  readonly exports: Readonly<Record<string, AnyFunction>>;

  constructor(private readonly k: LinuxKernel) {
    const exports: Record<string, AnyFunction> = chainExports(k, CHAINS);
    // Nobody can have made a next-hop group yet that a new listener would have to be told of.
    exports.register_nexthop_notifier = (net: Ptr, block: Ptr) =>
      k.get(Notifiers).register(this.nexthops(net), block);
    const leaveNexthops = (net: Ptr, block: Ptr): number =>
      k.get(Notifiers).unregister(this.nexthops(net), block);
    exports.unregister_nexthop_notifier = leaveNexthops;
    // Of kernels in which this is the one for callers that hold rtnl_lock().
    exports.__unregister_nexthop_notifier = leaveNexthops;
    for (const one of CHAINS)
      if (one.call !== undefined)
        exports[one.call] = (value: number, data: Ptr) => this.call(one, value, data);
    this.exports = exports;
  }

  private call(chain: NamedChain, value: number, data: Ptr): Sleepable<number> {
    return this.k.get(Notifiers).callChain(chainHead(this.k, chain), value, data, chain.type);
  }

  /** Each namespace has its own. */
  private nexthops(net: Ptr): Ptr {
    return this.k.struct('net').addr(net, 'nexthop.notifier_chain');
  }
}
