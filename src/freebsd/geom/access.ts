import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ELOOP, ENXIO, EPERM } from '../errno.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { GeomEvents } from './events.js';
import { GeomObjects } from './objects.js';
import { GeomTopology } from './topology.js';

const COUNTS = ['acr', 'acw', 'ace'] as const;
type Change = readonly [read: number, write: number, exclusive: number];

/** Consumers that are attached to providers, and open them (sys/geom/geom_subr.c). */
export class GeomAccess implements Subsystem {
  /** A provider that nobody writes to any more is tasted again; set by who tastes. */
  retaste: (provider: Ptr) => void = () => {};

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    g_attach: (consumer: Ptr, provider: Ptr) => this.attach(consumer, provider),
    g_detach: (consumer: Ptr) => this.detach(consumer),
    g_access: (consumer: Ptr, read: number, write: number, exclusive: number) =>
      this.access(consumer, [read, write, exclusive]),
    g_spoil: (provider: Ptr, consumer: Ptr) => this.spoil(provider, consumer),
    g_wither_geom_close: (geom: Ptr, error: number) => this.witherGeomClose(geom, error),
    g_std_access: () => {
      this.topology.assert('g_std_access');
      return 0;
    },
    g_std_spoiled: (consumer: Ptr) => this.stdSpoiled(consumer),
  };

  boot(): void {
    this.objects.detach = (consumer) => this.detach(consumer);
    this.k.get(GeomEvents).orphan = (provider) => this.tellOrphans(provider);
  }

  private get objects(): GeomObjects {
    return this.k.get(GeomObjects);
  }

  private get topology(): GeomTopology {
    return this.k.get(GeomTopology);
  }

  /** 0, ENXIO for a provider that goes, ELOOP where a geom would stand on itself. */
  attach(at: Ptr, to: Ptr): number {
    const { objects, topology } = this;
    const { consumer, provider, links } = objects;
    topology.assert('g_attach');
    topology.demand(consumer.get(at, 'provider') === 0, () => 'attach but attached');
    if (objects.has(to, 'G_PF_ORPHAN') || objects.has(to, 'G_PF_WITHER')) return ENXIO;
    const own = consumer.get(at, 'geom');
    if (this.standsOn(provider.get(to, 'geom'), own)) return ELOOP;
    consumer.set(at, 'provider', to);
    objects.put(at, 'G_CF_ORPHAN', false);
    links.attach(at, to);
    this.rank(own);
    return 0;
  }

  /** Whether a geom is another, or gets its data from it. */
  private standsOn(geom: Ptr, other: Ptr): boolean {
    if (geom === other) return true;
    const { links, consumer, provider } = this.objects;
    for (const at of links.consumers(geom)) {
      const to = consumer.get(at, 'provider');
      if (to !== 0 && this.standsOn(provider.get(to, 'geom'), other)) return true;
    }
    return false;
  }

  /** redo_rank(): one more than the highest below, and likewise above. */
  private rank(geom: Ptr): void {
    const { links, consumer, provider, geom: type } = this.objects;
    let rank = 1;
    for (const at of links.consumers(geom)) {
      const to = consumer.get(at, 'provider');
      if (to !== 0) rank = Math.max(rank, type.get(provider.get(to, 'geom'), 'rank') + 1);
    }
    if (type.get(geom, 'rank') === rank) return;
    type.set(geom, 'rank', rank);
    for (const of of links.providers(geom))
      for (const above of links.attached(of)) this.rank(consumer.get(above, 'geom'));
  }

  detach(at: Ptr): void {
    const { objects, topology } = this;
    const { consumer, provider, links } = objects;
    topology.assert('g_detach');
    topology.demand(consumer.get(at, 'provider') !== 0, () => 'detach but not attached');
    for (const count of COUNTS)
      topology.demand(consumer.get(at, count) === 0, () => `detach but nonzero ${count}`);
    topology.demand(
      consumer.get(at, 'nstart') === consumer.get(at, 'nend'),
      () => 'detach with active requests',
    );
    const from = consumer.get(at, 'provider');
    const geom = consumer.get(at, 'geom');
    links.detach(at);
    consumer.set(at, 'provider', 0);
    const withers =
      objects.has(geom, 'G_GEOM_WITHER') ||
      objects.has(provider.get(from, 'geom'), 'G_GEOM_WITHER') ||
      objects.has(from, 'G_PF_WITHER');
    if (withers) this.k.get(GeomEvents).doWither();
    this.rank(geom);
  }

  /** g_access(): changes how often a consumer has its provider open. An error number of GEOM's, or of the provider's geom. */
  *access(at: Ptr, change: Change): Sleepable<number> {
    const { objects, topology } = this;
    const { consumer, provider, geom } = objects;
    topology.assert('g_access');
    const to = consumer.get(at, 'provider');
    topology.demand(to !== 0, () => 'access but not attached');
    for (const [i, count] of COUNTS.entries())
      topology.demand(
        consumer.get(at, count) + change[i] >= 0,
        () => `access resulting in negative ${count}`,
      );
    topology.demand(
      change.some((one) => one !== 0),
      () => 'NOP access request',
    );
    topology.demand(
      COUNTS.some((count, i) => consumer.get(at, count) + change[i] !== 0) ||
        consumer.get(at, 'nstart') === consumer.get(at, 'nend'),
      () => 'Last close with active requests',
    );
    const own = consumer.get(at, 'geom');
    const opens = change.some((one) => one > 0);
    if (geom.get(own, 'spoiled') !== 0 && objects.has(at, 'G_CF_SPOILED') && opens) return ENXIO;
    const of = provider.get(to, 'geom');
    while (objects.has(of, 'G_GEOM_IN_ACCESS')) {
      objects.put(of, 'G_GEOM_ACCESS_WAIT');
      yield* topology.sleep(of, 0);
    }
    const refused = this.refusal(at, to, change, opens);
    if (refused !== 0) return refused;
    objects.put(of, 'G_GEOM_IN_ACCESS');
    const error = yield* geom.call(of, 'access', to, ...change);
    topology.demand(opens || error === 0, () => {
      const counts = `dcr=${change[0]} dcw=${change[1]} dce=${change[2]}`;
      const name = `${objects.className(of)}::${provider.string(to, 'name')}`;
      return `Geom provider ${name} ${counts} error=${error} failed closing ->access()`;
    });
    topology.assert('g_access');
    objects.put(of, 'G_GEOM_IN_ACCESS', false);
    if (objects.has(of, 'G_GEOM_ACCESS_WAIT')) {
      objects.put(of, 'G_GEOM_ACCESS_WAIT', false);
      this.k.get(SleepQueues).wakeAll(of);
    }
    if (error === 0) this.count(at, to, change);
    return error;
  }

  private refusal(at: Ptr, to: Ptr, [, write, exclusive]: Change, opens: boolean): number {
    const { consumer, provider, geom } = this.objects;
    const others = (count: string): number => provider.get(to, count) - consumer.get(at, count);
    const foot = this.topology.debugs('G_F_FOOTSHOOTING') && geom.get(provider.get(to, 'geom'), 'rank') === 1;
    if (foot) return 0;
    if (exclusive > 0 && others('acw') > 0) return EPERM;
    if (write > 0 && others('ace') > 0) return EPERM;
    const error = provider.get(to, 'error');
    if (!opens || error === 0) return 0;
    const name = provider.string(to, 'name');
    this.k.get(SubrPrf).line(`g_access(): provider ${name} has error ${error} set`);
    return error;
  }

  /** The first who writes spoils it for the others; after the last it is tasted again. */
  private count(at: Ptr, to: Ptr, change: Change): void {
    const { objects } = this;
    const { consumer, provider } = objects;
    const [, write] = change;
    const writers = provider.get(to, 'acw');
    const of = provider.get(to, 'geom');
    if (writers === 0 && write !== 0) this.spoil(to, at);
    else if (
      writers !== 0 &&
      writers === -write &&
      provider.get(to, 'error') === 0 &&
      !objects.has(of, 'G_GEOM_WITHER')
    )
      this.retaste(to);
    for (const [i, name] of COUNTS.entries()) {
      provider.set(to, name, provider.get(to, name) + change[i]);
      consumer.set(at, name, consumer.get(at, name) + change[i]);
    }
    this.topology.demand(
      !objects.isOpen('g_provider', to) || provider.get(to, 'sectorsize') > 0,
      () => `Provider ${provider.string(to, 'name')} lacks sectorsize`,
    );
    const own = consumer.get(at, 'geom');
    if (objects.has(own, 'G_GEOM_WITHER') && !objects.isOpen('g_consumer', at))
      this.k.get(GeomEvents).doWither();
  }

  /** g_spoil(): every other consumer of the provider is told that its data may change. */
  spoil(provider: Ptr, except: Ptr): void {
    const { objects } = this;
    for (const at of objects.links.attached(provider)) {
      if (at === except) continue;
      const exclusive = objects.consumer.get(at, 'ace');
      this.topology.demand(exclusive === 0, () => `spoiling cp->ace = ${exclusive}`);
      objects.put(at, 'G_CF_SPOILED');
    }
    this.k.get(GeomEvents).post((cancelled) => this.spoiled(provider, cancelled), [provider]);
  }

  /** g_spoil_event(). */
  *spoiled(provider: Ptr, cancelled: boolean): Sleepable<void> {
    if (cancelled) return;
    const { objects } = this;
    const { links, consumer, geom } = objects;
    for (const at of links.attached(provider)) {
      if (!objects.has(at, 'G_CF_SPOILED')) continue;
      objects.put(at, 'G_CF_SPOILED', false);
      const own = consumer.get(at, 'geom');
      if (geom.get(own, 'spoiled') !== 0) yield* geom.call(own, 'spoiled', at);
      this.topology.assert('g_spoil_event');
    }
  }

  private *stdSpoiled(at: Ptr): Sleepable<void> {
    const { objects } = this;
    const { consumer, geom, links } = objects;
    this.topology.assert('g_std_spoiled');
    objects.put(at, 'G_CF_ORPHAN');
    this.detach(at);
    const own = consumer.get(at, 'geom');
    for (const provider of links.providers(own)) objects.orphan(provider, ENXIO);
    yield* objects.destroyConsumer(at);
    if (geom.get(own, 'provider.lh_first') === 0 && geom.get(own, 'consumer.lh_first') === 0)
      yield* objects.destroyGeom(own);
    else objects.put(own, 'G_GEOM_WITHER');
  }

  private *witherGeomClose(geom: Ptr, error: number): Sleepable<void> {
    const { objects } = this;
    this.topology.assert('g_wither_geom_close');
    for (const at of objects.links.consumers(geom)) yield* this.close(at);
    objects.witherGeom(geom, error);
  }

  /** Closes what a consumer has open. */
  *close(at: Ptr): Sleepable<void> {
    const { objects } = this;
    if (!objects.isOpen('g_consumer', at)) return;
    const [read, write, exclusive] = COUNTS.map((count) => -objects.consumer.get(at, count));
    yield* this.access(at, [read, write, exclusive]);
  }

  /** g_orphan_register(): consumers of a provider that is gone are told so. */
  private *tellOrphans(at: Ptr): Sleepable<void> {
    const { objects, topology } = this;
    const { links, consumer, geom, provider } = objects;
    topology.assert('g_orphan_register');
    const withers = objects.has(at, 'G_PF_WITHER');
    objects.put(at, 'G_PF_WITHER', false);
    for (const one of links.attached(at)) {
      if (objects.has(one, 'G_CF_ORPHAN')) continue;
      const own = consumer.get(one, 'geom');
      topology.demand(
        geom.get(own, 'orphan') !== 0,
        () => `geom ${objects.nameOf(own)} has no orphan, class ${objects.className(own)}`,
      );
      objects.put(one, 'G_CF_ORPHAN');
      yield* geom.call(own, 'orphan', one);
    }
    if (withers && provider.get(at, 'consumers.lh_first') === 0) yield* objects.destroyProvider(at);
    else if (withers) objects.put(at, 'G_PF_WITHER');
  }
}
