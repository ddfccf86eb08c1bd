import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, EINVAL, ENXIO } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { EventHandlers } from './eventhandler.js';
import { kvprintf } from './format.js';
import { Locks } from './locks.js';
import { SleepQueues } from './sleepqueue.js';

/** A device that is in /dev. */
export interface Cdev {
  readonly at: Ptr;
  readonly name: string;
  /** Another name of this one. */
  readonly aliasOf: Cdev | undefined;
  /** Threads that are in one of its functions. */
  threads: number;
  /** Its device is being taken away. */
  going: boolean;
}

/** What is told of devices that come and go: devfs shows them. */
export interface CdevListener {
  made(device: Cdev): void;
  destroyed(device: Cdev): void;
}

/** make_dev(9) and the switch tables of devices (sys/kern/kern_conf.c). */
export class Conf implements Subsystem {
  private readonly devices = new Map<Ptr, Cdev>();
  private readonly prepared = new Set<Ptr>();
  readonly listeners: CdevListener[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    make_dev: (
      devsw: Ptr,
      unit: number,
      uid: number,
      gid: number,
      mode: number,
      format: Ptr,
      args: VarArgs,
    ) => this.demand({ devsw, unit, uid, gid, mode }, this.text(format, args)),
    make_dev_cred: (
      devsw: Ptr,
      unit: number,
      _cred: Ptr,
      uid: number,
      gid: number,
      mode: number,
      format: Ptr,
      args: VarArgs,
    ) => this.demand({ devsw, unit, uid, gid, mode }, this.text(format, args)),
    make_dev_credf: (
      flags: number,
      devsw: Ptr,
      unit: number,
      _cred: Ptr,
      uid: number,
      gid: number,
      mode: number,
      format: Ptr,
      args: VarArgs,
    ) => this.demand({ devsw, unit, uid, gid, mode, flags }, this.text(format, args)),
    make_dev_p: (
      flags: number,
      place: Ptr,
      devsw: Ptr,
      _cred: Ptr,
      uid: number,
      gid: number,
      mode: number,
      format: Ptr,
      args: VarArgs,
    ) => this.attempt(place, { devsw, unit: 0, uid, gid, mode, flags }, this.text(format, args)),
    make_dev_s: (made: Ptr, place: Ptr, format: Ptr, args: VarArgs) => {
      const type = this.k.struct('make_dev_args');
      const get = (member: string): number => type.get(made, member);
      const description: NewDevice = {
        devsw: get('mda_devsw'),
        unit: get('mda_unit'),
        uid: get('mda_uid'),
        gid: get('mda_gid'),
        mode: get('mda_mode'),
        flags: get('mda_flags'),
        drv1: get('mda_si_drv1'),
        drv2: get('mda_si_drv2'),
      };
      return this.attempt(place, description, this.text(format, args));
    },
    make_dev_args_init_impl: (args: Ptr, size: number) => {
      this.k.space.writable(args, size).fill(0);
      this.k.space.storeLong(args, size);
    },
    make_dev_alias: (parent: Ptr, format: Ptr, args: VarArgs) => this.alias(parent, this.text(format, args)),
    make_dev_alias_p: (_flags: number, place: Ptr, parent: Ptr, format: Ptr, args: VarArgs) => {
      const name = this.text(format, args);
      if (this.named(name)) return EEXIST;
      this.k.space.storePtr(place, this.alias(parent, name));
      return 0;
    },
    destroy_dev: (device: Ptr) => this.destroy(device),
    destroy_dev_sched: (device: Ptr) => this.destroyLater(device, 0, 0),
    destroy_dev_sched_cb: (device: Ptr, callback: Ptr, arg: Ptr) => this.destroyLater(device, callback, arg),
    destroy_dev_drain: (devsw: Ptr) => this.drain(devsw),
    delist_dev: (device: Ptr) => this.delist(device),
    dev_depends: (parent: Ptr, child: Ptr) => {
      this.children.set(parent, [...(this.children.get(parent) ?? []), child]);
    },
    dev_ref: (device: Ptr) => this.count(device, 1),
    dev_refl: (device: Ptr) => this.count(device, 1),
    dev_rel: (device: Ptr) => this.count(device, -1),
    dev_refthread: (device: Ptr, place: Ptr) => this.enter(device, place),
    dev_relthread: (device: Ptr) => this.leave(device),
    devtoname: (device: Ptr) => this.k.struct('cdev').addr(device, 'si_name'),
    dev2udev: (device: Ptr) => this.devices.get(device)?.at ?? 0,
    dev_lock: () => {},
    dev_unlock: () => {},
  };

  readonly signatures = {
    make_dev_s: 'i:ppp.',
    dev_lock: 'v:',
    dev_unlock: 'v:',
    dev2udev: 'L:p',
  };

  private text(format: Ptr, args: VarArgs): string {
    return kvprintf(this.k.space, this.k.space.cstring(format), args);
  }

  /** Asks drivers for a device of a name that there is none of: EVENTHANDLER(dev_clone). 0 where nobody makes one. */
  *clone(name: string): Sleepable<Ptr> {
    const { k } = this;
    const place = k.slab.allocateBytes(8, true);
    const text = k.slab.allocateBytes(name.length + 1, true);
    k.space.storeCstring(text, name);
    const cred = k.struct('thread').get(k.curthread, 'td_ucred');
    yield* k.get(EventHandlers).invoke('dev_clone', 'v:pppip', cred, text, name.length, place);
    const device = k.space.loadPtr(place);
    k.slab.free(place);
    k.slab.free(text);
    if (device !== 0) this.count(device, -1);
    return device;
  }

  /** Every device, in the order in which they were made. */
  get all(): readonly Cdev[] {
    return [...this.devices.values()];
  }

  named(name: string): Cdev | undefined {
    return this.all.find((device) => device.name === name);
  }

  at(device: Ptr): Cdev | undefined {
    return this.devices.get(device);
  }

  /** make_dev(): a name that is taken or bad is a panic. */
  private demand(description: NewDevice, name: string): Ptr {
    const made = this.make(description, name);
    if (typeof made === 'object') return made.at;
    return this.k.panic(`make_dev_credv: bad si_name (error=${made}, si_name=${name})`);
  }

  /** A device of the kernel's own, of root. A name that is taken is a panic, as for make_dev(). */
  makeOwn(devsw: Ptr, name: string, mode: number, drv1: Ptr): Ptr {
    return this.demand({ devsw, unit: 0, uid: 0, gid: 0, mode, drv1 }, name);
  }

  private attempt(place: Ptr, description: NewDevice, name: string): number {
    const made = this.make(description, name);
    this.k.space.storePtr(place, typeof made === 'object' ? made.at : 0);
    return typeof made === 'object' ? 0 : made;
  }

  /** A device, or an error number: EEXIST for a name that is taken. */
  make(description: NewDevice, name: string, aliasOf?: Cdev): Cdev | number {
    const { k } = this;
    // A slash at the end or twice, and the names of the directory itself (prep_devname()).
    if (name === '' || name.endsWith('/') || name.split('/').some((part) => part === '.' || part === '..'))
      return EINVAL;
    if (this.named(name.replace(/^\/+/, ''))) return EEXIST;
    this.prepare(description.devsw);
    const type = k.struct('cdev');
    const at = k.slab.allocateBytes(type.size, true, true);
    const kept = name.replace(/^\/+/, '').replace(/\/+/g, '/');
    type.set(at, 'si_flags', k.macro('SI_NAMED') | (aliasOf ? k.macro('SI_ALIAS') : 0));
    type.set(at, 'si_uid', description.uid);
    type.set(at, 'si_gid', description.gid);
    type.set(at, 'si_mode', description.mode);
    type.set(at, 'si_drv0', description.unit);
    type.set(at, 'si_drv1', description.drv1 ?? 0);
    type.set(at, 'si_drv2', description.drv2 ?? 0);
    type.set(at, 'si_devsw', description.devsw);
    type.set(at, 'si_refcount', 1);
    type.setText(at, 'si_name', kept);
    const device: Cdev = { at, name: kept, aliasOf, threads: 0, going: false };
    this.devices.set(at, device);
    k.origins.note(at);
    for (const listener of this.listeners) listener.made(device);
    return device;
  }

  /** Another name of a device: it goes with it. */
  alias(parent: Ptr, name: string): Ptr {
    const { k } = this;
    const of = this.devices.get(parent);
    if (!of) return k.panic('make_dev_alias: no parent');
    const type = k.struct('cdev');
    const [devsw, uid, gid, mode] = ['si_devsw', 'si_uid', 'si_gid', 'si_mode'].map((member) =>
      type.get(parent, member),
    );
    const made = this.make({ devsw, unit: 0, uid, gid, mode }, name, of);
    if (typeof made !== 'object')
      return k.panic(`make_dev_alias_v: bad si_name (error=${made}, si_name=${name})`);
    type.set(made.at, 'si_parent', parent);
    this.children.set(parent, [...(this.children.get(parent) ?? []), made.at]);
    return made.at;
  }

  private readonly children = new Map<Ptr, readonly Ptr[]>();

  /** prep_cdevsw(): says what is wrong with a driver's table, once. */
  private prepare(devsw: Ptr): void {
    const { k } = this;
    if (this.prepared.has(devsw)) return;
    this.prepared.add(devsw);
    const type = k.struct('cdevsw');
    const name = type.string(devsw, 'd_name') || '???';
    const known = ['D_VERSION_01', 'D_VERSION_02', 'D_VERSION_03', 'D_VERSION_04'].map((one) => k.macro(one));
    if (!known.includes(type.get(devsw, 'd_version'))) {
      k.log.line(
        `WARNING: Device driver "${name}" has wrong version and is disabled. Recompile KLD module.`,
        LOGLEVEL_WARNING,
      );
      this.disabled.add(devsw);
    } else if (type.get(devsw, 'd_flags') & k.macro('D_NEEDGIANT'))
      k.log.line(
        `WARNING: Device "${name}" is Giant locked and may be deleted before FreeBSD 15.0.`,
        LOGLEVEL_WARNING,
      );
  }

  private readonly disabled = new Set<Ptr>();

  /** The switch table of a device that may be called: 0 for one that is gone, or whose driver was disabled. */
  devswOf(device: Ptr): Ptr {
    const one = this.devices.get(device);
    if (!one || one.going) return 0;
    const devsw = this.k.struct('cdev').get(device, 'si_devsw');
    return this.disabled.has(devsw) ? 0 : devsw;
  }

  private enter(device: Ptr, place: Ptr): Ptr {
    const devsw = this.devswOf(device);
    this.k.space.store32(place, devsw === 0 ? 0 : 1);
    const one = this.devices.get(device);
    if (devsw !== 0 && one) one.threads++;
    return devsw;
  }

  private leave(device: Ptr): void {
    const one = this.devices.get(device);
    if (!one) return;
    one.threads--;
    if (one.threads === 0 && one.going) this.k.get(SleepQueues).wakeAll(one.at);
  }

  /** Runs something while the device counts as used. ENXIO for one that is gone. */
  *using(device: Ptr, body: (devsw: Ptr) => Sleepable<number>): Sleepable<number> {
    const one = this.devices.get(device);
    const devsw = this.devswOf(device);
    if (!one || devsw === 0) return ENXIO;
    one.threads++;
    try {
      return yield* body(devsw);
    } finally {
      this.leave(device);
    }
  }

  private count(device: Ptr, change: number): void {
    const type = this.k.struct('cdev');
    type.set(device, 'si_refcount', type.get(device, 'si_refcount') + change);
  }

  /** destroy_dev(9): waits until nobody is in the device any more. */
  *destroy(device: Ptr): Sleepable<void> {
    if (device === 0) return;
    const { k } = this;
    const one = this.devices.get(device);
    if (!one)
      return k.panic(`destroy_dev of 0x${k.space.toAddress(device).toString(16)}, which is no device`);
    k.get(Locks).mightSleep('destroy_dev()');
    for (const child of this.children.get(device) ?? [])
      if (this.devices.has(child)) yield* this.destroy(child);
    this.children.delete(device);
    one.going = true;
    for (const listener of this.listeners) listener.destroyed(one);
    const devsw = k.struct('cdev').get(device, 'si_devsw');
    if (one.threads > 0 && !this.disabled.has(devsw) && k.struct('cdevsw').get(devsw, 'd_purge') !== 0)
      yield* k.struct('cdevsw').call(devsw, 'd_purge', device);
    while (one.threads > 0) yield* k.get(SleepQueues).sleep(device, { message: 'devdrn' });
    for (const close of this.onDestroy) yield* close(device);
    this.devices.delete(device);
    k.origins.forget(device);
    k.slab.free(device);
  }

  /** Who has the device open is told before it goes: private data of open files. */
  readonly onDestroy: ((device: Ptr) => Sleepable<void>)[] = [];

  private destroyLater(device: Ptr, callback: Ptr, arg: Ptr): number {
    const { k } = this;
    this.destroyThen(device, function* () {
      if (callback !== 0) yield* k.callAs('v:p', callback, arg);
    });
    return 1;
  }

  /** destroy_dev_sched_cb() of the kernel's own: in a thread of its own. */
  destroyThen(device: Ptr, then: () => Sleepable<void>): void {
    const { k } = this;
    const self = this;
    k.processes.spawn(
      { name: 'devctl', process: k.processes.kernel },
      (function* (): Sleepable<number> {
        yield* self.destroy(device);
        yield* then();
        return 0;
      })(),
    );
  }

  /** delist_dev(): nobody finds it any more. */
  delist(device: Ptr): void {
    const one = this.devices.get(device);
    if (one) for (const listener of this.listeners) listener.destroyed(one);
  }

  private *drain(devsw: Ptr): Sleepable<void> {
    const type = this.k.struct('cdev');
    while (this.all.some(({ at, going }) => going && type.get(at, 'si_devsw') === devsw))
      yield { kind: 'yield' };
  }

  *holds(): Generator<Holding> {
    const type = this.k.struct('cdev');
    for (const { at, name, aliasOf } of this.devices.values())
      if (!aliasOf)
        yield {
          kind: 'device',
          at,
          uses: [type.get(at, 'si_devsw')],
          by: this.k.origins.of(at),
          name: () => name,
        };
  }
}

/** What a device is made with. */
export interface NewDevice {
  readonly devsw: Ptr;
  readonly unit: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly flags?: number;
  readonly drv1?: Ptr;
  readonly drv2?: Ptr;
}
