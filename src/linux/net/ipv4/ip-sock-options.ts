import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Socks } from '../core/sock.js';

/** IP_PMTUDISC_DONT to IP_PMTUDISC_OMIT (include/uapi/linux/in.h). */
const LAST_PMTUDISC = 5;
/** In inet_sock.cmsg_flags (include/net/inet_sock.h). */
const IP_CMSG_PKTINFO = 1;

/** Options of IP sockets as the kernel's own users set them (net/ipv4/ip_sockglue.c). */
export class IpSocketOptions implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ip_sock_set_recverr: (sk: Ptr) => this.setFlag(sk, 'recverr'),
    ip_sock_set_freebind: (sk: Ptr) => this.setFlag(sk, 'freebind'),
    ip_sock_set_pktinfo: (sk: Ptr) => this.setPacketInfo(sk),
    ip_sock_set_mtu_discover: (sk: Ptr, value: number) => this.setMtuDiscover(sk, value),
  };

  /** A bit-field of inet_sock, or a bit of its inet_flags where a kernel keeps them there. */
  private setFlag(sk: Ptr, name: string): Sleepable<void> {
    const type = this.k.struct('inet_sock');
    return this.locked(sk, () => {
      if (type.has(name)) type.set(sk, name, 1);
      else this.setBit(sk, name);
    });
  }

  private setPacketInfo(sk: Ptr): Sleepable<void> {
    const type = this.k.struct('inet_sock');
    return this.locked(sk, () => {
      if (type.has('cmsg_flags')) type.set(sk, 'cmsg_flags', type.get(sk, 'cmsg_flags') | IP_CMSG_PKTINFO);
      else this.setBit(sk, 'pktinfo');
    });
  }

  private setBit(sk: Ptr, name: string): void {
    const type = this.k.struct('inet_sock');
    const bit = this.k.enumValue(`INET_FLAGS_${name.toUpperCase()}`);
    type.set(sk, 'inet_flags', type.get(sk, 'inet_flags') | (1 << bit));
  }

  private *setMtuDiscover(sk: Ptr, value: number): Sleepable<number> {
    if (value < 0 || value > LAST_PMTUDISC) return -EINVAL;
    yield* this.locked(sk, () => this.k.struct('inet_sock').set(sk, 'pmtudisc', value));
    return 0;
  }

  private locked(sk: Ptr, change: () => void): Sleepable<void> {
    return this.k.get(Socks).locked(sk, change);
  }
}
