import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GuestList } from '../../abi/guest-list.js';
import { list } from '../../abi/list.js';
import { EEXIST, ENOENT } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceRegistration } from './dev-register.js';
import { NetDevices } from './netdevices.js';
import { PernetOperations } from './pernet.js';
import { Rtnl } from './rtnl.js';

interface Handler {
  readonly owner: Ptr;
  readonly doit: Ptr;
  readonly dumpit: Ptr;
  readonly flags: number;
}

/** rtnetlink (net/core/rtnetlink.c): message handlers, kinds of links, and what address families add to links. */
export class Rtnetlink implements Subsystem {
  private readonly handlers = new Map<number, Map<number, Handler>>();
  readonly keeps = ['link_ops', 'rtnl_af_ops'];
  private readonly links: GuestList;
  private readonly families: GuestList;

  constructor(private readonly k: LinuxKernel) {
    this.links = new GuestList(k, 'rtnl_link_ops', 'list', 'link_ops', {
      kind: 'kind of link',
      name: 'kind',
    });
    this.families = new GuestList(k, 'rtnl_af_ops', 'list', 'rtnl_af_ops', {
      kind: 'rtnetlink address family',
    });
  }

  readonly exports = {
    rtnl_register_module: (
      owner: Ptr,
      protocol: number,
      type: number,
      doit: Ptr,
      dumpit: Ptr,
      flags: number,
    ) => this.register(owner, protocol, type, { owner, doit, dumpit, flags }),
    __rtnl_register_many: (handlers: Ptr, count: number) => this.registerMany(handlers, count),
    __rtnl_unregister_many: (handlers: Ptr, count: number) => this.unregisterMany(handlers, count),
    rtnl_register: (protocol: number, type: number, doit: Ptr, dumpit: Ptr, flags: number) =>
      void this.register(0, protocol, type, { owner: 0, doit, dumpit, flags }),
    rtnl_unregister: (protocol: number, type: number) => this.unregister(protocol, type),
    rtnl_unregister_all: (protocol: number) => void this.handlers.delete(protocol),
    __rtnl_link_register: (ops: Ptr) => this.registerLink(ops),
    rtnl_link_register: (ops: Ptr) => this.k.get(Rtnl).with(() => this.registerLink(ops)),
    __rtnl_link_unregister: (ops: Ptr) => this.unregisterLink(ops),
    rtnl_link_unregister: (ops: Ptr) =>
      this.k.get(PernetOperations).locked(() => this.k.get(Rtnl).with(() => this.unregisterLink(ops))),
    rtnl_af_register: (ops: Ptr) => this.k.get(Rtnl).with(() => this.families.addTail(ops)),
    rtnl_af_unregister: (ops: Ptr) => this.k.get(Rtnl).with(() => this.families.del(ops)),
  };

  *holds(): Generator<Holding> {
    for (const [protocol, table] of this.handlers)
      for (const [index, { owner, doit, dumpit }] of table)
        yield {
          kind: 'rtnetlink handler',
          at: doit || dumpit,
          uses: [doit, dumpit, owner],
          name: () => `family ${protocol}, message ${index + this.k.enumValue('RTM_BASE')}`,
        };
  }

  /** The handler of a message for a protocol family. */
  handler(protocol: number, type: number): Handler | undefined {
    return this.handlers.get(protocol)?.get(type - this.k.enumValue('RTM_BASE'));
  }

  /** The registered kind of link with a name: rtnl_link_ops_get(). */
  linkOps(kind: string): Ptr | undefined {
    return this.links.find((ops) => this.k.struct('rtnl_link_ops').string(ops, 'kind') === kind);
  }

  private register(_owner: Ptr, protocol: number, type: number, handler: Handler): number {
    let table = this.handlers.get(protocol);
    if (!table) {
      table = new Map();
      this.handlers.set(protocol, table);
    }
    const index = type - this.k.enumValue('RTM_BASE');
    const known = table.get(index);
    table.set(index, {
      owner: handler.owner,
      doit: handler.doit || (known?.doit ?? 0),
      dumpit: handler.dumpit || (known?.dumpit ?? 0),
      flags: handler.flags | (known?.flags ?? 0),
    });
    return 0;
  }

  private registerMany(handlers: Ptr, count: number): number {
    for (const { protocol, type, handler } of this.listed(handlers, count))
      this.register(handler.owner, protocol, type, handler);
    return 0;
  }

  private unregisterMany(handlers: Ptr, count: number): void {
    for (const { protocol, type } of this.listed(handlers, count).reverse()) this.unregister(protocol, type);
  }

  /** An array of struct rtnl_msg_handler. */
  private listed(
    handlers: Ptr,
    count: number,
  ): { readonly protocol: number; readonly type: number; readonly handler: Handler }[] {
    const type = this.k.struct('rtnl_msg_handler');
    return Array.from({ length: count }, (_, i) => {
      const at = handlers + i * type.size;
      return {
        protocol: type.get(at, 'protocol'),
        type: type.get(at, 'msgtype'),
        handler: {
          owner: type.get(at, 'owner'),
          doit: type.get(at, 'doit'),
          dumpit: type.get(at, 'dumpit'),
          flags: type.get(at, 'flags'),
        },
      };
    });
  }

  private unregister(protocol: number, type: number): number {
    return this.handlers.get(protocol)?.delete(type - this.k.enumValue('RTM_BASE')) ? 0 : -ENOENT;
  }

  private registerLink(ops: Ptr): number {
    const { k } = this;
    const type = k.struct('rtnl_link_ops');
    if (this.linkOps(type.string(ops, 'kind')) !== undefined) return -EEXIST;
    const makes = type.get(ops, 'setup') !== 0 || (type.has('alloc') && type.get(ops, 'alloc') !== 0);
    if (makes && type.get(ops, 'dellink') === 0) type.set(ops, 'dellink', k.fn('unregister_netdevice_queue'));
    this.links.addTail(ops);
    return 0;
  }

  /** Deletes every device of the kind, then forgets it. */
  private *unregisterLink(ops: Ptr): Sleepable<void> {
    const { k } = this;
    const kill = k.slab.allocateBytes(16, true);
    list.init(k.space, kill);
    const type = k.struct('rtnl_link_ops');
    for (const dev of k.get(NetDevices).all())
      if (k.struct('net_device').get(dev, 'rtnl_link_ops') === ops)
        yield* type.call(ops, 'dellink', dev, kill);
    yield* k.get(DeviceRegistration).unregisterMany(kill);
    k.slab.free(kill);
    this.links.del(ops);
  }
}
