import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { changeBit } from '../../abi/bit-ops.js';
import { GFP_KERNEL } from '../../abi/gfp.js';
import { AF_INET6 } from '../../abi/socket.js';
import { EINVAL, ENOBUFS, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from '../../errno.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Destinations } from '../core/dst.js';
import { SkbQueues } from '../core/skb-queue.js';
import { Socks } from '../core/sock.js';
import { INET_PROTOSW_ICSK, INET_PROTOSW_REUSE, InetSwitch } from './protosw.js';

const PMTUDISC_WANT = 1;
const DEFAULT_TTL = -1;
/** Raw sockets are the target's own. */
const RAW = {
  4: { prot: 'raw_prot', ops: 'inet_sockraw_ops' },
  6: { prot: 'rawv6_prot', ops: 'inet6_sockraw_ops' },
} as const;
const BUILT_IN: Readonly<Record<number, string>> = { 1: 'ping', 6: 'TCP', 17: 'UDP', 58: 'ping' };

/**
 * Sockets of PF_INET and PF_INET6 (net/ipv4/af_inet.c, net/ipv6/af_inet6.c), of protocols that modules
 * registered.
 */
export class InetSockets implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_sock_destruct: (sk: Ptr) => this.destruct(sk),
  };

  /** inet_create(), inet6_create(): finds the protocol of the socket's type and makes its struct sock. */
  *create(net: Ptr, socket: Ptr, protocol: number, family: number, kern: boolean): Sleepable<number> {
    const { k } = this;
    const type = k.struct('socket');
    if (protocol < 0 || protocol > 262) return -EINVAL;
    const found = this.find(family, type.get(socket, 'type'), protocol);
    if (typeof found === 'number') return found;
    const entry = k.struct('inet_protosw');
    const own =
      type.get(socket, 'type') === k.enumValue('SOCK_RAW') ? RAW[family === AF_INET6 ? 6 : 4] : undefined;
    const prot = entry.get(found.entry, 'prot') || this.ownStruct(own?.prot);
    if (prot === 0 || k.struct('proto').get(prot, 'obj_size') === 0) {
      const what =
        type.get(socket, 'type') === k.enumValue('SOCK_RAW') ? undefined : BUILT_IN[found.protocol];
      throw new Unimplemented(`${what ?? 'raw'} sockets`, '');
    }
    type.set(socket, 'ops', entry.get(found.entry, 'ops') || this.ownStruct(own?.ops));
    const sk = yield* k.get(Socks).allocate(net, family, GFP_KERNEL, prot, kern);
    if (sk === 0) return -ENOBUFS;
    this.init(socket, sk, found.protocol, entry.get(found.entry, 'flags'), family);
    const protoType = k.struct('proto');
    const inet = k.struct('inet_sock');
    if (type.get(socket, 'type') === k.enumValue('SOCK_RAW'))
      inet.set(sk, 'sk.__sk_common.skc_num', found.protocol);
    if (inet.get(sk, 'sk.__sk_common.skc_num') !== 0 && protoType.get(prot, 'hash') !== 0) {
      const error = yield* protoType.call(prot, 'hash', sk);
      if (error) return yield* this.giveUp(sk, error);
    }
    const error = protoType.get(prot, 'init') === 0 ? 0 : yield* protoType.call(prot, 'init', sk);
    if (error) return yield* this.giveUp(sk, error);
    k.get(Modules).getStruct(k.struct('proto_ops').get(type.get(socket, 'ops'), 'owner'));
    return 0;
  }

  /**
   * A struct of the kernel image that TypeScript does not fill: it is there, and not zeros, once the target's own code has begun
   * to run. Nobody claims the variable by asking for it as a symbol.
   */
  private ownStruct(name: string | undefined): Ptr {
    const at = name === undefined ? undefined : this.k.addressOfNative(name);
    if (at === undefined) return 0;
    this.k.space.load32(at);
    return at;
  }

  private *giveUp(sk: Ptr, error: number): Sleepable<number> {
    yield* this.k.get(Socks).commonRelease(sk);
    return error;
  }

  /** The entry that serves a type and a protocol, either of which may be a wild card. */
  private find(
    family: number,
    type: number,
    protocol: number,
  ): { readonly entry: Ptr; readonly protocol: number } | number {
    const entry = this.k.struct('inet_protosw');
    let result = -ESOCKTNOSUPPORT;
    for (const at of this.k.get(InetSwitch).entries(family === AF_INET6 ? 6 : 4, type)) {
      const own = entry.get(at, 'protocol');
      if (own === protocol && protocol !== 0) return { entry: at, protocol };
      if (own === protocol || protocol === 0) return { entry: at, protocol: own };
      if (own === 0) return { entry: at, protocol };
      result = -EPROTONOSUPPORT;
    }
    return result;
  }

  /** Sets a yes or no of a socket: a member of its own, `field` of `type`, or a bit of inet_flags (INET_FLAGS_BIT). */
  private mark(type: StructType, at: Ptr, field: string, sk: Ptr, bit: string, on: boolean): void {
    const { inet, k } = this;
    // structs: inet_sock.inet_flags is there where the member is not.
    if (type.has(field)) {
      type.set(at, field, Number(on));
      return;
    }
    changeBit(k.space, inet.addr(sk, 'inet_flags'), k.enumValue(`INET_FLAGS_${bit}`), on);
  }

  private init(socket: Ptr, sk: Ptr, protocol: number, flags: number, family: number): void {
    const { k } = this;
    const inet = this.inet;
    if (flags & INET_PROTOSW_REUSE) inet.set(sk, 'sk.__sk_common.skc_reuse', 1);
    this.mark(inet, sk, 'is_icsk', sk, 'IS_ICSK', (flags & INET_PROTOSW_ICSK) !== 0);
    inet.set(sk, 'pmtudisc', PMTUDISC_WANT);
    k.get(Socks).initData(socket, sk, 0);
    inet.set(sk, 'sk.sk_destruct', k.fn('inet_sock_destruct'));
    inet.set(sk, 'sk.sk_protocol', protocol);
    inet.set(
      sk,
      'sk.sk_backlog_rcv',
      k.struct('proto').get(inet.get(sk, 'sk.__sk_common.skc_prot'), 'backlog_rcv'),
    );
    inet.set(sk, 'uc_ttl', DEFAULT_TTL);
    this.mark(inet, sk, 'mc_loop', sk, 'MC_LOOP', true);
    inet.set(sk, 'mc_ttl', 1);
    this.mark(inet, sk, 'mc_all', sk, 'MC_ALL', true);
    if (family === AF_INET6) this.initIpv6(sk);
  }

  /** The IPv6 part lies where the protocol says, or at the end of the protocol's own struct: inet6_sk_generic(). */
  private initIpv6(sk: Ptr): void {
    const { k } = this;
    const prot = this.inet.get(sk, 'sk.__sk_common.skc_prot');
    const info = k.struct('ipv6_pinfo');
    const proto = k.struct('proto');
    const at =
      sk +
      (proto.has('ipv6_pinfo_offset')
        ? proto.get(prot, 'ipv6_pinfo_offset')
        : proto.get(prot, 'obj_size') - info.size);
    this.inet.set(sk, 'pinet6', at);
    info.set(at, 'hop_limit', -1);
    info.set(at, 'mcast_hops', 1);
    this.mark(info, at, 'mc_loop', sk, 'MC6_LOOP', true);
    this.mark(info, at, 'mc_all', sk, 'MC6_ALL', true);
    info.set(at, 'pmtudisc', PMTUDISC_WANT);
  }

  /** inet_sock_destruct(): what is still queued, options, and the route that the socket remembered. */
  *destruct(sk: Ptr): Sleepable<void> {
    const { k, inet } = this;
    for (const queue of ['sk.sk_receive_queue', 'sk.sk_error_queue'])
      yield* k.get(SkbQueues).purge(inet.addr(sk, queue));
    const options = inet.get(sk, 'inet_opt');
    if (options !== 0) k.slab.free(options);
    for (const route of ['sk.sk_dst_cache', 'sk.sk_rx_dst'])
      yield* k.get(Destinations).release(inet.get(sk, route));
  }

  private get inet(): StructType {
    return this.k.struct('inet_sock');
  }
}
