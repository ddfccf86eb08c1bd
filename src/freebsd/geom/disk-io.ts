import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EJUSTRETURN, ENODEV, ENOMEM, EOPNOTSUPP } from '../errno.js';
import { Devstat } from '../kern/devstat.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { GeomAttributes } from './attributes.js';
import { Bios } from './bios.js';
import { GeomIo } from './io.js';
import { GeomTopology } from './topology.js';

/** Attributes that are numbers or texts of struct disk. */
const NUMBERS = [
  ['GEOM::fwsectors', 'd_fwsectors', 'g_handleattr_int'],
  ['GEOM::fwheads', 'd_fwheads', 'g_handleattr_int'],
  ['GEOM::hba_vendor', 'd_hba_vendor', 'g_handleattr_uint16_t'],
  ['GEOM::hba_device', 'd_hba_device', 'g_handleattr_uint16_t'],
  ['GEOM::hba_subvendor', 'd_hba_subvendor', 'g_handleattr_uint16_t'],
  ['GEOM::hba_subdevice', 'd_hba_subdevice', 'g_handleattr_uint16_t'],
  ['GEOM::rotation_rate', 'd_rotation_rate', 'g_handleattr_uint16_t'],
] as const;
const TEXTS = [
  ['GEOM::ident', 'd_ident'],
  ['GEOM::descr', 'd_descr'],
  ['GEOM::attachment', 'd_attachment'],
] as const;

/** Requests to disks of drivers (sys/geom/geom_disk.c). */
export class DiskIo implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {}

  private get type() {
    return this.k.struct('disk');
  }

  private has(disk: Ptr, flag: string): boolean {
    return (this.type.get(disk, 'd_flags') & this.k.macro(flag)) !== 0;
  }

  /** g_disk_start(). */
  *start(bio: Ptr): Sleepable<void> {
    const { k } = this;
    const bios = k.get(Bios);
    const provider = bios.type.get(bio, 'bio_to');
    const disk = k.struct('g_provider').get(provider, 'private');
    k.get(GeomTopology).demand(disk !== 0, () => {
      const name = k.struct('g_provider').string(provider, 'name');
      return `g_disk_start(0x${k.space.toAddress(bio).toString(16)}) on destroyed disk ${name}`;
    });
    const error = yield* this.dispatch(disk, bio);
    if (error !== EJUSTRETURN) yield* k.get(GeomIo).deliver(bio, error);
  }

  private *dispatch(disk: Ptr, bio: Ptr): Sleepable<number> {
    const { k } = this;
    const command = k.get(Bios).type.get(bio, 'bio_cmd');
    const is = (name: string): boolean => command === k.macro(name);
    if (is('BIO_GETATTR')) return yield* this.attribute(disk, bio);
    if (is('BIO_DELETE') && !this.has(disk, 'DISKFLAG_CANDELETE')) return EOPNOTSUPP;
    if (is('BIO_READ') || is('BIO_WRITE') || is('BIO_DELETE')) return yield* this.transfer(disk, bio);
    if (is('BIO_FLUSH') && !this.has(disk, 'DISKFLAG_CANFLUSHCACHE')) return EOPNOTSUPP;
    if (is('BIO_ZONE') && !this.has(disk, 'DISKFLAG_CANZONE')) return EOPNOTSUPP;
    if (is('BIO_FLUSH') || is('BIO_ZONE') || is('BIO_SPEEDUP')) return yield* this.pass(disk, bio);
    return EOPNOTSUPP;
  }

  private *pass(disk: Ptr, bio: Ptr): Sleepable<number> {
    const copy = yield* this.k.get(Bios).clone(bio, false);
    if (copy === 0) return ENOMEM;
    yield* this.hand(disk, copy);
    return EJUSTRETURN;
  }

  private *hand(disk: Ptr, copy: Ptr): Sleepable<void> {
    const { k, type } = this;
    const bios = k.get(Bios);
    bios.type.bind(copy, 'bio_done', 'g_disk_done', (done: Ptr) => this.done(done));
    bios.type.set(copy, 'bio_caller1', disk);
    bios.type.set(copy, 'bio_disk', disk);
    k.get(Devstat).start(type.get(disk, 'd_devstat'));
    yield* type.call(disk, 'd_strategy', copy);
  }

  /** In pieces that the driver can do at once: each is made before the one in front of it is handed over, which may end the whole. */
  private *transfer(disk: Ptr, bio: Ptr): Sleepable<number> {
    const { k, type } = this;
    const bios = k.get(Bios);
    const deletes = bios.type.get(bio, 'bio_cmd') === k.macro('BIO_DELETE');
    const most = type.get(disk, deletes ? 'd_delmaxsize' : 'd_maxsize');
    const sector = type.get(disk, 'd_sectorsize');
    let next = yield* bios.clone(bio, false);
    if (next === 0) return ENOMEM;
    for (let from = 0; next !== 0; ) {
      const copy = next;
      next = 0;
      const get = (member: string): number => bios.type.get(copy, member);
      const set = (member: string, value: number): void => bios.type.set(copy, member, value);
      if (from > 0) {
        set('bio_offset', get('bio_offset') + from);
        set('bio_length', get('bio_length') - from);
        if (get('bio_data') !== 0) set('bio_data', get('bio_data') + from);
      }
      if (get('bio_length') > most) {
        set('bio_length', most);
        from += most;
        next = yield* bios.clone(bio, false);
        if (next === 0) bios.type.set(bio, 'bio_error', ENOMEM);
      }
      set('bio_pblkno', Math.floor(get('bio_offset') / sector));
      set('bio_bcount', get('bio_length'));
      yield* this.hand(disk, copy);
    }
    return EJUSTRETURN;
  }

  private *done(copy: Ptr): Sleepable<void> {
    const { k, type } = this;
    const bios = k.get(Bios);
    const get = (at: Ptr, member: string): number => bios.type.get(at, member);
    const bio = get(copy, 'bio_parent');
    if (get(bio, 'bio_error') === 0) bios.type.set(bio, 'bio_error', get(copy, 'bio_error'));
    const completed = get(copy, 'bio_length') - get(copy, 'bio_resid');
    bios.type.set(bio, 'bio_completed', get(bio, 'bio_completed') + completed);
    k.get(Devstat).endBio(type.get(get(copy, 'bio_caller1'), 'd_devstat'), copy);
    bios.type.set(bio, 'bio_inbed', get(bio, 'bio_inbed') + 1);
    const isLast = get(bio, 'bio_children') === get(bio, 'bio_inbed');
    if (isLast) {
      bios.type.set(bio, 'bio_resid', get(bio, 'bio_bcount') - get(bio, 'bio_completed'));
      yield* k.get(GeomIo).deliver(bio, get(bio, 'bio_error'));
    }
    yield* bios.destroy(copy);
  }

  /** What the driver does not answer itself is answered from the struct. */
  private *attribute(disk: Ptr, bio: Ptr): Sleepable<number> {
    const { k, type } = this;
    const bios = k.get(Bios);
    const io = k.get(GeomAttributes).exports;
    if (type.get(disk, 'd_getattr') !== 0) {
      if (bios.type.get(bio, 'bio_disk') === 0) bios.type.set(bio, 'bio_disk', disk);
      const error = yield* type.call(disk, 'd_getattr', bio);
      if (error !== -1) return error;
    }
    const name = bios.type.string(bio, 'bio_attribute');
    const at = bios.type.get(bio, 'bio_attribute');
    if (name === 'GEOM::candelete') {
      yield* io.g_handleattr_int(bio, at, Number(this.has(disk, 'DISKFLAG_CANDELETE')));
      return EJUSTRETURN;
    }
    for (const [attribute, member, how] of NUMBERS) {
      if (attribute !== name) continue;
      yield* io[how](bio, at, type.get(disk, member));
      return EJUSTRETURN;
    }
    for (const [attribute, member] of TEXTS) {
      if (attribute !== name) continue;
      yield* io.g_handleattr_str(bio, at, type.addr(disk, member));
      return EJUSTRETURN;
    }
    return name === 'GEOM::kerneldump' ? ENODEV : k.macro('ENOIOCTL');
  }
}
