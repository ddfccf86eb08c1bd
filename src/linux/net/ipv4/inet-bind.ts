import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { AF_INET, AF_INET6 } from '../../abi/socket.js';
import { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Socks } from '../core/sock.js';
import { Ipv6 } from '../ipv6/af-inet6.js';
import { SOCK_BINDADDR_LOCK, SOCK_BINDPORT_LOCK } from './inet-ports.js';

const AF_UNSPEC = 0;
/** Bytes of an IPv6 address without its scope (RFC 2133). */
const SIN6_LEN_RFC2133 = 24;
const IPV6_ADDR_MULTICAST = 0x2;
const IPV6_ADDR_MAPPED = 0x1000;
const IPV6_ADDR_KIND = 0xffff;
/** 127.0.0.6, what sockets that are bound to an IPv6 address have for an IPv4 one: LOOPBACK4_IPV6. */
const LOOPBACK4_IPV6 = 0x0600_007f;

/** Binding sockets of PF_INET and PF_INET6 to an address (net/ipv4/af_inet.c, net/ipv6/af_inet6.c). */
export class InetBinding implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_bind: (socket: Ptr, address: Ptr, length: number) => this.bind(socket, address, length),
    inet6_bind: (socket: Ptr, address: Ptr, length: number) => this.bind6(socket, address, length),
    inet_addr_type: (_net: Ptr, address: number) => this.addressType(address),
    ipv6_chk_addr: nothing('no device has IPv6 addresses', 0),
  };

  /** inet_addr_type(), of a machine whose interfaces have no addresses: nothing is local. */
  private addressType(address: number): number {
    const first = address & 0xff;
    if (first === 0 || address >>> 0 === 0xffff_ffff) return this.k.enumValue('RTN_BROADCAST');
    return first >= 224 && first < 240 ? this.k.enumValue('RTN_MULTICAST') : this.k.enumValue('RTN_UNICAST');
  }

  private *bind(socket: Ptr, address: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('sockaddr_in');
    const own = yield* this.ownBind(socket, address, length);
    if (own !== undefined) return own;
    if (length < type.size) return -EINVAL;
    const local = type.get(address, 'sin_addr.s_addr') >>> 0;
    const family = type.get(address, 'sin_family');
    if (family !== AF_INET && (family !== AF_UNSPEC || local !== 0)) return -EAFNOSUPPORT;
    const kind = this.addressType(local);
    if (local !== 0 && kind === k.enumValue('RTN_UNICAST')) return -EADDRNOTAVAIL;
    return yield* this.locked(socket, portOf(type.get(address, 'sin_port')), (sk) => {
      const inet = k.struct('inet_sock');
      inet.set(sk, 'sk.__sk_common.skc_rcv_saddr', local);
      inet.set(sk, 'inet_saddr', local !== 0 && kind !== k.enumValue('RTN_UNICAST') ? 0 : local);
      return local !== 0;
    });
  }

  private *bind6(socket: Ptr, address: Ptr, length: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('sockaddr_in6');
    const own = yield* this.ownBind(socket, address, length);
    if (own !== undefined) return own;
    if (length < SIN6_LEN_RFC2133) return -EINVAL;
    if (type.get(address, 'sin6_family') !== AF_INET6) return -EAFNOSUPPORT;
    const at = type.addr(address, 'sin6_addr');
    const kind = k.get(Ipv6).type(at) & IPV6_ADDR_KIND;
    const multicast = (kind & IPV6_ADDR_MULTICAST) !== 0;
    if (multicast && k.struct('socket').get(socket, 'type') === k.enumValue('SOCK_STREAM')) return -EINVAL;
    const sk = k.struct('socket').get(socket, 'sk');
    if (kind === IPV6_ADDR_MAPPED && this.sock.get(sk, '__sk_common.skc_ipv6only') !== 0) return -EINVAL;
    if (kind !== 0 && !multicast) return -EADDRNOTAVAIL;
    const bytes = k.space.readable(at, 16).slice();
    const only = this.sock.get(sk, '__sk_common.skc_ipv6only');
    if (multicast) this.sock.set(sk, '__sk_common.skc_ipv6only', 1);
    const error = yield* this.locked(socket, portOf(type.get(address, 'sin6_port')), (locked) => {
      const v4 = kind === 0 ? 0 : LOOPBACK4_IPV6;
      const inet = k.struct('inet_sock');
      inet.set(locked, 'sk.__sk_common.skc_rcv_saddr', v4);
      inet.set(locked, 'inet_saddr', v4);
      k.space.writable(this.sock.addr(locked, '__sk_common.skc_v6_rcv_saddr'), 16).set(bytes);
      const info = inet.get(locked, 'pinet6');
      if (!multicast) k.space.writable(k.struct('ipv6_pinfo').addr(info, 'saddr'), 16).set(bytes);
      return kind !== 0;
    });
    if (error !== 0) this.sock.set(sk, '__sk_common.skc_ipv6only', only);
    return error;
  }

  /** A protocol's own bind, which is asked instead. */
  private *ownBind(socket: Ptr, address: Ptr, length: number): Sleepable<number | undefined> {
    const { k } = this;
    const sk = k.struct('socket').get(socket, 'sk');
    const proto = k.struct('proto');
    const prot = this.sock.get(sk, '__sk_common.skc_prot');
    return proto.get(prot, 'bind') === 0 ? undefined : yield* proto.call(prot, 'bind', sk, address, length);
  }

  /** What both families have in common: a socket that is not bound yet gets its address (`assign`) and port. */
  private *locked(socket: Ptr, port: number, assign: (sk: Ptr) => boolean): Sleepable<number> {
    const { k, sock } = this;
    const sk = k.struct('socket').get(socket, 'sk');
    yield* k.get(Socks).lock(sk);
    let error = -EINVAL;
    if (
      sock.get(sk, '__sk_common.skc_state') === k.enumValue('TCP_CLOSE') &&
      sock.get(sk, '__sk_common.skc_num') === 0
    )
      error = yield* this.assign(sk, port, assign);
    yield* k.get(Socks).release(sk);
    return error;
  }

  private *assign(sk: Ptr, port: number, assign: (sk: Ptr) => boolean): Sleepable<number> {
    const { k, sock } = this;
    const inet = k.struct('inet_sock');
    const fixed = assign(sk);
    const prot = sock.get(sk, '__sk_common.skc_prot');
    if ((yield* k.struct('proto').call(prot, 'get_port', sk, port)) !== 0) {
      inet.set(sk, 'sk.__sk_common.skc_rcv_saddr', 0);
      inet.set(sk, 'inet_saddr', 0);
      if (sock.get(sk, '__sk_common.skc_family') === AF_INET6) this.clear6(sk);
      return -EADDRINUSE;
    }
    const locks = (fixed ? SOCK_BINDADDR_LOCK : 0) | (port !== 0 ? SOCK_BINDPORT_LOCK : 0);
    sock.set(sk, 'sk_userlocks', sock.get(sk, 'sk_userlocks') | locks);
    inet.set(sk, 'inet_sport', portOf(sock.get(sk, '__sk_common.skc_num')));
    sock.set(sk, '__sk_common.skc_daddr', 0);
    sock.set(sk, '__sk_common.skc_dport', 0);
    return 0;
  }

  private clear6(sk: Ptr): void {
    const { k } = this;
    k.space.writable(this.sock.addr(sk, '__sk_common.skc_v6_rcv_saddr'), 16).fill(0);
    const info = k.struct('inet_sock').get(sk, 'pinet6');
    k.space.writable(k.struct('ipv6_pinfo').addr(info, 'saddr'), 16).fill(0);
  }

  private get sock(): StructType {
    return this.k.struct('sock');
  }
}

/** htons() and ntohs() */
export function portOf(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
