import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, EEXIST, EINVAL, EOPNOTSUPP } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';
import { GeomAccess } from './access.js';
import { GeomEvents } from './events.js';
import { GeomObjects } from './objects.js';
import { GeomTopology } from './topology.js';

const MEDIA = 'GEOM::media';

/** GEOM's classes: how they come and go, and how they taste providers (sys/geom/geom_subr.c). */
export class GeomClasses implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    g_modevent: (_module: Ptr, what: number, data: Ptr) => this.event(what, data),
    g_retaste: (type: Ptr) => this.retaste(type),
    g_resize_provider: (provider: Ptr, size: number) => this.resize(provider, size),
    g_media_changed: (provider: Ptr) => this.mediaChanged(provider, true),
    g_media_gone: (provider: Ptr) => this.mediaChanged(provider, false),
    g_attr_changed: (provider: Ptr, attribute: Ptr) =>
      this.attributeChanged(provider, this.k.space.cstring(attribute)),
  };

  readonly signatures = { g_modevent: 'i:pip' };

  boot(): void {
    const { k } = this;
    k.get(GeomObjects).tasteLater = (provider, geom) => this.offerLater(provider, [provider, geom]);
    k.get(GeomAccess).retaste = (provider) => this.offerLater(provider, [provider]);
  }

  private get objects(): GeomObjects {
    return this.k.get(GeomObjects);
  }

  private get topology(): GeomTopology {
    return this.k.get(GeomTopology);
  }

  private get type() {
    return this.k.struct('g_class');
  }

  private print(text: string): void {
    this.k.get(SubrPrf).line(text);
  }

  /** A class of the kernel's own. */
  addOwn(at: Ptr): void {
    this.objects.links.classes.insertHead(this.objects.classesHead, at);
  }

  private *event(what: number, at: Ptr): Sleepable<number> {
    const version = this.type.get(at, 'version');
    if (version !== this.k.macro('G_VERSION')) {
      this.print(`GEOM class ${this.type.string(at, 'name')} has Wrong version ${version.toString(16)}`);
      return EINVAL;
    }
    if (what === MOD_LOAD) return yield* this.load(at);
    if (what === MOD_UNLOAD) return yield* this.topology.within(this.unload(at));
    return EOPNOTSUPP;
  }

  private *load(at: Ptr): Sleepable<number> {
    let error = 0;
    const self = this;
    const waited = yield* this.k.get(GeomEvents).waitFor(function* (cancelled): Sleepable<void> {
      if (!cancelled) error = yield* self.loadClass(at);
    });
    return waited || error;
  }

  /** g_load_class(): a new class tastes every provider that there is. */
  private *loadClass(at: Ptr): Sleepable<number> {
    const { type, objects } = this;
    const name = type.string(at, 'name');
    this.topology.demand(name !== '', () => 'GEOM class has no name');
    for (const other of objects.classes()) {
      if (type.string(other, 'name') !== name) continue;
      this.print(`${other === at ? 'The' : 'A'} GEOM class ${name} is already loaded.`);
      return EEXIST;
    }
    type.set(at, 'geom.lh_first', 0);
    this.addOwn(at);
    if (type.get(at, 'init') !== 0) yield* type.call(at, 'init', at);
    if (type.get(at, 'taste') === 0) return 0;
    for (const other of objects.classes())
      if (other !== at)
        for (const geom of objects.links.geoms(other))
          for (const provider of objects.links.providers(geom)) yield* this.taste(at, provider);
    return 0;
  }

  /** What the next class makes is not made by this one. */
  private *taste(type: Ptr, provider: Ptr): Sleepable<void> {
    const { current } = this.k.executor;
    const caller = current?.caller ?? 0;
    yield* this.type.call(type, 'taste', type, provider, this.k.macro('G_TF_NORMAL'));
    if (current) current.caller = caller;
    this.topology.assert('g_taste');
  }

  /** g_unload_class(): EBUSY while anything of it is open, EOPNOTSUPP where it cannot get rid of its geoms. */
  private *unload(at: Ptr): Sleepable<number> {
    const { type, objects, topology } = this;
    for (;;) {
      const state = this.stateOf(at);
      if (state === 'open') return EBUSY;
      if (state === 'quiet') break;
      yield* topology.sleep(at, 1);
    }
    if (type.get(at, 'geom.lh_first') !== 0 && type.get(at, 'destroy_geom') === 0) return EOPNOTSUPP;
    type.set(at, 'taste', 0);
    for (const geom of objects.links.geoms(at)) {
      const error = yield* type.call(at, 'destroy_geom', 0, at, geom);
      if (error !== 0) return error;
    }
    for (let geom = this.firstOf(at); geom !== 0; geom = this.firstOf(at)) {
      const name = type.string(at, 'name');
      topology.demand(objects.has(geom, 'G_GEOM_WITHER'), () => `Non-withering geom in class ${name}`);
      yield* topology.sleep(at, 1);
    }
    if (type.get(at, 'fini') !== 0) yield* type.call(at, 'fini', at);
    objects.links.classes.remove(at);
    return 0;
  }

  private firstOf(type: Ptr): Ptr {
    return this.type.get(type, 'geom.lh_first');
  }

  private stateOf(at: Ptr): 'open' | 'withering' | 'quiet' {
    const { objects } = this;
    const { links } = objects;
    for (const geom of links.geoms(at)) {
      for (const provider of links.providers(geom)) if (objects.isOpen('g_provider', provider)) return 'open';
      for (const consumer of links.consumers(geom)) if (objects.isOpen('g_consumer', consumer)) return 'open';
      if (objects.has(geom, 'G_GEOM_WITHER')) return 'withering';
    }
    return 'quiet';
  }

  private offerLater(provider: Ptr, refs: readonly Ptr[]): void {
    this.k.get(GeomEvents).post((cancelled) => this.offer(provider, cancelled), refs);
  }

  /** g_new_provider_event(): every class that has not got it already tastes a provider. */
  private *offer(provider: Ptr, cancelled: boolean): Sleepable<void> {
    if (cancelled) return;
    const { objects } = this;
    this.topology.demand(!objects.has(provider, 'G_PF_WITHER'), () => 'g_new_provider_event but withered');
    yield* this.tellOfAttribute(provider, MEDIA);
    yield* this.offerToAll(provider);
  }

  private *offerToAll(provider: Ptr): Sleepable<void> {
    for (const type of this.objects.classes())
      if (this.type.get(type, 'taste') !== 0 && !this.isTakenBy(type, provider))
        yield* this.taste(type, provider);
  }

  /** Whether a geom of a class is attached to a provider. */
  private isTakenBy(type: Ptr, provider: Ptr): boolean {
    return this.consumerOf(type, provider) !== undefined;
  }

  private consumerOf(type: Ptr, provider: Ptr): Ptr | undefined {
    const { links, consumer, geom } = this.objects;
    for (const at of links.attached(provider))
      if (geom.get(consumer.get(at, 'geom'), 'class') === type && !this.objects.has(at, 'G_CF_ORPHAN'))
        return at;
    return undefined;
  }

  /** Consumers hear of an attribute that has changed. */
  private *tellOfAttribute(provider: Ptr, attribute: string): Sleepable<void> {
    const { objects, k } = this;
    const { consumer, geom } = objects;
    for (const at of objects.links.attached(provider)) {
      const own = consumer.get(at, 'geom');
      if (objects.has(at, 'G_CF_ORPHAN') || geom.get(own, 'attrchanged') === 0) continue;
      yield* geom.call(own, 'attrchanged', at, k.constantString(attribute));
    }
  }

  private attributeChanged(provider: Ptr, attribute: string): number {
    const self = this;
    this.k.get(GeomEvents).post(
      function* (cancelled): Sleepable<void> {
        if (!cancelled && !self.objects.has(provider, 'G_PF_WITHER'))
          yield* self.tellOfAttribute(provider, attribute);
      },
      [provider],
    );
    return 0;
  }

  private *retaste(type: Ptr): Sleepable<number> {
    if (this.type.get(type, 'taste') === 0) return EINVAL;
    return yield* this.k.get(GeomEvents).waitFor((cancelled) => this.retasteAll(type, cancelled));
  }

  /** g_retaste_event(): what is not open is given up and tasted again. */
  private *retasteAll(type: Ptr, cancelled: boolean): Sleepable<void> {
    if (cancelled) return;
    const { objects } = this;
    for (const provider of objects.providers()) {
      if (objects.isOpen('g_provider', provider)) continue;
      const own = this.consumerOf(type, provider);
      if (own !== undefined) {
        objects.put(own, 'G_CF_ORPHAN');
        objects.witherGeom(objects.consumer.get(own, 'geom'), this.k.macro('ENXIO'));
      }
      yield* this.taste(type, provider);
    }
  }

  private resize(provider: Ptr, size: number): void {
    const { objects } = this;
    if (objects.has(provider, 'G_PF_WITHER') || objects.provider.get(provider, 'mediasize') === size) return;
    this.k.get(GeomEvents).post(() => this.resized(provider, size));
  }

  /** g_resize_provider_event(). */
  private *resized(provider: Ptr, size: number): Sleepable<void> {
    const { objects } = this;
    const { links, consumer, geom } = objects;
    this.topology.demand(!objects.has(provider, 'G_PF_WITHER'), () => 'g_resize_provider_event but withered');
    const shrinks = size < objects.provider.get(provider, 'mediasize');
    for (const at of links.attached(provider)) {
      const own = consumer.get(at, 'geom');
      if (geom.get(own, 'resize') !== 0 || !shrinks || objects.has(at, 'G_CF_ORPHAN')) continue;
      objects.put(at, 'G_CF_ORPHAN');
      yield* geom.call(own, 'orphan', at);
    }
    objects.provider.set(provider, 'mediasize', size);
    for (const at of links.attached(provider)) {
      const own = consumer.get(at, 'geom');
      if (!objects.has(own, 'G_GEOM_WITHER') && geom.get(own, 'resize') !== 0)
        yield* geom.call(own, 'resize', at);
    }
    yield* this.offerToAll(provider);
  }

  private mediaChanged(provider: Ptr, isThere: boolean): number {
    const { objects } = this;
    for (const at of objects.links.attached(provider)) objects.put(at, 'G_CF_SPOILED');
    this.k.get(GeomEvents).post((cancelled) => this.spoilAndTaste(provider, isThere, cancelled), [provider]);
    return 0;
  }

  private *spoilAndTaste(provider: Ptr, isThere: boolean, cancelled: boolean): Sleepable<void> {
    const { objects } = this;
    const tastes =
      isThere &&
      objects.provider.get(provider, 'acw') === 0 &&
      objects.provider.get(provider, 'error') === 0 &&
      !objects.has(objects.provider.get(provider, 'geom'), 'G_GEOM_WITHER');
    yield* this.k.get(GeomAccess).spoiled(provider, cancelled);
    if (tastes && !cancelled) this.offerLater(provider, [provider]);
  }

  *holds(): Generator<Holding> {
    for (const at of this.objects.classes())
      yield { kind: 'GEOM class', at, name: () => this.type.string(at, 'name') };
  }
}
