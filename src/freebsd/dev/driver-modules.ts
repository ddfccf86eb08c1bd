import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EINVAL, ENOENT, EOPNOTSUPP } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_QUIESCE, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';
import { BusTree } from './bus-tree.js';
import { DEVCLASS, type Devclass, type Device } from './device.js';
import { DeviceAttach } from './device-attach.js';
import { Devices } from './devices.js';
import type { DriverLink } from './driver-list.js';
import { Kobj } from './kobj.js';

/** Drivers of device classes, and the modules that bring them: DRIVER_MODULE(9), devclass(9). */
export class DriverModules implements Subsystem {
  private readonly tree: BusTree;

  constructor(private readonly k: FreebsdKernel) {
    this.tree = k.get(BusTree);
  }

  readonly exports = {
    driver_module_handler: (module: Ptr, what: number, data: Ptr) => this.event(module, what, data),
    devclass_add_driver: (devclass: Ptr, driver: Ptr, pass: number, place: Ptr) =>
      this.add(this.tree.classAt(devclass), driver, pass, place),
    devclass_delete_driver: (devclass: Ptr, driver: Ptr) => this.delete(this.tree.classAt(devclass), driver),
    devclass_create: (name: Ptr) => this.tree.devclass(this.k.space.cstring(name)).handle,
    devclass_find: (name: Ptr) =>
      name === 0 ? 0 : (this.tree.classes.get(this.k.space.cstring(name))?.handle ?? 0),
    devclass_get_name: (devclass: Ptr) =>
      devclass === 0 ? 0 : this.k.constantString(this.tree.classAt(devclass).name),
    devclass_get_device: (devclass: Ptr, unit: number) => this.device(devclass, unit)?.at ?? 0,
    devclass_get_softc: (devclass: Ptr, unit: number) => this.device(devclass, unit)?.softc ?? 0,
    devclass_get_devices: (devclass: Ptr, list: Ptr, count: Ptr) =>
      this.k.get(Devices).giveList(
        this.tree.classAt(devclass).list.map(({ at }) => at),
        list,
        count,
      ),
    devclass_get_drivers: (devclass: Ptr, list: Ptr, count: Ptr) =>
      this.k.get(Devices).giveList(
        this.tree.classAt(devclass).drivers.all.map(({ driver }) => driver),
        list,
        count,
      ),
    devclass_get_count: (devclass: Ptr) => this.tree.classAt(devclass).list.length,
    devclass_get_maxunit: (devclass: Ptr) =>
      devclass === 0 ? -1 : this.tree.classAt(devclass).devices.length,
    devclass_find_free_unit: (devclass: Ptr, unit: number) => {
      if (devclass === 0) return unit;
      let free = unit;
      while (this.tree.classAt(devclass).devices[free]) free++;
      return free;
    },
    devclass_set_parent: (devclass: Ptr, parent: Ptr) => {
      this.tree.classAt(devclass).parent = parent === 0 ? undefined : this.tree.classAt(parent);
      this.k.space.storePtr(devclass + DEVCLASS.parent, parent);
    },
    devclass_get_parent: (devclass: Ptr) => this.tree.classAt(devclass).parent?.handle ?? 0,
  };

  private device(devclass: Ptr, unit: number): Device | undefined {
    return devclass === 0 || unit < 0 ? undefined : this.tree.classAt(devclass).devices[unit];
  }

  /** The event handler of a driver's module; one of the driver's own may be chained behind it. */
  private *event(module: Ptr, what: number, data: Ptr): Sleepable<number> {
    const type = this.k.struct('driver_module_data');
    const bus = this.tree.devclass(type.string(data, 'dmd_busname'));
    const driver = type.get(data, 'dmd_driver');
    switch (what) {
      case MOD_LOAD: {
        // What the driver's own handler answers is lost, as in the kernel.
        yield* this.chained(module, what, data);
        return yield* this.add(bus, driver, type.get(data, 'dmd_pass'), type.get(data, 'dmd_devclass'));
      }
      case MOD_UNLOAD:
        return (yield* this.delete(bus, driver)) || (yield* this.chained(module, what, data));
      case MOD_QUIESCE:
        return (yield* this.quiesce(bus, driver)) || (yield* this.chained(module, what, data));
      default:
        return EOPNOTSUPP;
    }
  }

  private *chained(module: Ptr, what: number, data: Ptr): Sleepable<number> {
    const type = this.k.struct('driver_module_data');
    const handler = type.get(data, 'dmd_chainevh');
    if (handler === 0) return 0;
    return yield* this.k.callAs('i:pip', handler, module, what, type.get(data, 'dmd_chainarg'));
  }

  /** Adds a driver to the class of its bus: buses that are there try it on their devices. */
  *add(bus: Devclass, driver: Ptr, pass: number, place: Ptr): Sleepable<number> {
    const { k } = this;
    const kobj = k.get(Kobj);
    if (pass <= k.macro('BUS_PASS_ROOT')) return EINVAL;
    kobj.compile(driver);
    const bases = k.struct('kobj_class').get(driver, 'baseclasses');
    const base = bases === 0 ? 0 : k.space.loadPtr(bases);
    const devclass = this.tree.devclass(kobj.nameOf(driver), base === 0 ? undefined : kobj.nameOf(base));
    if (place !== 0) k.space.storePtr(place, devclass.handle);
    bus.drivers.add(driver, pass);
    kobj.retain(driver);
    yield* this.tellBuses(bus, driver);
    return 0;
  }

  private *tellBuses(devclass: Devclass, driver: Ptr): Sleepable<void> {
    for (const device of devclass.list)
      if (device.isAttached) yield* this.k.get(Kobj).call(device.at, 'bus_driver_added', driver);
    for (const derived of this.tree.derivedFrom(devclass)) yield* this.tellBuses(derived, driver);
  }

  /** Takes a driver from the class of its bus, and from its devices first: an errno where one of them does not let go. */
  *delete(bus: Devclass, driver: Ptr): Sleepable<number> {
    const devclass = this.tree.classes.get(this.k.get(Kobj).nameOf(driver));
    if (!devclass) return 0;
    const link = this.linkOf(bus, driver);
    if (!link) return ENOENT;
    const error = yield* this.detachAll(bus, devclass, driver);
    if (error !== 0) return error;
    bus.drivers.remove(link);
    this.k.get(Kobj).release(driver);
    return 0;
  }

  private linkOf(bus: Devclass, driver: Ptr): DriverLink | undefined {
    return bus.drivers.all.find((link) => link.driver === driver);
  }

  private driven(bus: Devclass, devclass: Devclass, driver: Ptr): readonly Device[] {
    return devclass.list.filter((device) => device.driver === driver && device.parent?.devclass === bus);
  }

  private *detachAll(bus: Devclass, devclass: Devclass, driver: Ptr): Sleepable<number> {
    const attach = this.k.get(DeviceAttach);
    for (const device of this.driven(bus, devclass, driver)) {
      const error = yield* attach.detach(device);
      if (error !== 0) return error;
      yield* attach.lost(device);
    }
    for (const derived of this.tree.derivedFrom(bus)) {
      const error = yield* this.detachAll(derived, devclass, driver);
      if (error !== 0) return error;
    }
    return 0;
  }

  private *quiesce(bus: Devclass, driver: Ptr): Sleepable<number> {
    const devclass = this.tree.classes.get(this.k.get(Kobj).nameOf(driver));
    if (!devclass) return 0;
    if (!this.linkOf(bus, driver)) return ENOENT;
    for (const device of this.driven(bus, devclass, driver)) {
      const error = yield* this.k.get(DeviceAttach).quiesce(device);
      if (error !== 0) return error;
    }
    return 0;
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const { name, drivers } of this.tree.classes.values())
      for (const { driver } of drivers.all)
        yield { kind: `driver of bus ${name}`, at: driver, name: () => k.get(Kobj).nameOf(driver) };
    for (const device of this.tree.all)
      if (device.driver !== 0)
        yield { kind: 'device', at: device.at, uses: [device.driver], name: () => device.nameunit };
  }
}
