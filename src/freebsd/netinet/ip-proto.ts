import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, ENOENT, EPROTONOSUPPORT } from '../errno.js';
import type { Subsystem } from '../subsystem.js';

type Family = 'IPv4' | 'IPv6';

interface Protocol {
  readonly input: Ptr;
  readonly control: Ptr;
}

/** Protocols on top of IP that the kernel has itself (those that in_init() and ip6_init() register). */
const OWN: readonly number[] = [1, 2, 4, 6, 17, 41, 46, 47, 58, 103, 132, 136];

/** ip_protox and ip6_protox: who takes packets of a protocol of IP (sys/netinet/ip_input.c, sys/netinet6/ip6_input.c). No packet comes yet. */
export class IpProtocols implements Subsystem {
  private readonly protocols: Readonly<Record<Family, Map<number, Protocol>>> = {
    IPv4: new Map(),
    IPv6: new Map(),
  };

  readonly exports = {
    ipproto_register: (protocol: number, input: Ptr, control: Ptr) =>
      this.register('IPv4', protocol, input, control),
    ipproto_unregister: (protocol: number) => this.unregister('IPv4', protocol),
    ip6proto_register: (protocol: number, input: Ptr, control: Ptr) =>
      this.register('IPv6', protocol, input, control),
    ip6proto_unregister: (protocol: number) => this.unregister('IPv6', protocol),
  };

  readonly signatures = {
    ipproto_register: 'i:Cpp',
    ipproto_unregister: 'i:C',
    ip6proto_register: 'i:Cpp',
    ip6proto_unregister: 'i:C',
  };

  private register(family: Family, protocol: number, input: Ptr, control: Ptr): number {
    if (protocol === 0) return EPROTONOSUPPORT;
    if (OWN.includes(protocol) || this.protocols[family].has(protocol)) return EEXIST;
    this.protocols[family].set(protocol, { input, control });
    return 0;
  }

  private unregister(family: Family, protocol: number): number {
    if (protocol === 0) return EPROTONOSUPPORT;
    return this.protocols[family].delete(protocol) ? 0 : ENOENT;
  }

  *holds(): Generator<Holding> {
    for (const [family, protocols] of Object.entries(this.protocols))
      for (const [number, { input, control }] of protocols)
        yield { kind: `${family} protocol`, at: number, uses: [input, control], name: () => `${number}` };
  }
}
