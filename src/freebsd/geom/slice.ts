import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EBUSY, EINVAL, ENOMEM, ENXIO, EOPNOTSUPP, EPERM } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { GeomAccess } from './access.js';
import { Bios } from './bios.js';
import { GeomClasses } from './classes.js';
import { GeomDump } from './dump.js';
import { GeomIo } from './io.js';
import { GeomObjects } from './objects.js';
import { GeomTopology } from './topology.js';

/** Bytes that lengths and offsets in <seclength> and <secoffset> are in. */
const CONF_SECTOR = 512;

/** Geoms that show parts of a provider as providers (sys/geom/geom_slice.c). Hot spots are not there. */
export class GeomSlices implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    g_slice_new: (
      type: Ptr,
      count: number,
      provider: Ptr,
      place: Ptr,
      extra: Ptr,
      bytes: number,
      start: Ptr,
    ) => this.create({ type, count, provider, place, extra, bytes, start }),
    g_slice_config: (
      geom: Ptr,
      index: number,
      how: number,
      offset: number,
      length: number,
      sector: number,
      format: Ptr,
      args: VarArgs,
    ) => this.configure({ geom, index, how, offset, length, sector }, this.k.get(SubrPrf).text(format, args)),
    g_slice_spoiled: (consumer: Ptr) => this.leave(consumer),
    g_slice_orphan: (consumer: Ptr) => this.leave(consumer),
    g_slice_dumpconf: (sbuf: Ptr, indent: Ptr, geom: Ptr, _consumer: Ptr, provider: Ptr) =>
      this.dump(sbuf, indent, geom, provider),
    g_slice_destroy_geom: (_req: Ptr, _type: Ptr, geom: Ptr) => {
      this.objects.witherGeom(geom, ENXIO);
      return 0;
    },
  };

  private get objects(): GeomObjects {
    return this.k.get(GeomObjects);
  }

  private get slicer() {
    return this.k.struct('g_slicer');
  }

  private get slice() {
    return this.k.struct('g_slice');
  }

  private allocate(bytes: number): Ptr {
    const { k } = this;
    return k.get(Malloc).malloc(bytes, k.variable('M_GEOM'), k.macro('M_WAITOK') | k.macro('M_ZERO'));
  }

  private *create(wanted: NewSlicer): Sleepable<Ptr> {
    const { k, objects, slicer } = this;
    k.get(GeomTopology).assert('g_slice_new');
    const geom = objects.newGeom(wanted.type, objects.provider.string(wanted.provider, 'name'));
    const own = this.allocate(slicer.size);
    slicer.set(own, 'nslice', wanted.count);
    slicer.set(own, 'slices', this.allocate(Math.max(wanted.count * this.slice.size, 1)));
    if (wanted.bytes > 0) slicer.set(own, 'softc', this.allocate(wanted.bytes));
    slicer.set(own, 'start', wanted.start);
    objects.geom.set(geom, 'softc', own);
    objects.geom.bind(geom, 'start', 'g_slice_start', (bio: Ptr) => this.start(bio));
    objects.geom.bind(geom, 'access', 'g_slice_access', (provider: Ptr, ...change: Change) =>
      this.access(provider, change),
    );
    objects.geom.set(geom, 'orphan', k.fn('g_slice_orphan'));
    objects.geom.set(geom, 'spoiled', k.fn('g_slice_spoiled'));
    if (objects.geom.get(geom, 'dumpconf') === 0)
      objects.geom.set(geom, 'dumpconf', k.fn('g_slice_dumpconf'));
    const type = k.struct('g_class');
    if (type.get(wanted.type, 'destroy_geom') === 0)
      type.set(wanted.type, 'destroy_geom', k.fn('g_slice_destroy_geom'));
    const consumer = objects.newConsumer(geom);
    const access = k.get(GeomAccess);
    const error = access.attach(consumer, wanted.provider) || (yield* access.access(consumer, [1, 0, 0]));
    if (error !== 0) {
      this.free(geom);
      objects.witherGeom(geom, ENXIO);
      return 0;
    }
    if (wanted.extra !== 0) k.space.storePtr(wanted.extra, slicer.get(own, 'softc'));
    k.space.storePtr(wanted.place, consumer);
    return geom;
  }

  /** What a geom keeps of its slices. */
  private free(geom: Ptr): void {
    const { k, objects, slicer } = this;
    const own = objects.geom.get(geom, 'softc');
    if (own === 0) return;
    objects.geom.set(geom, 'softc', 0);
    const malloc = k.get(Malloc);
    for (const member of ['hotspot', 'slices', 'softc'])
      malloc.free(slicer.get(own, member), k.variable('M_GEOM'));
    malloc.free(own, k.variable('M_GEOM'));
  }

  private sliceAt(geom: Ptr, index: number): Ptr {
    const own = this.objects.geom.get(geom, 'softc');
    return own === 0 ? 0 : this.slicer.get(own, 'slices') + index * this.slice.size;
  }

  private configure(wanted: Configuration, name: string): number {
    const { k, objects, slice, slicer } = this;
    const { geom, index, how, offset, length, sector } = wanted;
    k.get(GeomTopology).assert('g_slice_config');
    const own = objects.geom.get(geom, 'softc');
    if (index >= slicer.get(own, 'nslice')) return EINVAL;
    const at = this.sliceAt(geom, index);
    const provider = slice.get(at, 'provider');
    const isOpen = provider !== 0 && objects.isOpen('g_provider', provider);
    if (isOpen && how !== k.macro('G_SLICE_CONFIG_FORCE'))
      if (length < slice.get(at, 'length') || offset !== slice.get(at, 'offset')) return EBUSY;
    if (how === k.macro('G_SLICE_CONFIG_CHECK')) return 0;
    slice.set(at, 'offset', offset);
    slice.set(at, 'length', length);
    slice.set(at, 'sectorsize', sector);
    const count = (change: number): void =>
      slicer.set(own, 'nprovider', slicer.get(own, 'nprovider') + change);
    if (length === 0) {
      if (provider === 0) return 0;
      slice.set(at, 'provider', 0);
      count(-1);
      objects.witherProvider(provider, ENXIO);
      return 0;
    }
    if (provider !== 0) {
      k.get(GeomClasses).exports.g_resize_provider(provider, length);
      return 0;
    }
    slice.set(at, 'provider', this.show(wanted, name));
    count(1);
    return 0;
  }

  private show({ geom, index, offset, length, sector }: Configuration, name: string): Ptr {
    const { objects } = this;
    const { provider: type } = objects;
    const below = objects.consumer.get(objects.geom.get(geom, 'consumer.lh_first'), 'provider');
    const provider = objects.newProvider(geom, name);
    const stripe = type.get(below, 'stripesize');
    const start = type.get(below, 'stripeoffset') + offset;
    type.set(provider, 'stripesize', stripe);
    type.set(provider, 'stripeoffset', stripe > 0 ? start % stripe : start);
    if (objects.has(below, 'G_PF_ACCEPT_UNMAPPED')) objects.put(provider, 'G_PF_ACCEPT_UNMAPPED');
    type.set(provider, 'mediasize', length);
    type.set(provider, 'sectorsize', sector);
    type.set(provider, 'index', index);
    type.set(provider, 'error', 0);
    return provider;
  }

  private *start(bio: Ptr): Sleepable<void> {
    const { k, objects, slice, slicer } = this;
    const bios = k.get(Bios);
    const io = k.get(GeomIo);
    const { type } = bios;
    const provider = type.get(bio, 'bio_to');
    const geom = objects.provider.get(provider, 'geom');
    const is = (name: string): boolean => type.get(bio, 'bio_cmd') === k.macro(name);
    const moves = is('BIO_READ') || is('BIO_WRITE') || is('BIO_DELETE');
    const at = this.sliceAt(geom, objects.provider.get(provider, 'index'));
    if (moves && type.get(bio, 'bio_offset') > slice.get(at, 'length')) {
      yield* io.deliver(bio, EINVAL);
      return;
    }
    const own = objects.geom.get(geom, 'softc');
    if (is('BIO_GETATTR') && slicer.get(own, 'start') !== 0)
      if ((yield* slicer.call(own, 'start', bio)) !== 0) return;
    if (!moves && !is('BIO_GETATTR') && !is('BIO_FLUSH') && !is('BIO_SPEEDUP')) {
      yield* io.deliver(bio, EOPNOTSUPP);
      return;
    }
    const copy = yield* bios.clone(bio, false);
    if (copy === 0) {
      yield* io.deliver(bio, ENOMEM);
      return;
    }
    type.set(copy, 'bio_done', k.fn('g_std_done'));
    if (moves) {
      const from = type.get(copy, 'bio_offset');
      type.set(copy, 'bio_length', Math.min(type.get(copy, 'bio_length'), slice.get(at, 'length') - from));
      type.set(copy, 'bio_offset', from + slice.get(at, 'offset'));
    }
    yield* io.request(copy, objects.geom.get(geom, 'consumer.lh_first'));
  }

  /** Whoever is open has the provider below for themselves. */
  private *access(provider: Ptr, [read, write, exclusive]: Change): Sleepable<number> {
    const { k, objects } = this;
    const { consumer } = objects;
    const geom = objects.provider.get(provider, 'geom');
    if (read > 0 || write > 0 || exclusive > 0) {
      const refused = this.overlap(geom, provider, [read, write, exclusive]);
      if (refused !== 0) return refused;
    }
    const at = objects.geom.get(geom, 'consumer.lh_first');
    const [reads, writes, alone] = ['acr', 'acw', 'ace'].map((count) => consumer.get(at, count));
    let change = exclusive;
    if (reads === 0 && writes === 0 && alone === 0) change++;
    if (reads + read === 0 && writes + write === 0 && alone + change === 1) change--;
    const error = yield* k.get(GeomAccess).access(at, [read, write, change]);
    if (error === 0 && objects.has(geom, 'G_GEOM_WITHER') && !objects.isOpen('g_consumer', at))
      this.free(geom);
    return error;
  }

  /** EPERM where a part of the same sectors is open in another way. */
  private overlap(geom: Ptr, provider: Ptr, [, write, exclusive]: Change): number {
    const { objects, slice, slicer } = this;
    const own = objects.geom.get(geom, 'softc');
    if (own === 0) return ENXIO;
    const mine = this.sliceAt(geom, objects.provider.get(provider, 'index'));
    const [from, length] = [slice.get(mine, 'offset'), slice.get(mine, 'length')];
    for (let index = 0; index < slicer.get(own, 'nslice'); index++) {
      const at = this.sliceAt(geom, index);
      const other = slice.get(at, 'provider');
      if (at === mine || other === 0 || slice.get(at, 'length') === 0) continue;
      const isApart =
        from + length <= slice.get(at, 'offset') || slice.get(at, 'offset') + slice.get(at, 'length') <= from;
      if (isApart) continue;
      if (exclusive > 0 && objects.provider.get(other, 'acw') > 0) return EPERM;
      if (write > 0 && objects.provider.get(other, 'ace') > 0) return EPERM;
    }
    return 0;
  }

  private leave(consumer: Ptr): void {
    const { objects } = this;
    const geom = objects.consumer.get(consumer, 'geom');
    this.k.get(GeomTopology).assert('g_slice_orphan');
    objects.witherGeom(geom, ENXIO);
    if (!objects.isOpen('g_consumer', consumer)) this.free(geom);
  }

  private *dump(sbuf: Ptr, indentAt: Ptr, geom: Ptr, provider: Ptr): Sleepable<void> {
    const { k, objects, slice } = this;
    if (provider === 0) return;
    const index = objects.provider.get(provider, 'index');
    const at = this.sliceAt(geom, index);
    if (at === 0) return;
    const { put } = k.get(GeomDump);
    const [offset, length] = [slice.get(at, 'offset'), slice.get(at, 'length')];
    if (indentAt === 0) {
      yield* put(sbuf, ` i ${index} o ${offset}`);
      return;
    }
    const values = {
      index,
      length,
      seclength: Math.floor(length / CONF_SECTOR),
      offset,
      secoffset: Math.floor(offset / CONF_SECTOR),
    };
    const indent = k.space.cstring(indentAt);
    for (const [tag, value] of Object.entries(values))
      yield* put(sbuf, `${indent}<${tag}>${value}</${tag}>\n`);
  }
}

type Change = readonly [read: number, write: number, exclusive: number];

interface NewSlicer {
  readonly type: Ptr;
  readonly count: number;
  readonly provider: Ptr;
  /** Where the consumer is stored, and what the class keeps itself. */
  readonly place: Ptr;
  readonly extra: Ptr;
  readonly bytes: number;
  readonly start: Ptr;
}

interface Configuration {
  readonly geom: Ptr;
  readonly index: number;
  readonly how: number;
  readonly offset: number;
  readonly length: number;
  readonly sector: number;
}
