import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GFP_KERNEL } from '../../abi/gfp.js';
import { ECONNREFUSED, ESRCH } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';
import { SkbAllocation } from '../core/skb-alloc.js';
import { Socks } from '../core/sock.js';
import { KernelSockets } from '../core/socket.js';

const MAX_PROTOCOLS = 32;
const AF_NETLINK = 16;
const MIN_GROUPS = 32;

/** What a netlink socket of the kernel's is made of; 0 for what it does without. */
interface KernelSocket {
  readonly input: Ptr;
  readonly bind: Ptr;
  readonly unbind: Ptr;
  readonly groups: number;
  readonly cbMutex: Ptr;
}

/**
 * Netlink (net/netlink/af_netlink.c): the kernel's end of each protocol. User space has no netlink sockets
 * here, so nobody listens, and what is sent to somebody or to a group is refused the way it is on Linux then.
 */
export class Netlink implements Subsystem {
  private proto: Ptr = 0;
  private readonly kernelSocks = new Map<number, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __netlink_kernel_create: (net: Ptr, unit: number, module: Ptr, config: Ptr) =>
      this.create(net, unit, module, config),
    netlink_kernel_release: (sk: Ptr) => this.release(sk),
    netlink_has_listeners: nothing('nobody listens to netlink groups', 0),
    netlink_strict_get_check: nothing('nobody listens to netlink groups', false),
    netlink_broadcast: (_sk: Ptr, skb: Ptr) => this.refuse(skb, -ESRCH),
    netlink_broadcast_filtered: (_sk: Ptr, skb: Ptr) => this.refuse(skb, -ESRCH),
    netlink_unicast: (_sk: Ptr, skb: Ptr) => this.refuse(skb, -ECONNREFUSED),
    __netlink_dump_start: nothing('user space has no netlink socket that could have asked', -ECONNREFUSED),
    netlink_set_err: nothing('nobody listens to netlink groups', 0),
    nlmsg_notify: (_sk: Ptr, skb: Ptr, portid: number, group: number, report: number) =>
      this.notify(skb, portid, group, report),
    rtnl_notify: (skb: Ptr, _net: Ptr, portid: number, group: number) => this.notify(skb, portid, group, 0),
    rtnl_unicast: (skb: Ptr, _net: Ptr, _portid: number) => this.refuse(skb, -ECONNREFUSED),
    rtnl_set_sk_err: nothing('nobody listens to netlink groups', undefined),
  };

  *holds(): Generator<Holding> {
    for (const [unit, at] of this.kernelSocks) {
      const uses = [this.k.struct('netlink_sock').get(at, 'netlink_rcv')];
      yield { kind: 'netlink socket', at, uses, name: () => String(unit) };
    }
  }

  /** The kernel's socket of a protocol. */
  socket(unit: number): Ptr {
    return this.kernelSocks.get(unit) ?? 0;
  }

  boot(): void {
    const { k } = this;
    const type = k.struct('proto');
    this.proto = k.permanent(type.size);
    type.setText(this.proto, 'name', 'NETLINK');
    type.set(this.proto, 'obj_size', k.sizeOf('netlink_sock'));
  }

  /** netlink_kernel_create(): what a module asks for in its struct netlink_kernel_cfg. */
  private *create(net: Ptr, unit: number, module: Ptr, config: Ptr): Sleepable<Ptr> {
    const cfg = this.k.struct('netlink_kernel_cfg');
    const given = (field: string): number => (config === 0 ? 0 : cfg.get(config, field));
    return yield* this.make(net, unit, module, {
      input: given('input'),
      bind: given('bind'),
      unbind: given('unbind'),
      groups: given('groups'),
      cbMutex: cfg.has('cb_mutex') ? given('cb_mutex') : 0,
    });
  }

  /** The kernel's socket of a protocol; 0 if there is one already. */
  *make(net: Ptr, unit: number, module: Ptr, given: KernelSocket): Sleepable<Ptr> {
    const { k } = this;
    if (unit < 0 || unit >= MAX_PROTOCOLS || this.kernelSocks.has(unit)) return 0;
    const sockets = k.get(KernelSockets);
    const socket = sockets.allocate();
    if (socket === 0) return 0;
    k.struct('socket').set(socket, 'type', k.enumValue('SOCK_RAW'));
    const socks = k.get(Socks);
    const sk = yield* socks.allocate(net, AF_NETLINK, GFP_KERNEL, this.proto, true);
    socks.initData(socket, sk, 0);
    const type = k.struct('netlink_sock');
    type.set(sk, 'sk.sk_protocol', unit);
    if (type.has('cb_mutex')) {
      k.get(Mutexes).init(type.addr(sk, 'cb_def_mutex'));
      type.set(sk, 'cb_mutex', given.cbMutex || type.addr(sk, 'cb_def_mutex'));
    } else k.get(Mutexes).init(type.addr(sk, 'nl_cb_mutex'));
    type.set(sk, 'netlink_rcv', given.input);
    type.set(sk, 'netlink_bind', given.bind);
    type.set(sk, 'netlink_unbind', given.unbind);
    type.set(sk, 'module', module);
    type.set(sk, 'ngroups', Math.max(given.groups, MIN_GROUPS));
    type.set(sk, 'flags', 1 << k.enumValue('NETLINK_F_KERNEL_SOCKET'));
    this.kernelSocks.set(unit, sk);
    return sk;
  }

  /** netlink_kernel_release(). NULL is fine. */
  private *release(sk: Ptr): Sleepable<void> {
    const { k } = this;
    if (sk === 0) return;
    const sock = k.struct('sock');
    this.kernelSocks.delete(sock.get(sk, 'sk_protocol'));
    const socket = sock.get(sk, 'sk_socket');
    k.get(Socks).orphan(sk);
    yield* k.get(Socks).put(sk);
    if (socket !== 0) yield* k.get(KernelSockets).release(socket);
  }

  private *refuse(skb: Ptr, error: number): Sleepable<number> {
    yield* this.k.get(SkbAllocation).unref(skb);
    return error;
  }

  /** nlmsg_notify(): to a group and, if asked for, back to who caused it. */
  private *notify(skb: Ptr, portid: number, group: number, report: number): Sleepable<number> {
    if (group !== 0) return yield* this.refuse(skb, -ESRCH);
    return yield* this.refuse(skb, report !== 0 || portid !== 0 ? -ECONNREFUSED : 0);
  }
}
