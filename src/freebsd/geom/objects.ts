import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { ENXIO } from '../errno.js';
import { Devstat } from '../kern/devstat.js';
import { Malloc } from '../kern/malloc.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { GeomEvents } from './events.js';
import { GeomLinks } from './links.js';
import { GeomTopology } from './topology.js';

/** Methods that a geom has from its class until it gets others. */
const METHODS = [
  'start',
  'spoiled',
  'attrchanged',
  'dumpconf',
  'access',
  'orphan',
  'ioctl',
  'providergone',
  'resize',
] as const;

/** _PATH_DEV */
export const DEV = '/dev/';

/** Geoms, their providers and consumers: how they come and go (sys/geom/geom_subr.c). */
export class GeomObjects implements Subsystem {
  readonly links: GeomLinks;
  /** Head of the list of classes: g_classes. */
  readonly classesHead: Ptr;
  /** Offers a new provider to the classes; set by who knows these. */
  tasteLater: (provider: Ptr, geom: Ptr) => void = () => {};
  /** Tells somebody's consumers that it is not attached any more; set by who attaches. */
  detach: (consumer: Ptr) => void = () => {};

  constructor(private readonly k: FreebsdKernel) {
    this.links = new GeomLinks(k);
    this.classesHead = k.permanent(8);
  }

  readonly exports = {
    g_new_geomf: (type: Ptr, format: Ptr, args: VarArgs) =>
      this.newGeom(type, this.k.get(SubrPrf).text(format, args)),
    g_destroy_geom: (geom: Ptr) => this.destroyGeom(geom),
    g_new_consumer: (geom: Ptr) => this.newConsumer(geom),
    g_destroy_consumer: (consumer: Ptr) => this.destroyConsumer(consumer),
    g_new_providerf: (geom: Ptr, format: Ptr, args: VarArgs) =>
      this.newProvider(geom, this.k.get(SubrPrf).text(format, args)),
    g_destroy_provider: (provider: Ptr) => this.destroyProvider(provider),
    g_provider_add_alias: (provider: Ptr, format: Ptr, args: VarArgs) =>
      this.addAlias(provider, this.k.get(SubrPrf).text(format, args)),
    g_error_provider: (provider: Ptr, error: number) => this.provider.set(provider, 'error', error),
    g_wither_geom: (geom: Ptr, error: number) => this.witherGeom(geom, error),
    g_wither_provider: (provider: Ptr, error: number) => this.witherProvider(provider, error),
    g_orphan_provider: (provider: Ptr, error: number) => this.orphan(provider, error),
    g_provider_by_name: (name: Ptr) => this.providerNamed(this.k.space.cstring(name)) ?? 0,
    g_compare_names: (one: Ptr, other: Ptr) =>
      Number(withoutDev(this.k.space.cstring(one)) === withoutDev(this.k.space.cstring(other))),
  };

  boot(): void {
    this.k.get(GeomEvents).wash = () => this.wash();
  }

  get geom() {
    return this.k.struct('g_geom');
  }

  get provider() {
    return this.k.struct('g_provider');
  }

  get consumer() {
    return this.k.struct('g_consumer');
  }

  private get topology(): GeomTopology {
    return this.k.get(GeomTopology);
  }

  /** Classes, the last that came first. */
  *classes(): Generator<Ptr> {
    yield* this.links.classes.elements(this.classesHead);
  }

  nameOf(geom: Ptr): string {
    return this.geom.string(geom, 'name');
  }

  private allocate(bytes: number): Ptr {
    const { k } = this;
    return k.get(Malloc).malloc(bytes, k.variable('M_GEOM'), k.macro('M_WAITOK') | k.macro('M_ZERO'));
  }

  private free(at: Ptr): void {
    this.k.get(Malloc).free(at, this.k.variable('M_GEOM'));
  }

  newGeom(type: Ptr, name: string): Ptr {
    const { k, geom } = this;
    this.topology.assert('g_new_geomf');
    const at = this.allocate(geom.size);
    const text = this.allocate(name.length + 1);
    k.space.storeCstring(text, name);
    geom.set(at, 'name', text);
    geom.set(at, 'class', type);
    geom.set(at, 'rank', 1);
    for (const method of METHODS) geom.set(at, method, k.struct('g_class').get(type, method));
    this.links.addGeom(type, at);
    k.origins.note(at);
    return at;
  }

  *destroyGeom(at: Ptr): Sleepable<void> {
    const { k, geom, topology } = this;
    topology.assert('g_destroy_geom');
    const name = this.nameOf(at);
    const left = (kind: string, member: string): string =>
      `g_destroy_geom(${name}) with ${kind}(s) [0x${k.space.toAddress(geom.get(at, member)).toString(16)}]`;
    topology.demand(geom.get(at, 'consumer.lh_first') === 0, () => left('consumer', 'consumer.lh_first'));
    topology.demand(geom.get(at, 'provider.lh_first') === 0, () => left('provider', 'provider.lh_first'));
    yield* k.get(GeomEvents).cancel(at);
    this.links.removeGeom(at);
    k.origins.forget(at);
    this.free(geom.get(at, 'name'));
    this.free(at);
  }

  newConsumer(geom: Ptr): Ptr {
    const { k, consumer, topology } = this;
    topology.assert('g_new_consumer');
    const where = (): string => `on geom(${this.nameOf(geom)}) (class ${this.className(geom)})`;
    topology.demand(
      !this.has(geom, 'G_GEOM_WITHER'),
      () => `g_new_consumer on WITHERing ${where().slice(3)}`,
    );
    topology.demand(this.geom.get(geom, 'orphan') !== 0, () => `g_new_consumer ${where()} without orphan`);
    const at = this.allocate(consumer.size);
    consumer.set(at, 'geom', geom);
    consumer.set(at, 'stat', k.get(Devstat).newEntry(at));
    this.links.addConsumer(geom, at);
    k.origins.note(at);
    return at;
  }

  className(geom: Ptr): string {
    return this.k.struct('g_class').string(this.geom.get(geom, 'class'), 'name');
  }

  *destroyConsumer(at: Ptr): Sleepable<void> {
    const { k, consumer, topology } = this;
    topology.assert('g_destroy_consumer');
    topology.demand(consumer.get(at, 'provider') === 0, () => 'g_destroy_consumer but attached');
    for (const count of ['acr', 'acw', 'ace'])
      topology.demand(consumer.get(at, count) === 0, () => `g_destroy_consumer with ${count}`);
    yield* k.get(GeomEvents).cancel(at);
    const geom = consumer.get(at, 'geom');
    this.links.removeConsumer(at);
    k.get(Devstat).removeEntry(consumer.get(at, 'stat'));
    k.origins.forget(at);
    this.free(at);
    if (this.has(geom, 'G_GEOM_WITHER')) k.get(GeomEvents).doWither();
  }

  newProvider(geom: Ptr, name: string): Ptr {
    const { k, provider, topology } = this;
    topology.assert('g_new_providerf');
    const where = (): string => `geom(${this.nameOf(geom)}) (class ${this.className(geom)})`;
    for (const method of ['access', 'start'])
      topology.demand(this.geom.get(geom, method) !== 0, () => {
        const [of, type] = [`geom(${this.nameOf(geom)})`, `(class ${this.className(geom)})`];
        return `new provider on ${of} without ->${method} ${type}`;
      });
    topology.demand(!this.has(geom, 'G_GEOM_WITHER'), () => `new provider on WITHERing ${where()}`);
    const at = this.allocate(provider.size + name.length + 1);
    k.space.storeCstring(at + provider.size, name);
    provider.set(at, 'name', at + provider.size);
    provider.set(at, 'error', ENXIO);
    provider.set(at, 'geom', geom);
    provider.set(at, 'stat', k.get(Devstat).newEntry(at));
    this.links.addProvider(geom, at);
    k.origins.note(at);
    this.tasteLater(at, geom);
    return at;
  }

  *destroyProvider(at: Ptr): Sleepable<void> {
    const { k, provider, topology } = this;
    topology.assert('g_destroy_provider');
    topology.demand(provider.get(at, 'consumers.lh_first') === 0, () => 'g_destroy_provider but attached');
    for (const count of ['acr', 'acw', 'ace'])
      topology.demand(provider.get(at, count) === 0, () => `g_destroy_provider with ${count}`);
    yield* k.get(GeomEvents).cancel(at);
    this.links.removeProvider(at);
    const geom = provider.get(at, 'geom');
    k.get(Devstat).removeEntry(provider.get(at, 'stat'));
    if (this.geom.get(geom, 'providergone') !== 0) yield* this.geom.call(geom, 'providergone', at);
    for (const alias of [...this.aliasesOf(at)]) this.free(alias);
    k.origins.forget(at);
    this.free(at);
    if (this.has(geom, 'G_GEOM_WITHER')) k.get(GeomEvents).doWither();
  }

  /** Structs g_geom_alias of a provider. */
  private *aliasesOf(provider: Ptr): Generator<Ptr> {
    const alias = this.k.struct('g_geom_alias');
    for (let at = this.provider.get(provider, 'aliases.lh_first'); at !== 0; ) {
      const next = alias.get(at, 'ga_next.le_next');
      yield at;
      at = next;
    }
  }

  /** Other names of a provider. */
  *aliases(provider: Ptr): Generator<string> {
    for (const at of this.aliasesOf(provider)) yield this.k.struct('g_geom_alias').string(at, 'ga_alias');
  }

  addAlias(provider: Ptr, name: string): void {
    const { k } = this;
    for (const known of this.aliases(provider)) if (known === name) return;
    const alias = k.struct('g_geom_alias');
    const at = this.allocate(alias.size + name.length + 1);
    k.space.storeCstring(at + alias.size, name);
    alias.set(at, 'ga_alias', at + alias.size);
    const first = this.provider.get(provider, 'aliases.lh_first');
    alias.set(at, 'ga_next.le_next', first);
    this.provider.set(provider, 'aliases.lh_first', at);
  }

  /** Flags of a geom (G_GEOM_...) or a provider (G_PF_...). */
  has(at: Ptr, flag: string): boolean {
    const type = flag.startsWith('G_GEOM_')
      ? this.geom
      : flag.startsWith('G_PF_')
        ? this.provider
        : this.consumer;
    return (type.get(at, 'flags') & this.k.macro(flag)) !== 0;
  }

  put(at: Ptr, flag: string, value = true): void {
    const type = flag.startsWith('G_GEOM_')
      ? this.geom
      : flag.startsWith('G_PF_')
        ? this.provider
        : this.consumer;
    const flags = type.get(at, 'flags');
    type.set(at, 'flags', value ? flags | this.k.macro(flag) : flags & ~this.k.macro(flag));
  }

  /** Whether a consumer or a provider is open. */
  isOpen(type: 'g_consumer' | 'g_provider', at: Ptr): boolean {
    return ['acr', 'acw', 'ace'].some((count) => this.k.struct(type).get(at, count) !== 0);
  }

  /** g_orphan_provider(). */
  orphan(at: Ptr, error: number): void {
    const { provider, topology } = this;
    const name = (): string =>
      `g_orphan_provider(0x${this.k.space.toAddress(at).toString(16)}(${provider.string(at, 'name')})`;
    topology.demand(error !== 0, () => `${name()}, 0) error must be non-zero\n`);
    topology.demand(!this.has(at, 'G_PF_ORPHAN'), () => `${name()}) already an orphan`);
    provider.set(at, 'error', error);
    this.put(at, 'G_PF_ORPHAN');
    this.k.get(GeomEvents).leaveOrphan(at);
  }

  witherGeom(at: Ptr, error: number): void {
    this.topology.assert('g_wither_geom');
    if (!this.has(at, 'G_GEOM_WITHER')) {
      this.put(at, 'G_GEOM_WITHER');
      for (const provider of this.links.providers(at))
        if (!this.has(provider, 'G_PF_ORPHAN')) this.orphan(provider, error);
    }
    this.k.get(GeomEvents).doWither();
  }

  witherProvider(at: Ptr, error: number): void {
    this.put(at, 'G_PF_WITHER');
    if (!this.has(at, 'G_PF_ORPHAN')) this.orphan(at, error);
  }

  /** g_wither_washer(). */
  private *wash(): Sleepable<void> {
    for (const type of this.classes()) for (const geom of this.links.geoms(type)) yield* this.washGeom(geom);
  }

  private *washGeom(geom: Ptr): Sleepable<void> {
    const { links, consumer } = this;
    const withers = this.has(geom, 'G_GEOM_WITHER');
    for (const at of links.providers(geom))
      if ((withers || this.has(at, 'G_PF_WITHER')) && this.provider.get(at, 'consumers.lh_first') === 0)
        yield* this.destroyProvider(at);
    if (!withers) return;
    for (const at of links.consumers(geom)) {
      if (this.isOpen('g_consumer', at)) continue;
      if (consumer.get(at, 'provider') !== 0) this.detach(at);
      yield* this.destroyConsumer(at);
    }
    if (this.geom.get(geom, 'provider.lh_first') === 0 && this.geom.get(geom, 'consumer.lh_first') === 0)
      yield* this.destroyGeom(geom);
  }

  /** Every provider, in the order in which they are looked for. */
  *providers(): Generator<Ptr> {
    for (const type of this.classes())
      for (const geom of this.links.geoms(type)) yield* this.links.providers(geom);
  }

  /** g_provider_by_name(): /dev/ may stand before it; one that withers only where there is no other. */
  providerNamed(given: string): Ptr | undefined {
    const name = withoutDev(given);
    let withering: Ptr | undefined;
    for (const at of this.providers()) {
      if (this.provider.string(at, 'name') !== name) continue;
      const withers = this.has(at, 'G_PF_WITHER') || this.has(this.provider.get(at, 'geom'), 'G_GEOM_WITHER');
      if (!withers) return at;
      withering = at;
    }
    return withering;
  }

  *holds(): Generator<Holding> {
    const { k, geom, provider, consumer } = this;
    for (const type of this.classes())
      for (const at of this.links.geoms(type)) {
        const uses = [type, ...METHODS.map((method) => geom.get(at, method))];
        const of = { uses, by: k.origins.of(at) };
        yield { kind: 'geom', at, ...of, name: () => this.nameOf(at) };
        for (const one of this.links.providers(at))
          yield { kind: 'GEOM provider', at: one, ...of, name: () => provider.string(one, 'name') };
        for (const one of this.links.consumers(at)) {
          const to = consumer.get(one, 'provider');
          const name = (): string =>
            to === 0 ? this.nameOf(at) : `${this.nameOf(at)} of ${provider.string(to, 'name')}`;
          yield { kind: 'GEOM consumer', at: one, ...of, name };
        }
      }
  }
}

/** _PATH_DEV before a name is no part of it. */
export function withoutDev(name: string): string {
  return name.startsWith(DEV) ? name.slice(DEV.length) : name;
}
