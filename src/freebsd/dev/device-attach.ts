import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Listeners } from '../../kernel/listeners.js';
import { EBUSY, EINVAL, ENOMEM, ENXIO } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusTree } from './bus-tree.js';
import { type Devclass, type Device, DS_ALIVE, DS_ATTACHED, DS_ATTACHING, DS_NOTPRESENT } from './device.js';
import { Devices } from './devices.js';
import { Hints } from './hints.js';
import { Kobj } from './kobj.js';

/** What happens to a device, for whoever subscribes: sysctl nodes, event handlers, devd(8). */
export interface DeviceEvent {
  readonly device: Device;
  readonly what:
    | 'attaching'
    | 'attached'
    | 'not-attached'
    | 'detaching'
    | 'kept'
    | 'detached'
    /** It has no driver any longer, after 'detached'. */
    | 'gone'
    | 'no-match';
}

/** How devices come to their drivers and lose them: probe, attach, detach (sys/kern/subr_bus.c). */
export class DeviceAttach implements Subsystem {
  private readonly tree: BusTree;
  private readonly kobj: Kobj;
  private readonly listeners = new Listeners<(event: DeviceEvent) => Sleepable<void>>();

  constructor(private readonly k: FreebsdKernel) {
    this.tree = k.get(BusTree);
    this.kobj = k.get(Kobj);
  }

  readonly exports = {
    device_add_child: (dev: Ptr, name: Ptr, unit: number) => this.addChildTo(dev, 0, name, unit),
    device_add_child_ordered: (dev: Ptr, order: number, name: Ptr, unit: number) =>
      this.addChildTo(dev, order, name, unit),
    device_delete_child: (_dev: Ptr, child: Ptr) => this.deleteChild(this.tree.at(child)),
    device_delete_children: (dev: Ptr) => this.deleteChildren(this.tree.at(dev)),
    device_probe: (dev: Ptr) => this.probe(this.tree.at(dev)),
    device_probe_child: (bus: Ptr, child: Ptr) => this.probeChild(this.tree.at(bus), this.tree.at(child)),
    device_attach: (dev: Ptr) => this.attach(this.tree.at(dev)),
    device_probe_and_attach: (dev: Ptr) => this.probeAndAttach(this.tree.at(dev)),
    device_detach: (dev: Ptr) => this.detach(this.tree.at(dev)),
    device_quiesce: (dev: Ptr) => this.quiesce(this.tree.at(dev)),
    device_shutdown: (dev: Ptr) => this.shutdown(this.tree.at(dev)),
    device_set_driver: (dev: Ptr, driver: Ptr) => this.setDriver(this.tree.at(dev), driver),
    device_set_devclass: (dev: Ptr, name: Ptr) => this.setDevclass(this.tree.at(dev), this.text(name)),
    device_set_devclass_fixed: (dev: Ptr, name: Ptr) => this.fixDevclass(this.tree.at(dev), this.text(name)),
    device_set_unit: (dev: Ptr, unit: number) => this.setUnit(this.tree.at(dev), unit),
  };

  /** Told in the order of what happens; the listener may sleep. */
  listen(listener: (event: DeviceEvent) => Sleepable<void>): () => void {
    return this.listeners.add(listener);
  }

  private *tell(device: Device, what: DeviceEvent['what']): Sleepable<void> {
    for (const listener of this.listeners) yield* listener({ device, what });
  }

  private text(at: Ptr): string | undefined {
    return at === 0 ? undefined : this.k.space.cstring(at);
  }

  private *addChildTo(dev: Ptr, order: number, name: Ptr, unit: number): Sleepable<Ptr> {
    return (yield* this.addChild(this.tree.at(dev), order, this.text(name), unit))?.at ?? 0;
  }

  /** Adds a device below a bus: behind those of its order. Undefined where its unit is taken. */
  *addChild(
    bus: Device,
    order: number,
    name: string | undefined,
    unit: number,
  ): Sleepable<Device | undefined> {
    const child = yield* this.tree.make(bus, name, unit);
    if (!child) return undefined;
    child.order = order;
    const place = bus.children.findIndex((other) => other.order > order);
    bus.children.splice(place < 0 ? bus.children.length : place, 0, child);
    return child;
  }

  /** Takes a device away with all that is below it: an errno where a driver does not let go. */
  *deleteChild(child: Device): Sleepable<number> {
    const error = yield* this.detach(child);
    if (error !== 0) return error;
    const failed = yield* this.deleteChildren(child);
    if (failed !== 0) return failed;
    const { parent } = child;
    this.tree.removeFromClass(child);
    if (parent) {
      yield* this.kobj.call(parent.at, 'bus_child_deleted', child.at);
      parent.children.splice(parent.children.indexOf(child), 1);
    }
    for (const name of [...child.properties.keys()]) child.properties.delete(name);
    this.k.get(Devices).setDesc(child, 0);
    this.tree.forget(child);
    return 0;
  }

  *deleteChildren(bus: Device): Sleepable<number> {
    for (;;) {
      const [child] = bus.children;
      if (!child) return 0;
      const error = yield* this.deleteChild(child);
      if (error !== 0) return error;
    }
  }

  /** device_probe(): 0 where a driver wants the device, -1 where nothing is to be done. */
  *probe(device: Device): Sleepable<number> {
    const { parent } = device;
    if (device.isAlive || !parent) return -1;
    if (!device.enabled) {
      if (this.isVerbose && device.name !== undefined) this.tree.print(device, 'not probed (disabled)\n');
      return -1;
    }
    const error = yield* this.probeChild(parent, device);
    if (error !== 0 && !device.noMatchDone) yield* this.lost(device);
    return error;
  }

  /** No driver has a device, or none any longer: its bus is told, once. */
  *lost(device: Device): Sleepable<void> {
    if (device.parent) yield* this.kobj.call(device.parent.at, 'bus_probe_nomatch', device.at);
    yield* this.tell(device, 'no-match');
    device.noMatchDone = true;
  }

  private get isVerbose(): boolean {
    return this.k.space.load32(this.k.variable('bootverbose')) !== 0;
  }

  /** Asks the drivers of a bus, and of the classes that its class is derived from: the one that bids most gets the device. */
  *probeChild(bus: Device, child: Device): Sleepable<number> {
    if (!bus.devclass) return this.k.panic('device_probe_child: parent device has no devclass');
    if (child.state === DS_ALIVE) return 0;
    const best = yield* this.bestDriver(bus.devclass, child);
    if (best === undefined) return ENXIO;
    if (typeof best === 'number') return best;
    if (!child.devclass) {
      const error = yield* this.setDevclass(child, this.kobj.nameOf(best.driver));
      if (error !== 0) return error;
    }
    const error = this.setDriver(child, best.driver);
    if (error !== 0) return error;
    this.readFlags(child, best.driver);
    // Only the one that won may leave its description and softc: it is asked once more.
    if (best.bid < 0) yield* this.kobj.call(child.at, 'device_probe');
    child.state = DS_ALIVE;
    return 0;
  }

  private *bestDriver(
    first: Devclass,
    child: Device,
  ): Sleepable<{ readonly driver: Ptr; readonly bid: number } | number | undefined> {
    const hadClass = child.devclass !== undefined;
    let best: { readonly driver: Ptr; readonly bid: number } | undefined;
    for (let devclass: Devclass | undefined = first; devclass; devclass = devclass.parent) {
      for (const { driver } of devclass.drivers.all) {
        if (hadClass && child.name !== this.kobj.nameOf(driver)) continue;
        const bid = yield* this.ask(child, driver, hadClass);
        if (bid === ENOMEM) return ENOMEM;
        if (bid === 0) return { driver, bid };
        if (bid > 0) this.setDriver(child, 0);
        else if (!best || bid > best.bid) best = { driver, bid };
      }
    }
    return best;
  }

  /** What a driver bids for a device: 0 or less, or an errno. */
  private *ask(child: Device, driver: Ptr, hadClass: boolean): Sleepable<number> {
    const error = this.setDriver(child, driver);
    if (error !== 0) return error;
    const name = this.kobj.nameOf(driver);
    if (!hadClass && (yield* this.setDevclass(child, name)) !== 0) {
      const text = `driver bug: Unable to set devclass (class: ${name} devname: ${child.name ?? '(unknown)'})`;
      this.k.get(SubrPrf).line(text);
      return ENXIO;
    }
    this.readFlags(child, driver);
    const bid = yield* this.kobj.call(child.at, 'device_probe');
    child.devflags = 0;
    if (!hadClass) this.tree.removeFromClass(child);
    if (bid === 0) return 0;
    child.quiet = false;
    return bid <= this.k.macro('BUS_PROBE_NOWILDCARD') && !child.fixedClass ? ENXIO : bid;
  }

  private readFlags(child: Device, driver: Ptr): void {
    const flags = this.k.get(Hints).number(this.kobj.nameOf(driver), child.unit, 'flags');
    if (typeof flags === 'bigint') child.devflags = Number(BigInt.asUintN(32, flags));
  }

  *probeAndAttach(device: Device): Sleepable<number> {
    const error = yield* this.probe(device);
    if (error !== 0) return error === -1 ? 0 : error;
    return yield* this.attach(device);
  }

  *attach(device: Device): Sleepable<number> {
    const { k, kobj } = this;
    const driverName = kobj.nameOf(device.driver);
    if (k.get(Hints).isDisabled(driverName, device.unit)) {
      device.enabled = false;
      if (this.isVerbose) this.tree.print(device, 'disabled via hints entry\n');
      return ENXIO;
    }
    yield* this.tell(device, 'attaching');
    if (!device.quiet) yield* this.printChild(device);
    device.state = DS_ATTACHING;
    const error = yield* kobj.call(device.at, 'device_attach');
    if (error !== 0) {
      k.get(SubrPrf).line(`device_attach: ${driverName}${device.unit} attach returned ${error}`);
      if (!device.fixedClass) this.tree.removeFromClass(device);
      this.setDriver(device, 0, true);
      yield* this.tell(device, 'not-attached');
      device.state = DS_NOTPRESENT;
      return error;
    }
    device.attachedOnce = true;
    device.state = DS_ATTACHED;
    device.noMatchDone = false;
    yield* this.tell(device, 'attached');
    return 0;
  }

  private *printChild(device: Device): Sleepable<void> {
    if (!device.isAlive) this.tree.print(device, ' not found\n');
    else if (device.parent) yield* this.kobj.call(device.parent.at, 'bus_print_child', device.at);
  }

  *detach(device: Device): Sleepable<number> {
    const { kobj } = this;
    if (device.busy > 0) return EBUSY;
    if (device.state === DS_ATTACHING) {
      this.tree.print(device, 'device in attaching state! Deferring detach.\n');
      return EBUSY;
    }
    if (device.state !== DS_ATTACHED) return 0;
    yield* this.tell(device, 'detaching');
    const error = yield* kobj.call(device.at, 'device_detach');
    if (error !== 0) {
      yield* this.tell(device, 'kept');
      return error;
    }
    yield* this.tell(device, 'detached');
    if (!device.quiet) this.tree.print(device, 'detached\n');
    if (device.parent) yield* kobj.call(device.parent.at, 'bus_child_detached', device.at);
    if (!device.fixedClass) this.tree.removeFromClass(device);
    device.quiet = false;
    device.state = DS_NOTPRESENT;
    this.setDriver(device, 0);
    yield* this.tell(device, 'gone');
    return 0;
  }

  *quiesce(device: Device): Sleepable<number> {
    if (device.busy > 0) return EBUSY;
    return device.state === DS_ATTACHED ? yield* this.kobj.call(device.at, 'device_quiesce') : 0;
  }

  *shutdown(device: Device): Sleepable<number> {
    return device.isAttached ? yield* this.kobj.call(device.at, 'device_shutdown') : 0;
  }

  /** Gives a device its driver's methods and a zeroed softc; 0 takes both away. */
  setDriver(device: Device, driver: Ptr, failed = false): number {
    const { k, kobj } = this;
    if (device.isAttached && !failed) return EBUSY;
    if (device.driver === driver) return 0;
    if (device.softc !== 0 && !device.externalSoftc) {
      k.get(Malloc).free(device.softc, this.tree.softcType);
      device.softc = 0;
    }
    k.get(Devices).setDesc(device, 0);
    kobj.delete(device.at, 0);
    device.driver = driver;
    if (driver === 0) {
      this.tree.clearMethods(device);
      return 0;
    }
    kobj.init(device.at, driver);
    const size = k.struct('kobj_class').get(driver, 'size');
    if (device.externalSoftc || size === 0) return 0;
    device.softc = k.get(Malloc).malloc(size, this.tree.softcType, k.macro('M_NOWAIT') | k.macro('M_ZERO'));
    if (device.softc !== 0) return 0;
    kobj.delete(device.at, 0);
    this.tree.clearMethods(device);
    device.driver = 0;
    return ENOMEM;
  }

  *setDevclass(device: Device, name: string | undefined): Sleepable<number> {
    if (name === undefined) {
      this.tree.removeFromClass(device);
      return 0;
    }
    if (device.devclass) {
      this.k.get(SubrPrf).line('device_set_devclass: device class already set');
      return EINVAL;
    }
    return yield* this.tree.addToClass(this.tree.devclass(name), device);
  }

  private *fixDevclass(device: Device, name: string | undefined): Sleepable<number> {
    if (name === undefined) return EINVAL;
    const error = yield* this.setDevclass(device, name);
    if (error === 0) device.fixedClass = true;
    return error;
  }

  private *setUnit(device: Device, unit: number): Sleepable<number> {
    const { devclass } = device;
    if (!devclass || devclass.devices[unit]) return EBUSY;
    this.tree.removeFromClass(device);
    device.unit = unit;
    return yield* this.tree.addToClass(devclass, device);
  }
}
