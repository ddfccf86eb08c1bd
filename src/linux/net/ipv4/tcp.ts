import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { hz } from '../../time/jiffies.js';
import { SkbQueues } from '../core/skb-queue.js';
import { Socks } from '../core/sock.js';
import { ConnectionSocks } from './inet-connection-sock.js';
import { InetPorts, SOCK_BINDPORT_LOCK } from './inet-ports.js';
import { SHUTDOWN_MASK } from './inet-stream.js';

const TCP_INFINITE_SSTHRESH = 0x7fff_ffff;
const TCP_INIT_CWND = 10;
const TCP_MSS_DEFAULT = 536;
/** net.ipv4.tcp_wmem and tcp_rmem as they are after boot: what a socket's buffers begin with. */
const SEND_BUFFER = 16 * 1024;
const RECEIVE_BUFFER = 131_072;
const REORDERING = 3;
const U32_MAX = 0xffff_ffff;

/**
 * TCP sockets as far as they go without packets: made, bound, listening, closed (net/ipv4/tcp.c, tcp_ipv4.c,
 * net/ipv6/tcp_ipv6.c). Connecting, sending and receiving are reported by the name of the function.
 */
export class TcpSockets implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    tcp_init_sock: (sk: Ptr) => this.init(sk),
    tcp_v4_init_sock: (sk: Ptr) => this.initFor(sk, 'ipv4_specific'),
    tcp_v6_init_sock: (sk: Ptr) => this.initFor(sk, 'ipv6_specific'),
    tcp_v4_destroy_sock: (sk: Ptr) => this.destroy(sk),
    tcp_set_state: (sk: Ptr, state: number) => this.setState(sk, state),
    tcp_close: (sk: Ptr, _timeout: number) => this.close(sk),
    tcp_disconnect: (sk: Ptr, _flags: number) => this.disconnect(sk),
    tcp_release_cb: nothing('no segment is ever received', undefined),
    tcp_shutdown: (sk: Ptr, _how: number) => this.unconnected(sk, 'tcp_shutdown'),
    inet_hash: (sk: Ptr) => this.hash(sk, 'inet_hash'),
    inet6_hash: (sk: Ptr) => this.hash(sk, 'inet6_hash'),
    inet_csk_destroy_sock: (sk: Ptr) => this.destroyConnection(sk),
  };

  private initFor(sk: Ptr, operations: string): number {
    const { k } = this;
    this.init(sk);
    const at = k.hasSymbol(operations) ? k.symbol(operations) : 0;
    k.struct('inet_connection_sock').set(sk, 'icsk_af_ops', at);
    return 0;
  }

  private init(sk: Ptr): void {
    const { k, sock } = this;
    const tcp = k.struct('tcp_sock');
    const connection = k.struct('inet_connection_sock');
    k.get(ConnectionSocks).exports.inet_csk_init_xmit_timers(
      sk,
      k.fn('tcp_write_timer'),
      k.fn('tcp_delack_timer'),
      k.fn('tcp_keepalive_timer'),
    );
    for (const head of ['tsq_node', 'tsorted_sent_queue']) list.init(k.space, tcp.addr(sk, head));
    connection.set(sk, 'icsk_rto', hz(k));
    connection.set(sk, 'icsk_rto_min', hz(k) / 5);
    connection.set(sk, 'icsk_delack_max', hz(k) / 5);
    tcp.set(sk, 'mdev_us', 1_000_000);
    tcp.set(sk, 'snd_cwnd', TCP_INIT_CWND);
    tcp.set(sk, 'app_limited', U32_MAX);
    tcp.set(sk, 'snd_ssthresh', TCP_INFINITE_SSTHRESH);
    tcp.set(sk, 'snd_cwnd_clamp', U32_MAX);
    tcp.set(sk, 'mss_cache', TCP_MSS_DEFAULT);
    tcp.set(sk, 'reordering', REORDERING);
    tcp.set(sk, 'rack.reo_wnd_steps', 1);
    sock.set(sk, 'sk_write_space', k.fn('sk_stream_write_space'));
    k.get(Socks).setFlag(sk, 'SOCK_USE_WRITE_QUEUE');
    connection.set(sk, 'icsk_sync_mss', k.fn('tcp_sync_mss'));
    sock.set(sk, 'sk_sndbuf', SEND_BUFFER);
    sock.set(sk, 'sk_rcvbuf', RECEIVE_BUFFER);
  }

  private *destroy(sk: Ptr): Sleepable<void> {
    const { k } = this;
    yield* k.get(SkbQueues).purge(this.sock.addr(sk, 'sk_write_queue'));
    k.get(InetPorts).put(sk);
  }

  /** tcp_set_state(): a socket that closes leaves its table, and its port unless somebody chose that. */
  private *setState(sk: Ptr, state: number): Sleepable<void> {
    const { k, sock } = this;
    if (state === k.enumValue('TCP_CLOSE')) {
      yield* k.struct('proto').call(sock.get(sk, '__sk_common.skc_prot'), 'unhash', sk);
      if (!(sock.get(sk, 'sk_userlocks') & SOCK_BINDPORT_LOCK)) k.get(InetPorts).put(sk);
    }
    sock.set(sk, '__sk_common.skc_state', state);
  }

  private *close(sk: Ptr): Sleepable<void> {
    const { k, sock } = this;
    const socks = k.get(Socks);
    yield* socks.lock(sk);
    this.unconnected(sk, 'tcp_close');
    sock.set(sk, 'sk_shutdown', SHUTDOWN_MASK);
    if (this.state(sk) === k.enumValue('TCP_LISTEN')) yield* this.setState(sk, k.enumValue('TCP_CLOSE'));
    socks.hold(sk);
    socks.orphan(sk);
    yield* this.destroyConnection(sk);
    yield* socks.release(sk);
    yield* socks.put(sk);
  }

  private *disconnect(sk: Ptr): Sleepable<number> {
    const { sock } = this;
    this.unconnected(sk, 'tcp_disconnect');
    if (this.state(sk) === this.k.enumValue('TCP_LISTEN'))
      yield* this.setState(sk, this.k.enumValue('TCP_CLOSE'));
    sock.set(sk, 'sk_shutdown', 0);
    yield* sock.call(sk, 'sk_error_report', sk);
    return 0;
  }

  /** inet_csk_destroy_sock(): the end of an orphaned socket; drops its owner's reference. */
  private *destroyConnection(sk: Ptr): Sleepable<void> {
    const { k, sock } = this;
    yield* k.struct('proto').call(sock.get(sk, '__sk_common.skc_prot'), 'destroy', sk);
    yield* k.get(SkbQueues).purge(sock.addr(sk, 'sk_receive_queue'));
    yield* k.get(Socks).put(sk);
  }

  /** Nothing looks listening sockets up, since no packet arrives; a connection would have to be found. */
  private hash(sk: Ptr, name: string): number {
    this.unconnected(sk, name);
    return 0;
  }

  /** Connections do not exist yet: what would have to end one says so. */
  private unconnected(sk: Ptr, name: string): void {
    const state = this.state(sk);
    if (state !== this.k.enumValue('TCP_CLOSE') && state !== this.k.enumValue('TCP_LISTEN'))
      throw new Unimplemented(`${name} of a connection`, '');
  }

  private state(sk: Ptr): number {
    return this.sock.get(sk, '__sk_common.skc_state');
  }

  private get sock(): StructType {
    return this.k.struct('sock');
  }
}
