import type { Ptr } from '../../../cpu/layout.js';
import { runNow } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';
import { NetNamespaces } from '../core/net-namespace.js';
import { PernetOperations } from '../core/pernet.js';
import { Netlink } from './af-netlink.js';

/** Number of taps' memory in a namespace. */
const TAPS = 'netlink_tap_net_id';

interface BootSocket {
  /** Protocol number (include/uapi/linux/netlink.h). */
  readonly unit: number;
  /** Member of struct net that points to it. */
  readonly member: string;
  readonly input: string;
  readonly bind: string;
  /** Enumerator behind the last group. */
  readonly groups?: string;
  readonly mutex?: string;
}

/** What a kernel has before any module: rtnetlink, sock_diag, generic netlink. */
const SOCKETS: readonly BootSocket[] = [
  {
    unit: 0,
    member: 'rtnl',
    input: 'rtnetlink_rcv',
    bind: 'rtnetlink_bind',
    groups: '__RTNLGRP_MAX',
    mutex: 'rtnl_mutex',
  },
  { unit: 4, member: 'diag_nlsk', input: 'sock_diag_rcv', bind: 'sock_diag_bind' },
  { unit: 16, member: 'genl_sock', input: 'genl_rcv', bind: 'genl_bind' },
];

/** The kernel's ends of netlink in each namespace, and who taps what goes over it (rtnetlink.c, sock_diag.c, genetlink.c, af_netlink.c). */
export class NamespaceNetlink implements Subsystem {
  readonly keeps = [TAPS];

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    for (const net of k.get(NetNamespaces).all()) for (const one of SOCKETS) this.make(net, one);
    this.makeTaps();
  }

  private make(net: Ptr, { unit, member, input, bind, groups, mutex }: BootSocket): void {
    const { k } = this;
    const given = {
      input: k.addressOfNative(input) ?? 0,
      bind: k.addressOfNative(bind) ?? 0,
      unbind: 0,
      groups: groups === undefined ? 0 : k.enumValue(groups) - 1,
      cbMutex: mutex === undefined ? 0 : k.symbol(mutex),
    };
    k.struct('net').set(net, member, runNow(k.get(Netlink).make(net, unit, 0, given)));
  }

  /** netlink_tap_init_net(): nobody taps yet. What TypeScript sends reaches nobody, and so no tap. */
  private makeTaps(): void {
    const { k } = this;
    const type = k.struct('netlink_tap_net');
    const pernet = k.get(PernetOperations);
    const id = pernet.reserve(type.size);
    k.space.store32(k.variable(TAPS, 4), id);
    for (const net of k.get(NetNamespaces).all()) {
      const taps = pernet.memoryOf(net, id);
      list.init(k.space, type.addr(taps, 'netlink_tap_all'));
      k.get(Mutexes).init(type.addr(taps, 'netlink_tap_lock'));
    }
  }
}
