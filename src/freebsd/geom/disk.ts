import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { Devctl } from '../dev/devctl.js';
import { ENXIO, EROFS } from '../errno.js';
import { Devstat } from '../kern/devstat.js';
import { Malloc } from '../kern/malloc.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { GeomClasses } from './classes.js';
import { DiskIo } from './disk-io.js';
import { GeomDump } from './dump.js';
import { GeomEvents } from './events.js';
import { GeomObjects } from './objects.js';
import { ownClass } from './own-class.js';
import { GeomTopology } from './topology.js';

/** SPECNAMELEN less what a unit number takes. */
const NAME_ROOM = 251;
/** disk(9) and the class DISK (sys/geom/geom_disk.c). */
export class GeomDisks implements Subsystem {
  private readonly disks = new Set<Ptr>();
  private class: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    disk_alloc: () => this.alloc(),
    disk_create: (disk: Ptr, version: number) => this.create(disk, version),
    disk_destroy: (disk: Ptr) => this.destroy(disk),
    disk_gone: (disk: Ptr) => this.gone(disk),
    disk_add_alias: (disk: Ptr, name: Ptr) => this.addAlias(disk, this.k.space.cstring(name)),
    disk_resize: (disk: Ptr) => this.resize(disk),
    disk_attr_changed: (disk: Ptr, attribute: Ptr) => this.attributeChanged(disk, attribute),
    disk_media_changed: (disk: Ptr) => this.mediaChanged(disk, 'g_media_changed'),
    disk_media_gone: (disk: Ptr) => this.mediaChanged(disk, 'g_media_gone'),
  };

  boot(): void {
    this.class = ownClass(this.k, 'DISK', {
      start: { name: 'g_disk_start', fn: (bio: Ptr) => this.k.get(DiskIo).start(bio) },
      access: {
        name: 'g_disk_access',
        fn: (provider: Ptr, ...change: readonly [number, number, number]) => this.access(provider, change),
      },
      ioctl: {
        name: 'g_disk_ioctl',
        fn: (provider: Ptr, command: number, data: Ptr, flags: number, thread: Ptr) =>
          this.ioctl(provider, command, data, flags, thread),
      },
      providergone: { name: 'g_disk_providergone', fn: (provider: Ptr) => this.providerGone(provider) },
      dumpconf: {
        name: 'g_disk_dumpconf',
        fn: (sbuf: Ptr, indent: Ptr, geom: Ptr, _consumer: Ptr, provider: Ptr) =>
          this.dump(sbuf, indent, geom, provider),
      },
    });
  }

  private get type() {
    return this.k.struct('disk');
  }

  private get objects(): GeomObjects {
    return this.k.get(GeomObjects);
  }

  private print(text: string): void {
    this.k.get(SubrPrf).line(text);
  }

  private allocate(bytes: number): Ptr {
    const { k } = this;
    return k.get(Malloc).malloc(bytes, k.variable('M_GEOM'), k.macro('M_WAITOK') | k.macro('M_ZERO'));
  }

  private free(at: Ptr): void {
    this.k.get(Malloc).free(at, this.k.variable('M_GEOM'));
  }

  private has(disk: Ptr, flag: string): boolean {
    return (this.type.get(disk, 'd_flags') & this.k.macro(flag)) !== 0;
  }

  private nameOf(disk: Ptr): string {
    return `${this.type.string(disk, 'd_name')}${this.type.get(disk, 'd_unit')}`;
  }

  private alloc(): Ptr {
    const at = this.allocate(this.type.size);
    this.disks.add(at);
    this.k.origins.note(at);
    return at;
  }

  private create(disk: Ptr, version: number): void {
    const { k, type } = this;
    const refused = this.refusal(disk, version);
    if (refused !== undefined) {
      this.print(`WARNING: Attempt to add ${refused}`);
      this.print(`WARNING: Ignoring disk ${this.nameOf(disk)}`);
      return;
    }
    const demand = (holds: boolean, message: () => string): void =>
      k.get(GeomTopology).demand(holds, message);
    demand(type.get(disk, 'd_strategy') !== 0, () => 'disk_create need d_strategy');
    demand(type.string(disk, 'd_name') !== '', () => 'disk_create need d_name');
    demand(type.string(disk, 'd_name').length < NAME_ROOM, () => 'disk name too long');
    if (type.get(disk, 'd_devstat') === 0) type.set(disk, 'd_devstat', k.get(Devstat).newEntry(0));
    type.set(disk, 'd_geom', 0);
    type.set(disk, 'd_init_level', k.enumValue('DISK_INIT_NONE'));
    type.setText(disk, 'd_ident', printable(type.text(disk, 'd_ident')));
    k.get(GeomEvents).post((cancelled) => this.created(disk, cancelled), [disk]);
  }

  private refusal(disk: Ptr, version: number): string | undefined {
    const name = this.nameOf(disk);
    if (version !== this.k.macro('DISK_VERSION'))
      return `disk ${name}  using incompatible ABI version of disk(9)`;
    return this.has(disk, 'DISKFLAG_RESERVED') ? `non-MPSAFE disk ${name}` : undefined;
  }

  /** g_disk_create(), with the topology locked. */
  private *created(disk: Ptr, cancelled: boolean): Sleepable<void> {
    if (cancelled) return;
    const { k, type, objects } = this;
    type.set(disk, 'd_init_level', k.enumValue('DISK_INIT_START'));
    if (type.get(disk, 'd_goneflag') !== 0) {
      if (type.get(disk, 'd_gone') !== 0) yield* type.call(disk, 'd_gone', disk);
      return;
    }
    const geom = objects.newGeom(this.class, this.nameOf(disk));
    objects.geom.set(geom, 'softc', disk);
    const provider = objects.newProvider(geom, this.nameOf(disk));
    // They are told of as the disk that they are of.
    for (const at of [geom, provider]) k.origins.forget(at);
    for (const alias of this.aliases(disk)) objects.addAlias(provider, `${alias}${type.get(disk, 'd_unit')}`);
    k.get(Devstat).removeEntry(objects.provider.get(provider, 'stat'));
    objects.provider.set(provider, 'stat', 0);
    for (const [member, of] of [
      ['mediasize', 'd_mediasize'],
      ['sectorsize', 'd_sectorsize'],
      ['stripeoffset', 'd_stripeoffset'],
      ['stripesize', 'd_stripesize'],
    ] as const)
      objects.provider.set(provider, member, type.get(disk, of));
    if (this.has(disk, 'DISKFLAG_UNMAPPED_BIO')) objects.put(provider, 'G_PF_ACCEPT_UNMAPPED');
    if (this.has(disk, 'DISKFLAG_DIRECT_COMPLETION')) objects.put(provider, 'G_PF_DIRECT_SEND');
    objects.put(provider, 'G_PF_DIRECT_RECEIVE');
    objects.provider.set(provider, 'private', disk);
    type.set(disk, 'd_geom', geom);
    objects.provider.set(provider, 'error', 0);
    type.set(disk, 'd_init_level', k.enumValue('DISK_INIT_DONE'));
    if (type.get(disk, 'd_goneflag') !== 0) objects.witherProvider(provider, ENXIO);
  }

  private *destroy(disk: Ptr): Sleepable<void> {
    const { k, type } = this;
    this.gone(disk);
    type.set(disk, 'd_destroyed', 1);
    yield* k.get(GeomEvents).cancel(disk);
    k.get(Devstat).removeEntry(type.get(disk, 'd_devstat'));
    k.get(GeomEvents).post((cancelled) => this.destroyed(disk, cancelled));
    this.disks.delete(disk);
    k.origins.forget(disk);
  }

  // biome-ignore lint/correctness/useYield: an event that never waits
  private *destroyed(disk: Ptr, cancelled: boolean): Sleepable<void> {
    if (cancelled) return;
    const { type, objects } = this;
    const geom = type.get(disk, 'd_geom');
    if (geom !== 0) {
      objects.geom.set(geom, 'softc', 0);
      for (const provider of objects.links.providers(geom)) objects.provider.set(provider, 'private', 0);
      objects.witherGeom(geom, ENXIO);
    }
    for (const alias of [...this.aliasList(disk)]) this.free(alias);
    this.free(disk);
  }

  private gone(disk: Ptr): void {
    const { k, type, objects } = this;
    if (type.get(disk, 'd_goneflag') !== 0) return;
    type.set(disk, 'd_goneflag', 1);
    if (type.get(disk, 'd_init_level') < k.enumValue('DISK_INIT_DONE')) return;
    for (const provider of objects.links.providers(type.get(disk, 'd_geom')))
      objects.witherProvider(provider, ENXIO);
  }

  /** Structs disk_alias: a link of two pointers, and the name. */
  private *aliasList(disk: Ptr): Generator<Ptr> {
    const alias = this.k.struct('disk_alias');
    for (let at = this.type.get(disk, 'd_aliases.lh_first'); at !== 0; ) {
      const next = alias.get(at, 'da_next.le_next');
      yield at;
      at = next;
    }
  }

  private *aliases(disk: Ptr): Generator<string> {
    for (const at of this.aliasList(disk)) yield this.k.struct('disk_alias').string(at, 'da_alias');
  }

  private addAlias(disk: Ptr, name: string): void {
    const { k, type } = this;
    const alias = k.struct('disk_alias');
    const at = this.allocate(alias.size + name.length + 1);
    k.space.storeCstring(at + alias.size, name);
    alias.set(at, 'da_alias', at + alias.size);
    alias.set(at, 'da_next.le_next', type.get(disk, 'd_aliases.lh_first'));
    type.set(disk, 'd_aliases.lh_first', at);
  }

  private resize(disk: Ptr): number {
    const { k, type, objects } = this;
    if (type.get(disk, 'd_destroyed') !== 0 || type.get(disk, 'd_geom') === 0) return 0;
    // biome-ignore lint/correctness/useYield: an event that never waits
    k.get(GeomEvents).post(function* (cancelled): Sleepable<void> {
      const geom = type.get(disk, 'd_geom');
      if (cancelled || type.get(disk, 'd_destroyed') !== 0 || geom === 0) return;
      for (const provider of objects.links.providers(geom)) {
        const sector = objects.provider.get(provider, 'sectorsize');
        if (sector !== 0 && sector !== type.get(disk, 'd_sectorsize'))
          objects.witherProvider(provider, ENXIO);
        else k.get(GeomClasses).exports.g_resize_provider(provider, type.get(disk, 'd_mediasize'));
      }
    });
    return 0;
  }

  private attributeChanged(disk: Ptr, attribute: Ptr): void {
    const { k, type, objects } = this;
    const geom = type.get(disk, 'd_geom');
    if (geom !== 0)
      for (const provider of objects.links.providers(geom))
        k.get(GeomClasses).exports.g_attr_changed(provider, attribute);
    k.get(Devctl).notify('GEOM', 'disk', k.space.cstring(attribute), `devname=${this.nameOf(disk)}`);
  }

  private mediaChanged(disk: Ptr, how: 'g_media_changed' | 'g_media_gone'): void {
    const geom = this.type.get(disk, 'd_geom');
    if (geom === 0) return;
    for (const provider of this.objects.links.providers(geom)) this.k.get(GeomClasses).exports[how](provider);
  }

  private diskOf(provider: Ptr): Ptr {
    return this.objects.provider.get(provider, 'private');
  }

  private *access(provider: Ptr, change: readonly [number, number, number]): Sleepable<number> {
    const { k, type, objects } = this;
    k.get(GeomTopology).assert('g_disk_access');
    const disk = this.diskOf(provider);
    if (disk === 0 || type.get(disk, 'd_destroyed') !== 0) return change.every((one) => one <= 0) ? 0 : ENXIO;
    const before = ['acr', 'acw', 'ace'].map((count) => objects.provider.get(provider, count));
    const after = before.map((count, i) => count + change[i]);
    const [was, is] = [before, after].map((counts) => counts.some((count) => count > 0));
    if (!was && is) return yield* this.open(provider, disk, after[1] > 0);
    if (!was || is) return 0;
    const error = type.get(disk, 'd_close') === 0 ? 0 : yield* type.call(disk, 'd_close', disk);
    if (error !== 0) this.print(`Closed disk ${objects.provider.string(provider, 'name')} -> ${error}`);
    type.set(disk, 'd_flags', type.get(disk, 'd_flags') & ~k.macro('DISKFLAG_OPEN'));
    return error;
  }

  /** The first who opens a disk opens it for the driver. */
  private *open(provider: Ptr, disk: Ptr, writes: boolean): Sleepable<number> {
    const { k, type, objects } = this;
    if (writes && this.has(disk, 'DISKFLAG_WRITE_PROTECT')) return EROFS;
    const error = type.get(disk, 'd_open') === 0 ? 0 : yield* type.call(disk, 'd_open', disk);
    if (error !== 0) return error;
    objects.provider.set(provider, 'sectorsize', type.get(disk, 'd_sectorsize'));
    if (type.get(disk, 'd_maxsize') === 0) {
      this.print(`WARNING: Disk drive ${this.nameOf(disk)} has no d_maxsize`);
      type.set(disk, 'd_maxsize', k.macro('DFLTPHYS'));
    }
    if (type.get(disk, 'd_delmaxsize') === 0) type.set(disk, 'd_delmaxsize', type.get(disk, 'd_maxsize'));
    objects.provider.set(provider, 'stripeoffset', type.get(disk, 'd_stripeoffset'));
    objects.provider.set(provider, 'stripesize', type.get(disk, 'd_stripesize'));
    type.set(disk, 'd_flags', type.get(disk, 'd_flags') | k.macro('DISKFLAG_OPEN'));
    const media = type.get(disk, 'd_mediasize');
    if (objects.provider.get(provider, 'mediasize') === 0) objects.provider.set(provider, 'mediasize', media);
    else k.get(GeomClasses).exports.g_resize_provider(provider, media);
    return 0;
  }

  private *ioctl(provider: Ptr, command: number, data: Ptr, flags: number, thread: Ptr): Sleepable<number> {
    const disk = this.diskOf(provider);
    if (disk === 0 || this.type.get(disk, 'd_ioctl') === 0) return this.k.macro('ENOIOCTL');
    return yield* this.type.call(disk, 'd_ioctl', disk, command, data, flags, thread);
  }

  private *providerGone(provider: Ptr): Sleepable<void> {
    const { type, objects } = this;
    const disk = this.diskOf(provider);
    if (disk !== 0 && type.get(disk, 'd_gone') !== 0) yield* type.call(disk, 'd_gone', disk);
    objects.provider.set(provider, 'private', 0);
    objects.geom.set(objects.provider.get(provider, 'geom'), 'softc', 0);
  }

  private *dump(sbuf: Ptr, indentAt: Ptr, geom: Ptr, provider: Ptr): Sleepable<void> {
    const { k, type, objects } = this;
    const disk = objects.geom.get(geom, 'softc');
    if (disk === 0) return;
    const { put } = k.get(GeomDump);
    const [heads, sectors] = [type.get(disk, 'd_fwheads'), type.get(disk, 'd_fwsectors')];
    if (indentAt === 0) {
      yield* put(sbuf, ` hd ${heads} sc ${sectors}`);
      return;
    }
    if (provider === 0) return;
    const indent = k.space.cstring(indentAt);
    yield* put(sbuf, `${indent}<fwheads>${heads}</fwheads>\n${indent}<fwsectors>${sectors}</fwsectors>\n`);
    yield* put(sbuf, `${indent}<rotationrate>${this.rotation(disk)}</rotationrate>\n`);
    for (const [tag, member] of [
      ['ident', 'd_ident'],
      ['descr', 'd_descr'],
    ] as const)
      yield* put(sbuf, `${indent}<${tag}>${k.get(GeomDump).escape(type.text(disk, member))}</${tag}>\n`);
  }

  private rotation(disk: Ptr): string {
    const { k } = this;
    const rate = this.type.get(disk, 'd_rotation_rate');
    if (rate === k.macro('DISK_RR_UNKNOWN')) return 'unknown';
    if (rate === k.macro('DISK_RR_NON_ROTATING')) return '0';
    return rate >= k.macro('DISK_RR_MIN') && rate <= k.macro('DISK_RR_MAX') ? String(rate) : 'invalid';
  }

  *holds(): Generator<Holding> {
    for (const at of this.disks)
      yield {
        kind: 'disk',
        at,
        uses: [this.type.get(at, 'd_strategy')],
        parts: [this.type.get(at, 'd_geom')],
        by: this.k.origins.of(at),
        name: () => this.nameOf(at),
      };
  }
}

/** g_disk_ident_adjust(): what cannot be printed as xHH. */
function printable(text: string): string {
  return [...text]
    .map((char) => (/[ -~]/.test(char) ? char : `x${char.charCodeAt(0).toString(16).padStart(2, '0')}`))
    .join('');
}
