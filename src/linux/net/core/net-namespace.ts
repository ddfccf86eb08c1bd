import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { list } from '../../abi/list.js';
import { EBADF } from '../../errno.js';
import { errPtr, Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { Idr } from '../../lib/xarray/idr.js';
import type { Subsystem } from '../../subsystem.js';

/** Inode number of the first network namespace (PROC_NET_INIT_INO, include/linux/proc_ns.h). */
const INIT_INO = 0xf000_0000;
/** Buckets of the hashes of devices by name and by index (NETDEV_HASHENTRIES). */
const DEVICE_BUCKETS = 256;
const FIRST_COOKIE = 1;
/** NETNSA_NSID_NOT_ASSIGNED */
const NOT_ASSIGNED = -1;

/** Network namespaces: the one that every machine starts with, init_net (net/core/net_namespace.c). */
export class NetNamespaces implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __put_net: () => {
      throw new Oops('refcount', 'modbox: the last reference of init_net was dropped', this.k.caller);
    },
    get_net_ns_by_fd: nothing('there is one network namespace', errPtr(EBADF)),
    get_net_ns_by_id: (net: Ptr, id: number) => this.byId(net, id),
    peernet2id: (net: Ptr, peer: Ptr) => this.idOf(net, peer),
    peernet2id_alloc: (net: Ptr, peer: Ptr) => this.idFor(net, peer),
    net_ns_get_ownership: (_net: Ptr, uid: Ptr, gid: Ptr) => {
      this.k.space.store32(uid, 0);
      this.k.space.store32(gid, 0);
    },
  };

  readonly data = {
    init_net: (net: Ptr) => this.fill(net),
    net_namespace_list: (head: Ptr) => list.init(this.k.space, head),
    init_nsproxy: (proxy: Ptr) => {
      const type = this.k.struct('nsproxy');
      type.set(proxy, type.has('count.counter') ? 'count.counter' : 'count.refs.counter', 1);
      type.set(proxy, 'net_ns', this.k.symbol('init_net'));
    },
  };

  /** &init_net */
  get init(): Ptr {
    return this.k.symbol('init_net');
  }

  /** Every namespace, oldest first. */
  all(): readonly Ptr[] {
    return [this.init];
  }

  /** init_net joins the list of namespaces when all data is in place. */
  boot(): void {
    const { k } = this;
    list.addTail(k.space, k.struct('net').addr(this.init, 'list'), k.symbol('net_namespace_list'));
    this.allocateStatistics();
  }

  private fill(net: Ptr): void {
    const { k } = this;
    const type = k.struct('net');
    type.set(net, 'passive.refs.counter', 1);
    type.set(net, 'ns.count.refs.counter', 1);
    type.set(net, 'ns.inum', INIT_INO);
    type.set(net, 'dev_base_seq', 1);
    type.set(net, 'hash_mix', k.random.next32());
    type.set(net, 'net_cookie', FIRST_COOKIE);
    k.get(Idr).init(this.idsOf(net));
    if (k.hasSymbol('init_user_ns')) type.set(net, 'user_ns', k.symbol('init_user_ns'));
    for (const head of ['exit_list', 'dev_base_head', 'rules_ops']) list.init(k.space, type.addr(net, head));
    type.set(net, 'dev_name_head', k.permanent(DEVICE_BUCKETS * 8));
    type.set(net, 'dev_index_head', k.permanent(DEVICE_BUCKETS * 8));
  }

  /** By which id a namespace knows another, itself too; NETNSA_NSID_NOT_ASSIGNED. */
  private idOf(net: Ptr, peer: Ptr): number {
    return this.k.get(Idr).idOf(this.idsOf(net), peer) ?? NOT_ASSIGNED;
  }

  private idFor(net: Ptr, peer: Ptr): number {
    const known = this.idOf(net, peer);
    return known === NOT_ASSIGNED ? this.k.get(Idr).add(this.idsOf(net), peer) : known;
  }

  private byId(net: Ptr, id: number): Ptr {
    const peer = id < 0 ? 0 : this.k.get(Idr).find(this.idsOf(net), id);
    if (peer !== 0) this.hold(peer);
    return peer;
  }

  private hold(net: Ptr): void {
    const type = this.k.struct('net');
    type.set(net, 'ns.count.refs.counter', type.get(net, 'ns.count.refs.counter') + 1);
  }

  private idsOf(net: Ptr): Ptr {
    return this.k.struct('net').addr(net, 'netns_ids');
  }

  /** Per-CPU counters that modules bump inline (IP_INC_STATS and its kin): those of net->mib, and of how many sockets each protocol has. */
  private allocateStatistics(): void {
    const { k } = this;
    const type = k.struct('net');
    for (const [member, struct] of Object.entries(STATISTICS))
      if (type.has(`mib.${member}`) && k.types.findType(`struct ${struct}`))
        type.set(this.init, `mib.${member}`, k.percpu.allocate(k.sizeOf(struct), 8));
    for (const [member, struct] of Object.entries(SHARED_STATISTICS))
      if (type.has(`mib.${member}`) && k.types.findType(`struct ${struct}`))
        type.set(this.init, `mib.${member}`, k.permanent(k.sizeOf(struct)));
    if (type.has('core.prot_inuse'))
      type.set(this.init, 'core.prot_inuse', k.percpu.allocate(k.sizeOf('prot_inuse'), 8));
  }
}

/** Types of the per-CPU members of struct netns_mib. Some others belong to whoever registers them. */
const STATISTICS: Readonly<Record<string, string>> = {
  ip_statistics: 'ipstats_mib',
  ipv6_statistics: 'ipstats_mib',
  tcp_statistics: 'tcp_mib',
  net_statistics: 'linux_mib',
  udp_statistics: 'udp_mib',
  udp_stats_in6: 'udp_mib',
  udplite_statistics: 'udp_mib',
  udplite_stats_in6: 'udp_mib',
  icmp_statistics: 'icmp_mib',
  icmpv6_statistics: 'icmpv6_mib',
  xfrm_statistics: 'linux_xfrm_mib',
};

/** Those that all CPUs count in together. */
const SHARED_STATISTICS: Readonly<Record<string, string>> = {
  icmpmsg_statistics: 'icmpmsg_mib',
  icmpv6msg_statistics: 'icmpv6msg_mib',
};
