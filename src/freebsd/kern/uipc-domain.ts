import type { Ptr } from '../../cpu/layout.js';
import { runNow, type Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, ENOMEM, EOPNOTSUPP } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Members of struct protosw that a protocol may leave out: what is done then is EOPNOTSUPP. */
const OPTIONAL = [
  'pr_accept',
  'pr_aio_queue',
  'pr_attach',
  'pr_bind',
  'pr_bindat',
  'pr_connect',
  'pr_connect2',
  'pr_connectat',
  'pr_control',
  'pr_disconnect',
  'pr_listen',
  'pr_peeraddr',
  'pr_rcvd',
  'pr_rcvoob',
  'pr_send',
  'pr_ready',
  'pr_shutdown',
  'pr_sockaddr',
  'pr_sense',
  'pr_ctloutput',
] as const;
/** The first pointer of a domain's table of protocols: dom_protosw[]. */
const TABLE = 'dom_protosw';
export const SLOT_BYTES = 8;
/** Slots that inetdomain and inet6domain have for protocols of modules (IPPROTOSPACER). */
const PROTOCOL_SLOTS = 32;

/** Protocol families and their protocols (sys/kern/uipc_domain.c). */
export class Domains implements Subsystem {
  private readonly list: Ptr[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    domain_add: (domain: Ptr) => this.add(domain),
    domain_remove: (domain: Ptr) => this.remove(domain),
    protosw_register: (domain: Ptr, protocol: Ptr) => this.register(domain, protocol),
    protosw_unregister: (protocol: Ptr) => this.unregister(protocol),
    pffindproto: (family: number, type: number, protocol: number) => this.find(family, type, protocol) ?? 0,
  };

  readonly data = {
    domains: () => {},
    domain_init_status: (at: Ptr) => this.k.space.store32(at, 2),
  };

  /** inet and inet6, whose own protocols are not here: there is room for those of modules. */
  boot(): void {
    for (const [name, family] of [
      ['inetdomain', 'AF_INET'],
      ['inet6domain', 'AF_INET6'],
    ]) {
      const { k } = this;
      const type = k.struct('domain');
      const at = k.variable(name, type.size + PROTOCOL_SLOTS * SLOT_BYTES);
      type.set(at, 'dom_family', k.macro(family));
      type.set(at, 'dom_name', k.constantString(family === 'AF_INET' ? 'internet' : 'internet6'));
      type.set(at, 'dom_nprotosw', PROTOCOL_SLOTS);
      runNow(this.add(at));
    }
  }

  private slots(domain: Ptr): Ptr[] {
    const type = this.k.struct('domain');
    const first = type.addr(domain, TABLE);
    return Array.from({ length: type.get(domain, 'dom_nprotosw') }, (_, i) => first + i * SLOT_BYTES);
  }

  /** domain_add(). */
  *add(domain: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('domain');
    // An error number: there is nothing on this machine for it.
    if (type.get(domain, 'dom_probe') !== 0 && (yield* type.call(domain, 'dom_probe')) !== 0) return;
    for (const slot of this.slots(domain)) {
      const protocol = k.space.loadPtr(slot);
      if (protocol !== 0) this.complete(domain, protocol);
    }
    this.list.unshift(domain);
    this.relink();
  }

  /** What a protocol has not given is filled in. */
  private complete(domain: Ptr, protocol: Ptr): void {
    const { k } = this;
    const type = k.struct('protosw');
    type.set(protocol, 'pr_domain', domain);
    for (const member of OPTIONAL)
      if (type.get(protocol, member) === 0)
        type.bind(protocol, member, `${member}_notsupp`, () => EOPNOTSUPP);
    if (type.get(protocol, 'pr_sosend') === 0) type.set(protocol, 'pr_sosend', k.fn('sosend_generic'));
    if (type.get(protocol, 'pr_soreceive') === 0)
      type.set(protocol, 'pr_soreceive', k.fn('soreceive_generic'));
    if (type.get(protocol, 'pr_sopoll') === 0) type.set(protocol, 'pr_sopoll', k.fn('sopoll_generic'));
  }

  /** `domains`, an SLIST that begins with the last one that came. */
  private relink(): void {
    const { k } = this;
    const offset = k.struct('domain').offsetOf('dom_next');
    let at = k.variable('domains', SLOT_BYTES);
    for (const domain of this.list) {
      k.space.storePtr(at, domain);
      at = domain + offset;
    }
    k.space.storePtr(at, 0);
  }

  private remove(domain: Ptr): void {
    const type = this.k.struct('domain');
    if ((type.get(domain, 'dom_flags') & this.k.macro('DOMF_UNLOADABLE')) === 0) return;
    const at = this.list.indexOf(domain);
    if (at < 0) return;
    this.list.splice(at, 1);
    this.relink();
  }

  private register(domain: Ptr, protocol: Ptr): number {
    const { k } = this;
    const type = k.struct('protosw');
    const wanted = ['pr_type', 'pr_protocol'].map((member) => type.get(protocol, member));
    let free: Ptr | undefined;
    for (const slot of this.slots(domain)) {
      const known = k.space.loadPtr(slot);
      if (known === 0) free ??= slot;
      else if (type.get(known, 'pr_type') === wanted[0] && type.get(known, 'pr_protocol') === wanted[1])
        return EEXIST;
    }
    if (free === undefined) return ENOMEM;
    k.space.storePtr(free, protocol);
    this.complete(domain, protocol);
    return 0;
  }

  private unregister(protocol: Ptr): number {
    const { k } = this;
    const domain = k.struct('protosw').get(protocol, 'pr_domain');
    for (const slot of this.slots(domain)) if (k.space.loadPtr(slot) === protocol) k.space.storePtr(slot, 0);
    k.struct('protosw').set(protocol, 'pr_domain', 0);
    return 0;
  }

  family(family: number): Ptr | undefined {
    return this.list.find((domain) => this.k.struct('domain').get(domain, 'dom_family') === family);
  }

  /** The protocol of a socket(2): of that number, or with 0 the first of its type. */
  find(family: number, type: number, protocol: number): Ptr | undefined {
    const { k } = this;
    const domain = this.family(family);
    if (domain === undefined) return undefined;
    const struct = k.struct('protosw');
    return this.slots(domain)
      .map((slot) => k.space.loadPtr(slot))
      .find(
        (one) =>
          one !== 0 &&
          struct.get(one, 'pr_type') === type &&
          (protocol === 0 || struct.get(one, 'pr_protocol') === protocol),
      );
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const at of this.list) {
      const protocols = this.slots(at)
        .map((slot) => k.space.loadPtr(slot))
        .filter((one) => one !== 0);
      yield {
        kind: 'protocol family',
        at,
        uses: protocols,
        name: () => k.struct('domain').string(at, 'dom_name'),
      };
    }
  }
}
