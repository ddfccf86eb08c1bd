import type { Ptr } from '../../../cpu/layout.js';
import type { AnyFunction } from '../../../kernel/abi/gate.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { ATOMIC, BLOCKING, Notifiers } from '../../locking/notifier.js';
import type { Subsystem } from '../../subsystem.js';

type Head = typeof ATOMIC | typeof BLOCKING;

interface Chain {
  /** What register_ and unregister_ are followed by: `register_NAME`, `unregister_NAME`. */
  readonly name: string;
  /** The kernel's variable that heads it. */
  readonly symbol: string;
  readonly type: Head;
  /** Function that calls the chain with a value and data, where modules may. */
  readonly call?: string;
}

/** The network stack's notifier chains, each with the functions that register with it. */
const CHAINS: readonly Chain[] = [
  { name: 'inetaddr_notifier', symbol: 'inetaddr_chain', type: BLOCKING },
  { name: 'inetaddr_validator_notifier', symbol: 'inetaddr_validator_chain', type: BLOCKING },
  { name: 'inet6addr_notifier', symbol: 'inet6addr_chain', type: ATOMIC },
  { name: 'inet6addr_validator_notifier', symbol: 'inet6addr_validator_chain', type: BLOCKING },
  {
    name: 'netevent_notifier',
    symbol: 'netevent_notif_chain',
    type: ATOMIC,
    call: 'call_netevent_notifiers',
  },
  { name: 'switchdev_notifier', symbol: 'switchdev_notif_chain', type: ATOMIC },
  { name: 'switchdev_blocking_notifier', symbol: 'switchdev_blocking_notif_chain', type: BLOCKING },
  {
    name: 'dcbevent_notifier',
    symbol: 'dcbevent_notif_chain',
    type: ATOMIC,
    call: 'call_dcbevent_notifiers',
  },
];
/** The chain of netlink's own has names of another pattern. */
const NETLINK = 'netlink_chain';

/** Notifier chains of the network stack: addresses, neighbours, switches, DCB, netlink sockets. */
export class NetNotifierChains implements Subsystem {
  readonly keeps = [...CHAINS.map(({ symbol }) => symbol), NETLINK];
  readonly exports: Readonly<Record<string, AnyFunction>>;
  private readonly heads = new Map<string, Ptr>();

  constructor(private readonly k: LinuxKernel) {
    const exports: Record<string, AnyFunction> = {
      netlink_register_notifier: (block: Ptr) => k.get(Notifiers).register(this.head(NETLINK), block),
      netlink_unregister_notifier: (block: Ptr) => k.get(Notifiers).unregister(this.head(NETLINK), block),
    };
    // Nobody can have made a next-hop group yet that a new listener would have to be told of.
    exports.register_nexthop_notifier = (net: Ptr, block: Ptr) =>
      k.get(Notifiers).register(this.nexthops(net), block);
    const leaveNexthops = (net: Ptr, block: Ptr): number =>
      k.get(Notifiers).unregister(this.nexthops(net), block);
    exports.unregister_nexthop_notifier = leaveNexthops;
    // Of kernels in which this is the one for callers that hold rtnl_lock().
    exports.__unregister_nexthop_notifier = leaveNexthops;
    for (const { name, symbol, type, call } of CHAINS) {
      exports[`register_${name}`] = (block: Ptr) =>
        k.get(Notifiers).register(this.head(symbol), block, false, type);
      exports[`unregister_${name}`] = (block: Ptr) =>
        k.get(Notifiers).unregister(this.head(symbol), block, type);
      if (call !== undefined)
        exports[call] = (value: number, data: Ptr) => this.call(symbol, type, value, data);
    }
    this.exports = exports;
  }

  private call(symbol: string, type: Head, value: number, data: Ptr): Sleepable<number> {
    return this.k.get(Notifiers).callChain(this.head(symbol), value, data, type);
  }

  /** Each namespace has its own. */
  private nexthops(net: Ptr): Ptr {
    return this.k.struct('net').addr(net, 'nexthop.notifier_chain');
  }

  private head(symbol: string): Ptr {
    let head = this.heads.get(symbol);
    if (head === undefined) {
      head = this.k.hasSymbol(symbol) ? this.k.symbol(symbol) : this.k.permanent(64);
      this.heads.set(symbol, head);
      this.k.get(Notifiers).nameChain(head, symbol);
    }
    return head;
  }
}
