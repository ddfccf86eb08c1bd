import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Devctl } from '../dev/devctl.js';
import { EINVAL, EIO, ENOENT, ENXIO, EPERM } from '../errno.js';
import { iocLength } from '../ioccom.js';
import { Conf } from '../kern/conf.js';
import { Credentials } from '../kern/kern-prot.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { GeomAccess } from './access.js';
import { GeomAttributes } from './attributes.js';
import { Bios } from './bios.js';
import {
  DIOCGATTR,
  DIOCGDELETE,
  DIOCGFLUSH,
  DIOCGMEDIASIZE,
  DIOCGPROVIDERNAME,
  DIOCGSECTORSIZE,
  DIOCGSTRIPEOFFSET,
  DIOCGSTRIPESIZE,
  IOCTL_ATTRIBUTES,
} from './disk-ioctls.js';
import { GeomEvents } from './events.js';
import { GeomIo } from './io.js';
import { GeomObjects } from './objects.js';
import { GEOM_DEVICE, ownClass } from './own-class.js';
import { GeomTopology } from './topology.js';

/** What the geom of a device keeps: struct g_dev_softc. */
interface Softc {
  readonly device: Ptr;
  /** Opens that were not closed. */
  open: number;
  /** Requests on their way. */
  active: number;
  destroying: boolean;
  readonly channel: Ptr;
}

/** Sectors of one request to delete: kern.geom.dev.delete_max_sectors. */
const DELETE_MOST = 262_144;

/** The class DEV: a device in /dev for every provider (sys/geom/geom_dev.c). */
export class GeomDev implements Subsystem {
  private readonly softcs = new Map<Ptr, Softc>();
  private devsw: Ptr = 0;
  private type: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    g_dev_getprovider: (device: Ptr) => this.providerOf(device),
    g_dev_print: () => {
      const names = [...this.objects.links.geoms(this.type)].map((geom) => this.objects.nameOf(geom));
      this.k.get(SubrPrf).line(names.join(' '));
    },
  };

  boot(): void {
    const { k } = this;
    const table = k.struct('cdevsw');
    this.devsw = k.permanent(table.size);
    table.set(this.devsw, 'd_version', k.macro('D_VERSION'));
    table.set(this.devsw, 'd_flags', k.macro('D_DISK') | k.macro('D_TRACKCLOSE'));
    table.set(this.devsw, 'd_name', k.constantString('g_dev'));
    table.set(this.devsw, 'd_read', k.fn('physio'));
    table.set(this.devsw, 'd_write', k.fn('physio'));
    table.bind(this.devsw, 'd_open', 'g_dev_open', (device: Ptr, flags: number) => this.open(device, flags));
    table.bind(this.devsw, 'd_close', 'g_dev_close', (device: Ptr, flags: number) =>
      this.close(device, flags),
    );
    table.bind(
      this.devsw,
      'd_ioctl',
      'g_dev_ioctl',
      (device: Ptr, command: bigint, data: Ptr, flags: number) =>
        this.ioctl(device, Number(command), data, flags),
    );
    table.bind(this.devsw, 'd_strategy', 'g_dev_strategy', (bio: Ptr) => this.strategy(bio));
    this.type = ownClass(k, 'DEV', {
      taste: { name: 'g_dev_taste', fn: (_type: Ptr, provider: Ptr) => this.taste(provider) },
      orphan: { name: 'g_dev_orphan', fn: (consumer: Ptr) => this.orphan(consumer) },
      attrchanged: {
        name: 'g_dev_attrchanged',
        fn: (consumer: Ptr, attribute: Ptr) => this.attributeChanged(consumer, k.space.cstring(attribute)),
      },
      resize: {
        name: 'g_dev_resize',
        fn: (consumer: Ptr) => this.notify('SIZECHANGE', this.nameOf(consumer)),
      },
    });
  }

  private get objects(): GeomObjects {
    return this.k.get(GeomObjects);
  }

  private nameOf(consumer: Ptr): string {
    return this.objects.nameOf(this.objects.consumer.get(consumer, 'geom'));
  }

  private notify(type: string, name: string): void {
    this.k.get(Devctl).notify('GEOM', 'DEV', type, `cdev=${name}`);
  }

  private *taste(provider: Ptr): Sleepable<Ptr> {
    const { k, objects } = this;
    const name = objects.provider.string(provider, 'name');
    const geom = objects.newGeom(this.type, name);
    const consumer = objects.newConsumer(geom);
    objects.put(consumer, 'G_CF_DIRECT_SEND');
    objects.put(consumer, 'G_CF_DIRECT_RECEIVE');
    const error = k.get(GeomAccess).attach(consumer, provider);
    if (error !== 0) {
      k.get(SubrPrf).line(`g_dev_taste: g_dev_taste(${name}) failed to g_attach, error=${error}`);
      yield* this.forget(consumer);
      return 0;
    }
    const description = { devsw: this.devsw, ...GEOM_DEVICE };
    const made = k.get(Conf).make({ ...description, drv2: consumer }, name);
    if (typeof made === 'number') {
      k.get(SubrPrf).line(`g_dev_taste: make_dev_p() failed (gp->name=${name}, error=${made})`);
      k.get(GeomAccess).detach(consumer);
      yield* this.forget(consumer);
      return 0;
    }
    // The device is this class's, whoever's provider it shows.
    k.origins.forget(made.at);
    k.struct('cdev').set(made.at, 'si_iosize_max', k.space.loadU64(k.variable('maxphys')));
    const channel = k.slab.allocateBytes(8, false);
    this.softcs.set(consumer, { device: made.at, open: 0, active: 0, destroying: false, channel });
    this.notify('CREATE', name);
    for (const alias of objects.aliases(provider)) this.addAlias(made.at, alias);
    return geom;
  }

  private addAlias(device: Ptr, name: string): void {
    const { k } = this;
    const conf = k.get(Conf);
    if (conf.named(name)) {
      const error = k.macro('EEXIST');
      k.get(SubrPrf).line(`g_dev_taste: make_dev_alias_p() failed (name=${name}, error=${error})`);
      return;
    }
    k.origins.forget(conf.alias(device, name));
    this.notify('CREATE', name);
  }

  private *forget(consumer: Ptr): Sleepable<void> {
    const { objects } = this;
    const geom = objects.consumer.get(consumer, 'geom');
    yield* objects.destroyConsumer(consumer);
    yield* objects.destroyGeom(geom);
  }

  private consumerOf(device: Ptr): Ptr {
    return this.k.struct('cdev').get(device, 'si_drv2');
  }

  private providerOf(device: Ptr): Ptr {
    this.k.get(GeomTopology).assert('g_dev_getprovider');
    if (device === 0 || this.k.struct('cdev').get(device, 'si_devsw') !== this.devsw) return 0;
    return this.objects.consumer.get(this.consumerOf(device), 'provider');
  }

  /** FREAD and FWRITE as the counts of an access. */
  private counts(flags: number): readonly [number, number] {
    const { k } = this;
    return [flags & k.macro('FREAD') ? 1 : 0, flags & k.macro('FWRITE') ? 1 : 0];
  }

  private *open(device: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const [read, write] = this.counts(flags);
    if (read + write === 0) return EINVAL;
    if (write > 0 && k.get(Credentials).securelevel >= 2) return EPERM;
    const consumer = this.consumerOf(device);
    const error = yield* k.get(GeomTopology).within(k.get(GeomAccess).access(consumer, [read, write, 0]));
    const softc = this.softcs.get(consumer);
    if (error === 0 && softc) softc.open += read + write;
    return error;
  }

  private *close(device: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const [read, write] = this.counts(flags);
    if (read + write === 0) return EINVAL;
    const consumer = this.consumerOf(device);
    const softc = this.softcs.get(consumer);
    if (!softc) return ENXIO;
    softc.open -= read + write;
    while (softc.open === 0 && softc.active > 0) {
      const until = k.clock.now + 1e8;
      yield* k.get(SleepQueues).sleep(softc.channel, { message: 'g_dev_close', until });
    }
    // -0 is no change, and no number of C's.
    const change = [read === 0 ? 0 : -read, write === 0 ? 0 : -write, 0] as const;
    return yield* k.get(GeomTopology).within(k.get(GeomAccess).access(consumer, change));
  }

  private *ioctl(device: Ptr, command: number, data: Ptr, flags: number): Sleepable<number> {
    const { k, objects } = this;
    const consumer = this.consumerOf(device);
    if (objects.has(consumer, 'G_CF_ORPHAN')) return ENXIO;
    const provider = objects.consumer.get(consumer, 'provider');
    const get = (member: string): number => objects.provider.get(provider, member);
    if (get('error') !== 0) return get('error');
    switch (command) {
      case DIOCGSECTORSIZE:
        k.space.store32(data, get('sectorsize'));
        return get('sectorsize') === 0 ? ENOENT : 0;
      case DIOCGMEDIASIZE:
        k.space.storeLong(data, get('mediasize'));
        return get('mediasize') === 0 ? ENOENT : 0;
      case DIOCGSTRIPESIZE:
        k.space.storeLong(data, get('stripesize'));
        return 0;
      case DIOCGSTRIPEOFFSET:
        k.space.storeLong(data, get('stripeoffset'));
        return 0;
      case DIOCGPROVIDERNAME:
        k.space.storeCstring(
          data,
          objects.provider.string(provider, 'name').slice(0, iocLength(command) - 1),
        );
        return 0;
      case DIOCGFLUSH:
        return yield* k.get(GeomIo).flush(consumer);
      case DIOCGDELETE:
        return yield* this.delete(consumer, provider, k.space.loadS64(data), k.space.loadS64(data + 8));
      case DIOCGATTR:
        return yield* this.anyAttribute(consumer, data);
      default:
        return yield* this.otherIoctl({ consumer, provider, command, data, flags });
    }
  }

  private *otherIoctl(call: IoctlCall): Sleepable<number> {
    const { k, objects } = this;
    const { consumer, provider, command, data, flags } = call;
    const attribute = IOCTL_ATTRIBUTES.get(command);
    if (attribute) {
      const error = yield* this.attribute(consumer, attribute.name, data, iocLength(command));
      return error === 0 && attribute.demanded && k.space.load8(data) === 0 ? ENOENT : error;
    }
    const geom = objects.provider.get(provider, 'geom');
    if (objects.geom.get(geom, 'ioctl') === 0) return k.macro('ENOIOCTL');
    return yield* objects.geom.call(geom, 'ioctl', provider, command, data, flags, k.curthread);
  }

  private *attribute(consumer: Ptr, name: string, data: Ptr, bytes: number): Sleepable<number> {
    const { k } = this;
    const length = k.slab.allocateBytes(4, true);
    k.space.store32(length, bytes);
    const error = yield* k.get(GeomAttributes).attribute(k.constantString(name), consumer, length, data);
    k.slab.free(length);
    return error;
  }

  /** DIOCGATTR: an attribute by its name, in a struct diocgattr_arg. */
  private *anyAttribute(consumer: Ptr, argument: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('diocgattr_arg');
    if (type.get(argument, 'len') > type.member('value').size) return EINVAL;
    const [name, length, value] = ['name', 'len', 'value'].map((member) => type.addr(argument, member));
    return yield* k.get(GeomAttributes).attribute(name, consumer, length, value);
  }

  private *delete(consumer: Ptr, provider: Ptr, from: number, bytes: number): Sleepable<number> {
    const { k, objects } = this;
    const sector = objects.provider.get(provider, 'sectorsize');
    const media = objects.provider.get(provider, 'mediasize');
    if (from % sector !== 0 || bytes % sector !== 0 || bytes <= 0) {
      k.get(SubrPrf).line(`g_dev_ioctl: offset=${from} length=${bytes}`);
      return EINVAL;
    }
    if (media > 0 && from >= media) return EIO;
    for (let done = 0; done < bytes; ) {
      const chunk = Math.min(bytes - done, DELETE_MOST * sector);
      const error = yield* k.get(GeomIo).deleteData(consumer, from + done, chunk);
      if (error !== 0) return error;
      done += chunk;
    }
    return 0;
  }

  /** g_dev_strategy(): a request of the device becomes one of its consumer. */
  private *strategy(bio: Ptr): Sleepable<void> {
    const { k } = this;
    const bios = k.get(Bios);
    const consumer = this.consumerOf(bios.type.get(bio, 'bio_dev'));
    const softc = this.softcs.get(consumer);
    if (!this.isWhole(bio, consumer)) {
      bios.type.set(bio, 'bio_resid', bios.type.get(bio, 'bio_bcount'));
      yield* bios.finish(bio, EINVAL);
      return;
    }
    k.get(GeomTopology).demand(
      softc !== undefined && softc.open > 0,
      () => 'Closed device in g_dev_strategy',
    );
    if (softc) softc.active++;
    let copy = yield* bios.clone(bio, false);
    while (copy === 0) {
      const until = k.clock.now + 1e8;
      yield* k.get(SleepQueues).sleep(consumer, { message: 'gdstrat', until });
      copy = yield* bios.clone(bio, false);
    }
    bios.type.bind(copy, 'bio_done', 'g_dev_done', (done: Ptr) => this.done(done));
    yield* k.get(GeomIo).request(copy, consumer);
  }

  /** Whether a request is of whole sectors. */
  private isWhole(bio: Ptr, consumer: Ptr): boolean {
    const { objects } = this;
    const sector = objects.provider.get(objects.consumer.get(consumer, 'provider'), 'sectorsize');
    const { type } = this.k.get(Bios);
    return (
      sector === 0 || ['bio_offset', 'bio_bcount'].every((member) => type.get(bio, member) % sector === 0)
    );
  }

  private *done(copy: Ptr): Sleepable<void> {
    const { k } = this;
    const bios = k.get(Bios);
    const { type } = bios;
    const consumer = type.get(copy, 'bio_from');
    const bio = type.get(copy, 'bio_parent');
    const [error, completed] = [type.get(copy, 'bio_error'), type.get(copy, 'bio_completed')];
    type.set(bio, 'bio_error', error);
    type.set(bio, 'bio_completed', completed);
    type.set(bio, 'bio_resid', type.get(bio, 'bio_length') - completed);
    if (error !== 0) bios.put(bio, 'BIO_ERROR');
    yield* bios.destroy(copy);
    const softc = this.softcs.get(consumer);
    if (softc) {
      softc.active--;
      if (softc.active === 0 && softc.open === 0) k.get(SleepQueues).wakeAll(softc.channel);
      if (softc.active === 0 && softc.destroying) this.destroyLater(consumer);
    }
    yield* bios.done(bio);
  }

  private orphan(consumer: Ptr): void {
    const { k } = this;
    k.get(GeomTopology).assert('g_dev_orphan');
    const softc = this.softcs.get(consumer);
    if (!softc) return;
    const conf = k.get(Conf);
    conf.delist(softc.device);
    const self = this;
    // biome-ignore lint/correctness/useYield: what follows happens in another thread
    conf.destroyThen(softc.device, function* () {
      softc.destroying = true;
      if (softc.active === 0) self.destroyLater(consumer);
    });
  }

  private destroyLater(consumer: Ptr): void {
    this.k.get(GeomEvents).post((cancelled) => this.destroy(consumer, cancelled));
  }

  /** g_dev_destroy(): nobody uses the device any more. */
  private *destroy(consumer: Ptr, cancelled: boolean): Sleepable<void> {
    if (cancelled) return;
    const { k } = this;
    const access = k.get(GeomAccess);
    this.notify('DESTROY', this.nameOf(consumer));
    yield* access.close(consumer);
    access.detach(consumer);
    yield* this.forget(consumer);
    const softc = this.softcs.get(consumer);
    if (softc) k.slab.free(softc.channel);
    this.softcs.delete(consumer);
  }

  private attributeChanged(consumer: Ptr, attribute: string): void {
    if (attribute !== 'GEOM::media') return;
    const softc = this.softcs.get(consumer);
    if (!softc) return;
    const name = this.k.struct('cdev').text(softc.device, 'si_name');
    this.k.get(Devctl).notify('DEVFS', 'CDEV', 'MEDIACHANGE', `cdev=${name}`);
    this.notify('MEDIACHANGE', name);
  }
}

interface IoctlCall {
  readonly consumer: Ptr;
  readonly provider: Ptr;
  readonly command: number;
  readonly data: Ptr;
  readonly flags: number;
}
