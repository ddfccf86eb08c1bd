import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { AF_INET, AF_INET6 } from '../../abi/socket.js';
import { EADDRINUSE, EINVAL, ENOTCONN } from '../../errno.js';
import { O_NONBLOCK } from '../../fs/flags.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { RCV_SHUTDOWN } from '../core/datagram.js';
import { Socks } from '../core/sock.js';
import { portOf } from './inet-bind.js';

export const SHUTDOWN_MASK = 3;

/** Operations of sockets of PF_INET and PF_INET6 besides binding (net/ipv4/af_inet.c, inet_connection_sock.c). */
export class InetStreams implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_listen: (socket: Ptr, backlog: number) => this.listen(socket, backlog),
    inet_csk_listen_start: (sk: Ptr) => this.listenStart(sk),
    inet_release: (socket: Ptr) => this.release(socket),
    inet6_release: (socket: Ptr) => this.release(socket),
    inet_shutdown: (socket: Ptr, how: number) => this.shutdown(socket, how),
    inet_getname: (socket: Ptr, address: Ptr, peer: number) => this.name(socket, address, peer),
    inet6_getname: (socket: Ptr, address: Ptr, peer: number) => this.name6(socket, address, peer),
  };

  private listen(socket: Ptr, backlog: number): Sleepable<number> {
    const { k } = this;
    const sk = k.struct('socket').get(socket, 'sk');
    return k.get(Socks).locked(sk, () => this.listenLocked(socket, sk, backlog));
  }

  private *listenLocked(socket: Ptr, sk: Ptr, backlog: number): Sleepable<number> {
    const type = this.k.struct('socket');
    if (
      type.get(socket, 'state') !== this.k.enumValue('SS_UNCONNECTED') ||
      type.get(socket, 'type') !== this.k.enumValue('SOCK_STREAM')
    )
      return -EINVAL;
    const state = this.state(sk);
    if (state !== this.k.enumValue('TCP_CLOSE') && state !== this.k.enumValue('TCP_LISTEN')) return -EINVAL;
    this.sock.set(sk, 'sk_max_ack_backlog', backlog);
    return state === this.k.enumValue('TCP_LISTEN') ? 0 : yield* this.listenStart(sk);
  }

  /** inet_csk_listen_start(): the port is asked for again, since another may have been listening on it by now. */
  private *listenStart(sk: Ptr): Sleepable<number> {
    const { k, sock } = this;
    const connection = k.struct('inet_connection_sock');
    const queue = connection.member('icsk_accept_queue');
    k.space.writable(sk + queue.offset, queue.size).fill(0);
    sock.set(sk, 'sk_ack_backlog', 0);
    sock.set(sk, '__sk_common.skc_state', k.enumValue('TCP_LISTEN'));
    const proto = k.struct('proto');
    const prot = sock.get(sk, '__sk_common.skc_prot');
    const port = sock.get(sk, '__sk_common.skc_num');
    if ((yield* proto.call(prot, 'get_port', sk, port)) === 0) {
      k.struct('inet_sock').set(sk, 'inet_sport', portOf(sock.get(sk, '__sk_common.skc_num')));
      if ((yield* proto.call(prot, 'hash', sk)) === 0) return 0;
    }
    sock.set(sk, '__sk_common.skc_state', k.enumValue('TCP_CLOSE'));
    return -EADDRINUSE;
  }

  /** inet_release(): the protocol closes the socket, without waiting for what is not sent. */
  private *release(socket: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('socket');
    const sk = type.get(socket, 'sk');
    if (sk === 0) return 0;
    yield* k.struct('proto').call(this.sock.get(sk, '__sk_common.skc_prot'), 'close', sk, 0);
    type.set(socket, 'sk', 0);
    return 0;
  }

  private *shutdown(socket: Ptr, how: number): Sleepable<number> {
    const { k } = this;
    const directions = how + 1;
    if (directions & ~SHUTDOWN_MASK || directions === 0) return -EINVAL;
    const sk = k.struct('socket').get(socket, 'sk');
    return yield* k.get(Socks).locked(sk, () => this.shutdownLocked(socket, sk, directions));
  }

  private *shutdownLocked(socket: Ptr, sk: Ptr, directions: number): Sleepable<number> {
    const error = yield* this.close(socket, sk, directions);
    yield* this.sock.call(sk, 'sk_state_change', sk);
    return error;
  }

  private *close(socket: Ptr, sk: Ptr, directions: number): Sleepable<number> {
    const { k, sock } = this;
    const proto = k.struct('proto');
    const prot = sock.get(sk, '__sk_common.skc_prot');
    const state = this.state(sk);
    if (state === k.enumValue('TCP_SYN_SENT') || state === k.enumValue('TCP_LISTEN')) {
      if (state === k.enumValue('TCP_LISTEN') && !(directions & RCV_SHUTDOWN)) return 0;
      const error = yield* proto.call(prot, 'disconnect', sk, O_NONBLOCK);
      k.struct('socket').set(
        socket,
        'state',
        error ? k.enumValue('SS_DISCONNECTING') : k.enumValue('SS_UNCONNECTED'),
      );
      return error;
    }
    sock.set(sk, 'sk_shutdown', sock.get(sk, 'sk_shutdown') | directions);
    if (proto.get(prot, 'shutdown') !== 0) yield* proto.call(prot, 'shutdown', sk, directions);
    return state === k.enumValue('TCP_CLOSE') ? -ENOTCONN : 0;
  }

  private name(socket: Ptr, address: Ptr, peer: number): number {
    const { k, sock } = this;
    const type = k.struct('sockaddr_in');
    const inet = k.struct('inet_sock');
    const sk = k.struct('socket').get(socket, 'sk');
    if (peer !== 0 && !this.hasPeer(sk, peer)) return -ENOTCONN;
    k.space.writable(address, type.size).fill(0);
    type.set(address, 'sin_family', AF_INET);
    const local = sock.get(sk, '__sk_common.skc_rcv_saddr') || inet.get(sk, 'inet_saddr');
    type.set(address, 'sin_addr.s_addr', peer ? sock.get(sk, '__sk_common.skc_daddr') : local);
    type.set(address, 'sin_port', peer ? sock.get(sk, '__sk_common.skc_dport') : inet.get(sk, 'inet_sport'));
    return type.size;
  }

  private name6(socket: Ptr, address: Ptr, peer: number): number {
    const { k, sock } = this;
    const type = k.struct('sockaddr_in6');
    const inet = k.struct('inet_sock');
    const sk = k.struct('socket').get(socket, 'sk');
    if (peer !== 0 && !this.hasPeer(sk, peer)) return -ENOTCONN;
    k.space.writable(address, type.size).fill(0);
    type.set(address, 'sin6_family', AF_INET6);
    const saddr = k.struct('ipv6_pinfo').addr(inet.get(sk, 'pinet6'), 'saddr');
    const received = sock.addr(sk, '__sk_common.skc_v6_rcv_saddr');
    const any = k.space.readable(received, 16).every((byte) => byte === 0);
    const from = peer ? sock.addr(sk, '__sk_common.skc_v6_daddr') : any ? saddr : received;
    k.space.writable(type.addr(address, 'sin6_addr'), 16).set(k.space.readable(from, 16));
    type.set(address, 'sin6_port', peer ? sock.get(sk, '__sk_common.skc_dport') : inet.get(sk, 'inet_sport'));
    return type.size;
  }

  /** A peer of 2 is asked for even when the connection is gone. */
  private hasPeer(sk: Ptr, peer: number): boolean {
    if (this.sock.get(sk, '__sk_common.skc_dport') === 0) return false;
    const state = this.state(sk);
    return (
      peer !== 1 || (state !== this.k.enumValue('TCP_CLOSE') && state !== this.k.enumValue('TCP_SYN_SENT'))
    );
  }

  private state(sk: Ptr): number {
    return this.sock.get(sk, '__sk_common.skc_state');
  }

  private get sock(): StructType {
    return this.k.struct('sock');
  }
}
