import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LONG_MAX } from '../../abi/limits.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { hz } from '../../time/jiffies.js';
import { Socks } from './sock.js';

const SK_CAN_REUSE = 1;
const SOCK_RCVBUF_LOCK = 2;
const SOCK_MIN_RCVBUF = 2304;
/** Bits of tcp_sock.nonagle (include/linux/tcp.h). */
const TCP_NAGLE_OFF = 1;
const TCP_NAGLE_CORK = 2;
const TCP_NAGLE_PUSH = 4;
const MAX_TCP_KEEPIDLE = 32_767;
const MAX_TCP_KEEPCNT = 127;

/** Socket options as the kernel's own users set them (net/core/sock.c, net/ipv4/tcp.c). */
export class SocketOptions implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sock_set_reuseaddr: (sk: Ptr) => this.setLocked(sk, '__sk_common.skc_reuse', SK_CAN_REUSE),
    sock_set_reuseport: (sk: Ptr) => this.setLocked(sk, '__sk_common.skc_reuseport', 1),
    sock_set_priority: (sk: Ptr, priority: number) => this.setLocked(sk, 'sk_priority', priority),
    sock_set_mark: (sk: Ptr, mark: number) => this.setLocked(sk, 'sk_mark', mark),
    sock_no_linger: (sk: Ptr) =>
      this.locked(sk, () => {
        this.sock.set(sk, 'sk_lingertime', 0);
        this.k.get(Socks).setFlag(sk, 'SOCK_LINGER');
      }),
    sock_enable_timestamps: (sk: Ptr) => this.locked(sk, () => this.stampReceived(sk)),
    sock_set_keepalive: (sk: Ptr) => this.locked(sk, () => this.keepalive(sk)),
    sock_set_rcvbuf: (sk: Ptr, bytes: number) =>
      this.locked(sk, () => {
        this.sock.set(sk, 'sk_userlocks', this.sock.get(sk, 'sk_userlocks') | SOCK_RCVBUF_LOCK);
        this.sock.set(sk, 'sk_rcvbuf', Math.max(bytes * 2, SOCK_MIN_RCVBUF));
      }),
    sock_set_sndtimeo: (sk: Ptr, seconds: number) =>
      this.locked(sk, () => {
        if (seconds > 0) this.sock.set(sk, 'sk_sndtimeo', seconds * hz(this.k));
        else this.sock.setBig(sk, 'sk_sndtimeo', LONG_MAX);
      }),
    tcp_sock_set_nodelay: (sk: Ptr) => this.setNagle(sk, TCP_NAGLE_OFF | TCP_NAGLE_PUSH, 0),
    tcp_sock_set_cork: (sk: Ptr, on: number) =>
      this.setNagle(sk, on ? TCP_NAGLE_CORK : 0, on ? 0 : TCP_NAGLE_CORK),
    tcp_sock_set_keepidle: (sk: Ptr, seconds: number) =>
      this.setTcp(sk, 'keepalive_time', seconds, MAX_TCP_KEEPIDLE, hz(this.k)),
    tcp_sock_set_keepintvl: (sk: Ptr, seconds: number) =>
      this.setTcp(sk, 'keepalive_intvl', seconds, MAX_TCP_KEEPIDLE, hz(this.k)),
    tcp_sock_set_keepcnt: (sk: Ptr, count: number) =>
      this.setTcp(sk, 'keepalive_probes', count, MAX_TCP_KEEPCNT, 1),
  };

  /** What arrives is to have the time of its arrival, in nanoseconds, in the old layout of struct timespec. */
  private stampReceived(sk: Ptr): void {
    const socks = this.k.get(Socks);
    socks.resetFlag(sk, 'SOCK_TSTAMP_NEW');
    for (const flag of ['SOCK_RCVTSTAMPNS', 'SOCK_RCVTSTAMP', 'SOCK_TIMESTAMP']) socks.setFlag(sk, flag);
  }

  private *keepalive(sk: Ptr): Sleepable<void> {
    const { k } = this;
    const proto = k.struct('proto');
    const prot = this.sock.get(sk, '__sk_common.skc_prot');
    if (proto.get(prot, 'keepalive') !== 0) yield* proto.call(prot, 'keepalive', sk, 1);
    k.get(Socks).setFlag(sk, 'SOCK_KEEPOPEN');
  }

  private *setTcp(sk: Ptr, field: string, value: number, most: number, unit: number): Sleepable<number> {
    if (value < 1 || value > most) return -EINVAL;
    yield* this.locked(sk, () => this.k.struct('tcp_sock').set(sk, field, value * unit));
    return 0;
  }

  /** What a connection holds back would be sent now: there are no connections yet. */
  private setNagle(sk: Ptr, set: number, clear: number): Sleepable<void> {
    const type = this.k.struct('tcp_sock');
    return this.locked(sk, () => type.set(sk, 'nonagle', (type.get(sk, 'nonagle') & ~clear) | set));
  }

  private setLocked(sk: Ptr, field: string, value: number): Sleepable<void> {
    return this.locked(sk, () => this.sock.set(sk, field, value));
  }

  private locked(sk: Ptr, change: () => void | Sleepable<void>): Sleepable<void> {
    return this.k.get(Socks).locked(sk, change);
  }

  private get sock(): StructType {
    return this.k.struct('sock');
  }
}
