import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import { EINVAL, ENETDOWN } from '../errno.js';
import { Epochs } from '../kern/epoch.js';
import { Mbufs } from '../kern/kern-mbuf.js';
import { SubrPrf } from '../kern/subr_prf.js';
import { MbufChains } from '../kern/uipc-mbuf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Bpf } from './bpf.js';
import { HookPointers } from './hook-pointers.js';
import { Ifnets } from './if.js';
import { IfAccessors } from './if-accessors.js';
import { Netisr } from './netisr.js';
import { SIOCGIFADDR, SIOCSIFADDR, SIOCSIFMTU } from './sockio.js';
import { Vnet } from './vnet.js';

const ADDRESS_BYTES = 6;
const ETHER_HEADER_BYTES = 14;
const MTU = 1500;
const MIN_MTU = 72;
const IF_10MBPS = 10_000_000n;
const DLT_EN10MB = 1;
const ETHERTYPES: Readonly<Record<number, string>> = {
  2048: 'NETISR_IP',
  2054: 'NETISR_ARP',
  34525: 'NETISR_IPV6',
};
const CRC_BE = 0x04c1_1db6;
const CRC_LE = 0xedb8_8320;
/** An organisation's prefix of FreeBSD's own: 58:9c:fc (OUI_FREEBSD_BASE, sys/net/ieee_oui.h), of which the last numbers are for generated addresses. */
const OUI = [0x58, 0x9c, 0xfc];

/** Ethernet's side of interfaces (sys/net/if_ethersubr.c). */
export class Ethernet implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  private get net() {
    return this.k.struct('ifnet');
  }

  readonly exports = {
    ether_ifattach: (ifp: Ptr, address: Ptr) => this.attach(ifp, address),
    ether_ifdetach: (ifp: Ptr) => this.detach(ifp),
    ether_ioctl: partly('no address of a protocol is set', (ifp: Ptr, request: number, data: Ptr) =>
      this.ioctl(ifp, request, data),
    ),
    ether_demux: (ifp: Ptr, m: Ptr) => this.demux(ifp, m),
    ether_output_frame: (ifp: Ptr, m: Ptr) => this.outputFrame(ifp, m),
    ether_crc32_be: (at: Ptr, length: number) => this.crcBig(at, length),
    ether_crc32_le: (at: Ptr, length: number) => this.crcLittle(at, length),
    ether_sprintf: (address: Ptr) => this.k.constantString(this.text(address)),
    ether_gen_addr: partly('the address is made of the name alone', (ifp: Ptr, address: Ptr) =>
      this.generate(this.k.get(Ifnets).nameOf(ifp), address),
    ),
    ether_gen_addr_byname: (name: Ptr, address: Ptr) => this.generate(this.k.space.cstring(name), address),
  };

  readonly signatures = { ether_crc32_be: 'u:pL', ether_crc32_le: 'u:pL' };

  readonly data = {
    etherbroadcastaddr: (at: Ptr) => void this.k.space.writable(at, ADDRESS_BYTES).fill(0xff),
  };

  private text(address: Ptr): string {
    const bytes = [...this.k.space.readable(address, ADDRESS_BYTES)];
    return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  }

  private *attach(ifp: Ptr, address: Ptr): Sleepable<void> {
    const { k, net } = this;
    net.set(ifp, 'if_addrlen', ADDRESS_BYTES);
    net.set(ifp, 'if_hdrlen', ETHER_HEADER_BYTES);
    net.set(ifp, 'if_mtu', MTU);
    yield* k.get(Ifnets).attach(ifp);
    net.set(ifp, 'if_output', this.output());
    net.set(ifp, 'if_input', this.input());
    if (net.getBig(ifp, 'if_baudrate') === 0n) net.setBig(ifp, 'if_baudrate', IF_10MBPS);
    net.set(ifp, 'if_broadcastaddr', k.variable('etherbroadcastaddr', ADDRESS_BYTES));
    const sdl = k.struct('ifaddr').get(net.get(ifp, 'if_addr'), 'ifa_addr');
    k.struct('sockaddr_dl').set(sdl, 'sdl_type', k.enumValue('IFT_ETHER'));
    k.struct('sockaddr_dl').set(sdl, 'sdl_alen', ADDRESS_BYTES);
    const bytes = k.space.readable(address, ADDRESS_BYTES).slice();
    k.space.writable(k.get(IfAccessors).linkAddress(ifp), ADDRESS_BYTES).set(bytes);
    k.get(Bpf).attach(ifp, DLT_EN10MB, net.addr(ifp, 'if_bpf'));
    const hook = k.get(HookPointers).get('ng_ether_attach_p');
    if (hook !== 0) yield* k.callAs('v:p', hook, ifp);
    if (bytes.some((byte) => byte !== 0))
      k.get(SubrPrf).line(`${k.get(Ifnets).nameOf(ifp)}: Ethernet address: ${this.text(address)}`);
  }

  private *detach(ifp: Ptr): Sleepable<void> {
    const { k, net } = this;
    const hook = k.get(HookPointers).get('ng_ether_detach_p');
    if (net.get(ifp, 'if_l2com') !== 0 && hook !== 0) yield* k.callAs('v:p', hook, ifp);
    k.get(Bpf).detach(ifp);
    yield* k.get(Ifnets).detach(ifp);
  }

  private *ioctl(ifp: Ptr, request: number, data: Ptr): Sleepable<number> {
    const { k, net } = this;
    const value = data + k.macro('IFNAMSIZ');
    switch (request >>> 0) {
      case SIOCSIFADDR:
        net.set(ifp, 'if_flags', net.get(ifp, 'if_flags') | k.macro('IFF_UP'));
        if (net.get(ifp, 'if_init') !== 0) yield* net.call(ifp, 'if_init', net.get(ifp, 'if_softc'));
        return 0;
      case SIOCGIFADDR:
        k.space
          .writable(value + 2, ADDRESS_BYTES)
          .set(k.space.readable(k.get(IfAccessors).linkAddress(ifp), ADDRESS_BYTES));
        return 0;
      case SIOCSIFMTU: {
        const mtu = k.space.loadInt32(value);
        if (mtu < MIN_MTU || mtu > MTU) return EINVAL;
        net.set(ifp, 'if_mtu', mtu);
        return 0;
      }
      default:
        return EINVAL;
    }
  }

  private output(): Ptr {
    const stop = (): never => {
      throw new Unimplemented('ether_output', 'packets of protocols over Ethernet');
    };
    return this.k.exports.hostFunction('ether_output for if_output', 'i:pppp', stop);
  }

  private input(): Ptr {
    return this.k.exports.hostFunction('ether_input', 'v:pp', (ifp: Ptr, m: Ptr) => this.receive(ifp, m));
  }

  /** ether_input(): packets that hang together by m_nextpkt, one by one. */
  private *receive(ifp: Ptr, first: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('mbuf');
    for (let m = first; m !== 0; ) {
      const next = type.get(m, 'm_nextpkt');
      type.set(m, 'm_nextpkt', 0);
      const vnet = this.net.get(ifp, 'if_vnet');
      yield* k.get(Vnet).within(vnet, k.get(Epochs).within(this.one(ifp, m)));
      m = next;
    }
  }

  private *one(ifp: Ptr, m: Ptr): Sleepable<void> {
    const { k, net } = this;
    const type = k.struct('mbuf');
    if ((net.get(ifp, 'if_flags') & k.macro('IFF_UP')) === 0 || type.get(m, 'm_len') < ETHER_HEADER_BYTES) {
      yield* k.get(Mbufs).freem(m);
      return;
    }
    const first = k.space.load8(type.get(m, 'm_data'));
    if (first & 1) {
      const all = [...k.space.readable(type.get(m, 'm_data'), ADDRESS_BYTES)].every((byte) => byte === 0xff);
      type.set(m, 'm_flags', type.get(m, 'm_flags') | k.macro(all ? 'M_BCAST' : 'M_MCAST'));
    }
    const hook = k.get(HookPointers).get('ng_ether_input_p');
    let packet = m;
    if (net.get(ifp, 'if_l2com') !== 0 && hook !== 0) {
      const place = k.slab.allocateBytes(8, true);
      k.space.storePtr(place, m);
      yield* k.callAs('v:pp', hook, ifp, place);
      packet = k.space.loadPtr(place);
      k.slab.free(place);
    }
    if (packet !== 0) yield* this.demux(ifp, packet);
  }

  /** ether_demux(): to the protocol of the packet's type; what nobody wants is dropped, or goes to ng_ether(4)'s orphans. */
  private *demux(ifp: Ptr, m: Ptr): Sleepable<void> {
    const { k, net } = this;
    const data = k.struct('mbuf').get(m, 'm_data');
    const ethertype = (k.space.load8(data + 12) << 8) | k.space.load8(data + 13);
    const protocol = ETHERTYPES[ethertype];
    if (protocol !== undefined) {
      k.get(MbufChains).exports.m_adj(m, ETHER_HEADER_BYTES);
      yield* k.get(Netisr).dispatch(k.macro(protocol), m);
      return;
    }
    const orphan = k.get(HookPointers).get('ng_ether_input_orphan_p');
    if (net.get(ifp, 'if_l2com') !== 0 && orphan !== 0) yield* k.callAs('v:pp', orphan, ifp, m);
    else yield* k.get(Mbufs).freem(m);
  }

  private *outputFrame(ifp: Ptr, m: Ptr): Sleepable<number> {
    const { k, net } = this;
    if ((net.get(ifp, 'if_flags') & k.macro('IFF_UP')) === 0) {
      yield* k.get(Mbufs).freem(m);
      return ENETDOWN;
    }
    return yield* net.call(ifp, 'if_transmit', ifp, m);
  }

  private crcBig(at: Ptr, length: number): number {
    let crc = 0xffff_ffff;
    for (const byte of this.k.space.readable(at, length))
      for (let bit = 0, data = byte; bit < 8; bit++, data >>= 1) {
        const carry = (crc & 0x8000_0000 ? 1 : 0) ^ (data & 1);
        crc <<= 1;
        if (carry) crc = (crc ^ CRC_BE) | carry;
      }
    return crc >>> 0;
  }

  private crcLittle(at: Ptr, length: number): number {
    let crc = 0xffff_ffff;
    for (const byte of this.k.space.readable(at, length))
      for (let bit = 0, data = byte; bit < 8; bit++, data >>= 1) {
        const carry = (crc ^ data) & 1;
        crc >>>= 1;
        if (carry) crc = (crc ^ CRC_LE) >>> 0;
      }
    return crc >>> 0;
  }

  /** An address for an interface that has none of its own; the kernel takes it from a digest of the host's identity. */
  private generate(name: string, to: Ptr): void {
    let digest = 0;
    for (const char of name) digest = (Math.imul(digest, 33) + char.charCodeAt(0)) >>> 0;
    const low = [(digest >> 16) & 0x7f, (digest >> 8) & 0xff, digest & 0xff];
    this.k.space.writable(to, ADDRESS_BYTES).set([...OUI, ...low]);
  }
}
