import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Kinds of IPv6 addresses (include/net/ipv6.h, IPV6_ADDR_*). */
const UNICAST = 0x0001;
const MULTICAST = 0x0002;
const LOOPBACK = 0x0010;
const LINKLOCAL = 0x0020;
const SITELOCAL = 0x0040;
const COMPATV4 = 0x0080;
const MAPPED = 0x1000;
const RESERVED = 0x2000;
const ADDR_ANY = 0;
/** Scopes, in bits 16 and up of the type (__IPV6_ADDR_SCOPE_*). */
const NODELOCAL = 0x01 << 16;
const LINK = 0x02 << 16;
const SITE = 0x05 << 16;
const GLOBAL = 0x0e << 16;

/** IPv6 as such: it is on, and what kind an address is (net/ipv6/af_inet6.c, addrconf_core.c). */
export class Ipv6 implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ipv6_mod_enabled: () => !/(^|\s)ipv6\.disable=1(\s|$)/.test(this.k.cmdline),
    __ipv6_addr_type: (address: Ptr) => this.type(address),
  };

  readonly data = {
    in6addr_any: (at: Ptr) => this.fill(at, {}),
    in6addr_loopback: (at: Ptr) => this.fill(at, { 15: 1 }),
    in6addr_linklocal_allnodes: (at: Ptr) => this.fill(at, { 0: 0xff, 1: 2, 15: 1 }),
    in6addr_linklocal_allrouters: (at: Ptr) => this.fill(at, { 0: 0xff, 1: 2, 15: 2 }),
    in6addr_interfacelocal_allnodes: (at: Ptr) => this.fill(at, { 0: 0xff, 1: 1, 15: 1 }),
    in6addr_interfacelocal_allrouters: (at: Ptr) => this.fill(at, { 0: 0xff, 1: 1, 15: 2 }),
    in6addr_sitelocal_allrouters: (at: Ptr) => this.fill(at, { 0: 0xff, 1: 5, 15: 2 }),
  };

  private fill(at: Ptr, bytes: Readonly<Record<number, number>>): void {
    const address = this.k.space.writable(at, 16);
    for (const [index, byte] of Object.entries(bytes)) address[Number(index)] = byte;
  }

  /** RFC 4291's kinds of addresses, with their scopes. */
  type(at: Ptr): number {
    const a = this.k.space.readable(at, 16);
    const high = (a[0] << 8) | a[1];
    if ((a[0] & 0xe0) !== 0 && (a[0] & 0xe0) !== 0xe0) return UNICAST | GLOBAL;
    if (a[0] === 0xff) return MULTICAST | this.multicastScope(a[1]);
    if ((high & 0xffc0) === 0xfe80) return LINKLOCAL | UNICAST | LINK;
    if ((high & 0xffc0) === 0xfec0) return SITELOCAL | UNICAST | SITE;
    if ((a[0] & 0xfe) === 0xfc) return UNICAST | GLOBAL;
    if (a.subarray(0, 8).every((byte) => byte === 0)) {
      const tail = a.subarray(12);
      if (a.subarray(8, 12).every((byte) => byte === 0)) {
        if (tail.every((byte) => byte === 0)) return ADDR_ANY;
        if (tail[0] === 0 && tail[1] === 0 && tail[2] === 0 && tail[3] === 1)
          return LOOPBACK | UNICAST | LINK;
        return COMPATV4 | UNICAST | GLOBAL;
      }
      if (a[8] === 0 && a[9] === 0 && a[10] === 0xff && a[11] === 0xff) return MAPPED | GLOBAL;
    }
    return UNICAST | RESERVED | GLOBAL;
  }

  private multicastScope(flags: number): number {
    switch (flags & 0x0f) {
      case 1:
        return LOOPBACK | NODELOCAL;
      case 2:
        return LINKLOCAL | LINK;
      case 5:
        return SITELOCAL | SITE;
      default:
        return (flags & 0x0f) << 16;
    }
  }
}
