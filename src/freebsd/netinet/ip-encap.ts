import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EINVAL } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

type Family = 'ip' | 'ip6';

/** What a tunnel attached: a struct encaptab or srcaddrtab, which only ip_encap.c knows. */
interface Entry {
  readonly family: Family;
  readonly kind: 'encapsulation' | 'source address listener';
  readonly functions: readonly Ptr[];
  readonly arg: Ptr;
}

const COOKIE_BYTES = 64;

/** Who takes packets of protocols that carry packets (sys/netinet/ip_encap.c, sys/netinet6/in6_gif.c's side of it). No packet comes yet. */
export class IpEncap implements Subsystem {
  private readonly entries = new Map<Ptr, Entry>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    ip_encap_attach: (config: Ptr, arg: Ptr) => this.attach('ip', config, arg),
    ip6_encap_attach: (config: Ptr, arg: Ptr) => this.attach('ip6', config, arg),
    ip_encap_detach: (cookie: Ptr) => this.detach('ip', 'encapsulation', cookie),
    ip6_encap_detach: (cookie: Ptr) => this.detach('ip6', 'encapsulation', cookie),
    ip_encap_register_srcaddr: (func: Ptr, arg: Ptr) => this.listen('ip', func, arg),
    ip6_encap_register_srcaddr: (func: Ptr, arg: Ptr) => this.listen('ip6', func, arg),
    ip_encap_unregister_srcaddr: (cookie: Ptr) => this.detach('ip', 'source address listener', cookie),
    ip6_encap_unregister_srcaddr: (cookie: Ptr) => this.detach('ip6', 'source address listener', cookie),
  };

  private attach(family: Family, config: Ptr, arg: Ptr): Ptr {
    if (config === 0) return 0;
    const type = this.k.struct('encap_config');
    const [lookup, check, input] = ['lookup', 'check', 'input'].map((member) => type.get(config, member));
    const byLookup = type.get(config, 'exact_match') === this.k.macro('ENCAP_DRV_LOOKUP');
    if (input === 0 || (check === 0 && lookup === 0) || (lookup !== 0) !== byLookup) return 0;
    return this.add({ family, kind: 'encapsulation', functions: [lookup, check, input], arg });
  }

  private listen(family: Family, func: Ptr, arg: Ptr): Ptr {
    if (func === 0) return 0;
    for (const [cookie, entry] of this.entries)
      if (entry.kind === 'source address listener' && entry.family === family)
        if (entry.functions[0] === func && entry.arg === arg) return cookie;
    return this.add({ family, kind: 'source address listener', functions: [func], arg });
  }

  private add(entry: Entry): Ptr {
    const cookie = this.k.slab.allocateBytes(COOKIE_BYTES, true);
    this.entries.set(cookie, entry);
    this.k.origins.note(cookie);
    return cookie;
  }

  private detach(family: Family, kind: Entry['kind'], cookie: Ptr): number {
    const entry = this.entries.get(cookie);
    if (entry?.family !== family || entry.kind !== kind) return EINVAL;
    this.entries.delete(cookie);
    this.k.origins.forget(cookie);
    this.k.slab.free(cookie);
    return 0;
  }

  *holds(): Generator<Holding> {
    for (const [at, { family, kind, functions }] of this.entries)
      yield { kind: `${family} ${kind}`, at, uses: functions, by: this.k.origins.of(at), name: () => '' };
  }
}
