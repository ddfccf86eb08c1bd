import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { AF_INET6 } from '../../abi/socket.js';
import { EADDRINUSE } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** sock.sk_userlocks */
export const SOCK_BINDADDR_LOCK = 4;
export const SOCK_BINDPORT_LOCK = 8;
/** Local ports that are given out: net.ipv4.ip_local_port_range as it is after boot. */
const FIRST_LOCAL_PORT = 32_768;
const LAST_LOCAL_PORT = 60_999;

/**
 * Which sockets have which port (net/ipv4/inet_connection_sock.c, udp.c). Each table of sockets that a protocol has
 * (struct proto's h) numbers its ports by itself.
 */
export class InetPorts implements Subsystem {
  private readonly owners = new Map<string, Set<Ptr>>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_csk_get_port: (sk: Ptr, port: number) => this.take(sk, port, true),
    inet_put_port: (sk: Ptr) => this.put(sk),
    udp_lib_get_port: (sk: Ptr, port: number) => this.take(sk, port, false),
    udp_v4_get_port: (sk: Ptr, port: number) => this.take(sk, port, false),
    udp_v6_get_port: (sk: Ptr, port: number) => this.take(sk, port, false),
    udp_lib_unhash: (sk: Ptr) => this.put(sk),
  };

  /** Gives a socket a port, 0 for any that is free: 0 or -EADDRINUSE. */
  take(sk: Ptr, wanted: number, connections: boolean): number {
    const port = wanted === 0 ? this.freePort(sk, connections) : wanted;
    if (port === 0 || this.conflicts(sk, port, connections)) return -EADDRINUSE;
    this.ownersOf(sk, port).add(sk);
    this.sock.set(sk, '__sk_common.skc_num', port);
    return 0;
  }

  put(sk: Ptr): void {
    const port = this.sock.get(sk, '__sk_common.skc_num');
    if (!this.ownersOf(sk, port).delete(sk)) return;
    this.sock.set(sk, '__sk_common.skc_num', 0);
    this.k.struct('inet_sock').set(sk, 'inet_sport', 0);
  }

  isBound(sk: Ptr): boolean {
    return this.ownersOf(sk, this.sock.get(sk, '__sk_common.skc_num')).has(sk);
  }

  private freePort(sk: Ptr, connections: boolean): number {
    const count = LAST_LOCAL_PORT - FIRST_LOCAL_PORT + 1;
    const first = this.k.random.below(count);
    for (let i = 0; i < count; i++) {
      const port = FIRST_LOCAL_PORT + ((first + i) % count);
      if (this.ownersOf(sk, port).size === 0 || !this.conflicts(sk, port, connections)) return port;
    }
    return 0;
  }

  private conflicts(sk: Ptr, port: number, connections: boolean): boolean {
    for (const other of this.ownersOf(sk, port))
      if (other !== sk && this.sameDevice(sk, other) && this.overlap(sk, other))
        if (!this.mayShare(sk, other, connections)) return true;
    return false;
  }

  /** SO_REUSEPORT of one user, or SO_REUSEADDR; a listening TCP socket shares its port with nobody by the latter. */
  private mayShare(a: Ptr, b: Ptr, connections: boolean): boolean {
    const { sock } = this;
    const both = (field: string): boolean => sock.get(a, field) !== 0 && sock.get(b, field) !== 0;
    if (both('__sk_common.skc_reuseport') && sock.get(a, 'sk_uid') === sock.get(b, 'sk_uid')) return true;
    if (!both('__sk_common.skc_reuse')) return false;
    return (
      !connections ||
      [a, b].every((sk) => sock.get(sk, '__sk_common.skc_state') !== this.k.enumValue('TCP_LISTEN'))
    );
  }

  private sameDevice(a: Ptr, b: Ptr): boolean {
    const [first, second] = [a, b].map((sk) => this.sock.get(sk, '__sk_common.skc_bound_dev_if'));
    return first === 0 || second === 0 || first === second;
  }

  /** inet_rcv_saddr_equal(): whether a packet could be for either; any address matches every one. */
  private overlap(a: Ptr, b: Ptr): boolean {
    const { sock } = this;
    const six = [a, b].map((sk) => sock.get(sk, '__sk_common.skc_family') === AF_INET6);
    const only = [a, b].map((sk, i) => six[i] && sock.get(sk, '__sk_common.skc_ipv6only') !== 0);
    if (six[0] !== six[1] && (only[0] || only[1])) return false;
    if (six[0] && six[1]) {
      const [first, second] = [a, b].map((sk) => this.address6(sk));
      return /^[0,]*$/.test(first) || /^[0,]*$/.test(second) || first === second;
    }
    const [first, second] = [a, b].map((sk) => sock.get(sk, '__sk_common.skc_rcv_saddr'));
    return first === 0 || second === 0 || first === second;
  }

  private address6(sk: Ptr): string {
    return this.k.space.readable(this.sock.addr(sk, '__sk_common.skc_v6_rcv_saddr'), 16).join(',');
  }

  private ownersOf(sk: Ptr, port: number): Set<Ptr> {
    const { k, sock } = this;
    const table = k.struct('proto').get(sock.get(sk, '__sk_common.skc_prot'), 'h.hashinfo');
    const key = `${sock.get(sk, 'sk_protocol')}:${table}:${port}`;
    const known = this.owners.get(key);
    if (known !== undefined) return known;
    const fresh = new Set<Ptr>();
    this.owners.set(key, fresh);
    return fresh;
  }

  private get sock(): StructType {
    return this.k.struct('sock');
  }
}
