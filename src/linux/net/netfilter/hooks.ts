import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Families of hooks (NFPROTO_*, include/uapi/linux/netfilter.h) and the member of net->nf that holds them. */
const HOOKS_OF = {
  NFPROTO_IPV4: 'hooks_ipv4',
  NFPROTO_ARP: 'hooks_arp',
  NFPROTO_BRIDGE: 'hooks_bridge',
  NFPROTO_IPV6: 'hooks_ipv6',
};
/** Hooks of a device: where packets come in and, since 5.16, where they leave. */
const DEVICE_HOOKS = ['nf_hooks_ingress', 'nf_hooks_egress'];
/** The hook number that NFPROTO_INET uses for packets of a device (NF_INET_INGRESS). */
const INET_INGRESS = 5;

/**
 * Netfilter's hooks (net/netfilter/core.c): for each place a table in kernel memory of functions in order of
 * priority, which NF_HOOK() in modules looks for, followed by the nf_hook_ops that they came from.
 */
export class NetfilterHooks implements Subsystem {
  static readonly builtIn = 'CONFIG_NETFILTER';

  private readonly registered = new Map<Ptr, Ptr[]>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    nf_register_net_hook: (net: Ptr, ops: Ptr) => this.register(net, ops),
    nf_unregister_net_hook: (net: Ptr, ops: Ptr) => this.unregister(net, ops),
    nf_register_net_hooks: (net: Ptr, ops: Ptr, count: number) => this.registerAll(net, ops, count),
    nf_unregister_net_hooks: (net: Ptr, ops: Ptr, count: number) => {
      const { size } = this.k.struct('nf_hook_ops');
      for (let i = 0; i < count; i++) this.unregister(net, ops + i * size);
    },
  };

  holds(): Iterable<Holding> {
    const all = new Set([...this.registered.values()].flat());
    return heldStructs(this.k, { kind: 'netfilter hook', struct: 'nf_hook_ops', uses: ['hook'] }, all);
  }

  private registerAll(net: Ptr, ops: Ptr, count: number): number {
    const { size } = this.k.struct('nf_hook_ops');
    for (let i = 0; i < count; i++) {
      const error = this.register(net, ops + i * size);
      if (error === 0) continue;
      for (let j = 0; j < i; j++) this.unregister(net, ops + j * size);
      return error;
    }
    return 0;
  }

  /** Hooks of NFPROTO_INET are hooks of IPv4 and IPv6. */
  private register(net: Ptr, ops: Ptr): number {
    const done: Ptr[] = [];
    for (const slot of this.slots(net, ops)) {
      const error = slot === undefined ? -EINVAL : this.insert(slot, ops);
      if (error !== 0) {
        for (const at of done) this.remove(at, ops);
        return error;
      }
      done.push(slot!);
    }
    return 0;
  }

  private unregister(net: Ptr, ops: Ptr): void {
    for (const slot of this.slots(net, ops)) if (slot !== undefined) this.remove(slot, ops);
  }

  /** Where the tables of a hook are pointed to; undefined for places that there are not. */
  private slots(net: Ptr, ops: Ptr): (Ptr | undefined)[] {
    const type = this.k.struct('nf_hook_ops');
    const family = type.get(ops, 'pf');
    const hook = type.get(ops, 'hooknum');
    if (family !== this.k.enumValue('NFPROTO_INET')) return [this.slot(net, family, hook, ops)];
    if (hook === INET_INGRESS) return [this.slot(net, this.k.enumValue('NFPROTO_NETDEV'), 0, ops)];
    return [
      this.slot(net, this.k.enumValue('NFPROTO_IPV4'), hook, ops),
      this.slot(net, this.k.enumValue('NFPROTO_IPV6'), hook, ops),
    ];
  }

  private slot(net: Ptr, family: number, hook: number, ops: Ptr): Ptr | undefined {
    const { k } = this;
    if (family === k.enumValue('NFPROTO_NETDEV')) {
      const dev = k.struct('nf_hook_ops').get(ops, 'dev');
      const device = k.struct('net_device');
      const member = DEVICE_HOOKS[hook];
      return dev !== 0 && member !== undefined && device.has(member) ? device.addr(dev, member) : undefined;
    }
    const member = Object.entries(HOOKS_OF).find(([name]) => k.enumValue(name) === family)?.[1];
    const type = k.struct('net');
    if (member === undefined || !type.has(`nf.${member}`)) return undefined;
    const { size } = type.member(`nf.${member}`);
    return hook * 8 < size ? type.addr(net, `nf.${member}`) + hook * 8 : undefined;
  }

  private insert(slot: Ptr, ops: Ptr): number {
    const type = this.k.struct('nf_hook_ops');
    this.k.origins.note(ops);
    const all = [...(this.registered.get(slot) ?? [])];
    const priority = type.get(ops, 'priority');
    const at = all.findIndex((other) => type.get(other, 'priority') > priority);
    all.splice(at < 0 ? all.length : at, 0, ops);
    return this.publish(slot, all);
  }

  private remove(slot: Ptr, ops: Ptr): void {
    const all = [...(this.registered.get(slot) ?? [])];
    const at = all.indexOf(ops);
    if (at < 0) return;
    all.splice(at, 1);
    this.publish(slot, all);
  }

  /** Replaces a place's table: struct nf_hook_entries, its hooks, and behind them their nf_hook_ops. */
  private publish(slot: Ptr, all: readonly Ptr[]): number {
    const { k } = this;
    const old = k.space.loadPtr(slot);
    let table: Ptr = 0;
    if (all.length > 0) {
      const entries = k.struct('nf_hook_entries');
      const entry = k.struct('nf_hook_entry');
      const hook = k.struct('nf_hook_ops');
      table = k.slab.allocateBytes(entries.size + all.length * (entry.size + 8) + TRAILER, true);
      if (table === 0) return -ENOMEM;
      entries.set(table, 'num_hook_entries', all.length);
      all.forEach((ops, i) => {
        const at = entries.addr(table, 'hooks') + i * entry.size;
        entry.set(at, 'hook', hook.get(ops, 'hook'));
        entry.set(at, 'priv', hook.get(ops, 'priv'));
        k.space.storePtr(entries.addr(table, 'hooks') + all.length * entry.size + i * 8, ops);
      });
    }
    k.space.storePtr(slot, table);
    if (old !== 0) k.slab.free(old);
    if (all.length > 0) this.registered.set(slot, [...all]);
    else this.registered.delete(slot);
    return 0;
  }
}

/** Room for the struct nf_hook_entries_rcu_head at a table's end. */
const TRAILER = 24;
