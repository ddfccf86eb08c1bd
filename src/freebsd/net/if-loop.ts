import type { Ptr } from '../../cpu/layout.js';
import { EINVAL } from '../errno.js';
import { Mbufs } from '../kern/kern-mbuf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Bpf } from './bpf.js';
import { Ifnets } from './if.js';
import { Netisr } from './netisr.js';
import { SIOCADDMULTI, SIOCDELMULTI, SIOCSIFADDR, SIOCSIFFLAGS, SIOCSIFMTU } from './sockio.js';
import { Vnet } from './vnet.js';

/** LOMTU (sys/net/if_loop.c). */
const MTU = 16_384;
const DLT_NULL = 0;
const PROTOCOLS: readonly (readonly [family: string, protocol: string])[] = [
  ['AF_INET', 'NETISR_IP'],
  ['AF_INET6', 'NETISR_IPV6'],
];

/** lo0, the loopback interface, and packets that come back as they went (sys/net/if_loop.c). */
export class Loopback implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    if_simloop: (ifp: Ptr, m: Ptr, family: number, headerBytes: number) =>
      this.simulate(ifp, m, family, headerBytes),
  };

  boot(): void {
    const { k } = this;
    const net = k.struct('ifnet');
    const ifp = k.get(Ifnets).makeOwn('IFT_LOOP', 'lo', 0, (fresh) => {
      net.set(fresh, 'if_mtu', MTU);
      net.set(fresh, 'if_flags', k.macro('IFF_LOOPBACK') | k.macro('IFF_MULTICAST'));
      net.bind(fresh, 'if_ioctl', 'loioctl', (at: Ptr, request: number, data: Ptr) =>
        this.ioctl(at, request, data),
      );
    });
    k.get(Bpf).attach(ifp, DLT_NULL, net.addr(ifp, 'if_bpf'));
    k.space.storePtr(k.get(Vnet).variable('loif'), ifp);
  }

  private ioctl(ifp: Ptr, request: number, data: Ptr): number {
    const { k } = this;
    const net = k.struct('ifnet');
    switch (request >>> 0) {
      case SIOCSIFADDR:
        net.set(ifp, 'if_flags', net.get(ifp, 'if_flags') | k.macro('IFF_UP'));
        net.set(ifp, 'if_drv_flags', net.get(ifp, 'if_drv_flags') | k.macro('IFF_DRV_RUNNING'));
        return 0;
      case SIOCSIFMTU:
        net.set(ifp, 'if_mtu', k.space.load32(data + k.macro('IFNAMSIZ')));
        return 0;
      case SIOCADDMULTI:
      case SIOCDELMULTI:
      case SIOCSIFFLAGS:
        return 0;
      default:
        return EINVAL;
    }
  }

  /** if_simloop(): a packet comes in by `ifp`, of a protocol family. */
  private *simulate(ifp: Ptr, m: Ptr, family: number, headerBytes: number) {
    const { k } = this;
    const type = k.struct('mbuf');
    type.set(m, 'm_pkthdr.rcvif', ifp);
    const protocol = PROTOCOLS.find(([name]) => k.macro(name) === family)?.[1];
    if (protocol === undefined) {
      yield* k.get(Mbufs).freem(m);
      return EINVAL;
    }
    if (headerBytes > 0) {
      type.set(m, 'm_data', type.get(m, 'm_data') + headerBytes);
      type.set(m, 'm_len', type.get(m, 'm_len') - headerBytes);
      type.set(m, 'm_pkthdr.len', type.get(m, 'm_pkthdr.len') - headerBytes);
    }
    yield* k.get(Netisr).dispatch(k.macro(protocol), m);
    return 0;
  }
}
