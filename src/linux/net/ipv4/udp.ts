import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { testBit } from '../../abi/bit-ops.js';
import { JumpLabels } from '../../core/jump-label.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SkbQueues } from '../core/skb-queue.js';
import { Socks } from '../core/sock.js';
import { InetSockets } from './af-inet.js';

/**
 * UDP sockets as far as they go without packets, and tunnels that take over what they receive (net/ipv4/udp.c,
 * net/ipv6/udp.c). Sending and receiving are reported by the name of the function.
 */
export class UdpSockets implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    udp_init_sock: (sk: Ptr) => this.init(sk),
    udpv6_init_sock: (sk: Ptr) => this.init(sk),
    udp_destruct_sock: (sk: Ptr) => this.destruct(sk),
    udpv6_destruct_sock: (sk: Ptr) => this.destruct(sk),
    udp_destroy_sock: (sk: Ptr) => this.destroy(sk, 'udp_encap_needed_key'),
    udpv6_destroy_sock: (sk: Ptr) => this.destroy(sk, 'udpv6_encap_needed_key'),
    udp_lib_close: (sk: Ptr, _timeout: number) => this.k.get(Socks).commonRelease(sk),
    ip4_datagram_release_cb: (sk: Ptr) => this.checkRoute(sk, 'ip4_datagram_release_cb'),
    ip6_datagram_release_cb: (sk: Ptr) => this.checkRoute(sk, 'ip6_datagram_release_cb'),
    udp_encap_enable: () => this.count('udp_encap_needed_key', 'static_key_slow_inc'),
    udp_encap_disable: () => this.count('udp_encap_needed_key', 'static_key_slow_dec'),
    udpv6_encap_enable: () => this.count('udpv6_encap_needed_key', 'static_key_slow_inc'),
  };

  private init(sk: Ptr): number {
    const { k } = this;
    k.get(SkbQueues).init(k.struct('udp_sock').addr(sk, 'reader_queue'));
    k.struct('sock').set(sk, 'sk_destruct', k.fn('udp_destruct_sock'));
    return 0;
  }

  private *destruct(sk: Ptr): Sleepable<void> {
    const { k } = this;
    yield* k.get(SkbQueues).purge(k.struct('udp_sock').addr(sk, 'reader_queue'));
    yield* k.wait(k.get(InetSockets).destruct(sk));
  }

  /** udp_destroy_sock(): a tunnel hears of the end of its socket. */
  private *destroy(sk: Ptr, key: string): Sleepable<void> {
    const { k } = this;
    const type = k.struct('udp_sock');
    yield* k.get(Socks).lock(sk);
    yield* k.get(Socks).release(sk);
    const tells = type.get(sk, 'encap_type') !== 0 && type.get(sk, 'encap_destroy') !== 0;
    if (tells) yield* type.call(sk, 'encap_destroy', sk);
    if (this.isTunnel(sk)) this.count(key, 'static_key_slow_dec');
  }

  /** A connected socket finds its route again when the one it remembers is no more. */
  private checkRoute(sk: Ptr, name: string): void {
    const { k } = this;
    const dst = k.struct('sock').get(sk, 'sk_dst_cache');
    if (dst === 0 || k.struct('dst_entry').get(dst, 'obsolete') === 0) return;
    throw new Unimplemented(`${name} of a route that is gone`, '');
  }

  private isTunnel(sk: Ptr): boolean {
    const type = this.k.struct('udp_sock');
    if (type.has('encap_enabled')) return type.get(sk, 'encap_enabled') !== 0;
    return testBit(this.k.space, type.addr(sk, 'udp_flags'), this.k.enumValue('UDP_FLAGS_ENCAP_ENABLED'));
  }

  private count(key: string, change: 'static_key_slow_inc' | 'static_key_slow_dec'): void {
    if (this.k.hasSymbol(key)) this.k.get(JumpLabels).exports[change](this.k.symbol(key));
  }
}
