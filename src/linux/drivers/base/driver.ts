import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { EBUSY, EINVAL, EIO, ENODEV, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import { hostKtype } from '../../kobject/ktype.js';
import { createFile, createLink, removeChild, removeFile } from '../../kobject/sysfs/files.js';
import { SysfsGroups } from '../../kobject/sysfs/groups.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Uevents } from '../../kobject/uevent.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { BusRegistry, type BusState } from './bus-registry.js';
import { DriverBinding } from './dd.js';
import { getDevice, OF_DEVICE } from './device.js';

/** Drivers: registration with a bus, their directory in sysfs (drivers/base/driver.c, bus.c). */
export class Drivers implements Subsystem {
  private ktype: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    driver_register: (driver: Ptr) => this.register(driver),
    driver_unregister: (driver: Ptr) => this.unregister(driver),
    driver_find: (name: Ptr, bus: Ptr) => this.find(this.k.space.cstring(name), bus),
    driver_create_file: (driver: Ptr, attr: Ptr) =>
      driver === 0 ? -EINVAL : createFile(this.k, this.kobjOf(driver), attr),
    driver_remove_file: (driver: Ptr, attr: Ptr) => {
      if (driver !== 0) removeFile(this.k, this.kobjOf(driver), attr);
    },
    driver_for_each_device: (driver: Ptr, start: Ptr, data: Ptr, fn: Ptr) =>
      this.forEachDevice(driver, start, data, fn),
    driver_find_device: (driver: Ptr, start: Ptr, data: Ptr, match: Ptr) =>
      this.findDevice(driver, start, data, match),
  };

  /** driver_register(). */
  *register(driver: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('device_driver');
    const name = type.string(driver, 'name');
    const busPtr = type.get(driver, 'bus');
    const bus = k.get(BusRegistry).get(busPtr);
    if (!bus) {
      const busName = busPtr === 0 ? '(null)' : k.struct('bus_type').string(busPtr, 'name');
      k.log.line(
        `Driver '${name}' was unable to register with bus_type '${busName}' because the bus was not initialized.`,
        LOGLEVEL_ERR,
      );
      return -EINVAL;
    }
    if (this.duplicatesBusMethods(driver, busPtr))
      k.log.line(`Driver '${name}' needs updating - please use bus_type methods`, LOGLEVEL_WARNING);
    if (k.get(BusRegistry).driverNamed(bus, name) !== 0) {
      k.log.line(`Error: Driver '${name}' is already registered, aborting...`, LOGLEVEL_ERR);
      return -EBUSY;
    }
    const error = yield* this.addToBus(driver, bus, name);
    if (error) return error;
    const groups = type.get(driver, 'groups');
    const failed = groups === 0 ? 0 : yield* k.get(SysfsGroups).createGroups(this.kobjOf(driver), groups);
    if (failed) {
      yield* this.removeFromBus(driver, bus);
      return failed;
    }
    yield* k.get(Uevents).send(this.kobjOf(driver), 'add');
    return 0;
  }

  /** driver_unregister(): releases its devices. */
  *unregister(driver: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('device_driver');
    const bus = driver === 0 ? undefined : k.get(BusRegistry).get(type.get(driver, 'bus'));
    if (!bus || type.get(driver, 'p') === 0) {
      warn(k, 'Unexpected driver unregister!', 'drivers/base/driver.c', 'driver_unregister');
      return;
    }
    const groups = type.get(driver, 'groups');
    if (groups !== 0) k.get(SysfsGroups).removeGroups(this.kobjOf(driver), groups);
    yield* this.removeFromBus(driver, bus);
  }

  /** &drv->p->kobj */
  kobjOf(driver: Ptr): Ptr {
    const priv = this.k.struct('device_driver').get(driver, 'p');
    return this.k.struct('driver_private').addr(priv, 'kobj');
  }

  private find(name: string, busPtr: Ptr): Ptr {
    const bus = this.k.get(BusRegistry).get(busPtr);
    return bus ? this.k.get(BusRegistry).driverNamed(bus, name) : 0;
  }

  private duplicatesBusMethods(driver: Ptr, bus: Ptr): boolean {
    const own = this.k.struct('device_driver');
    const shared = this.k.struct('bus_type');
    return ['probe', 'remove', 'shutdown'].some(
      (method) => own.get(driver, method) !== 0 && shared.get(bus, method) !== 0,
    );
  }

  /** bus_add_driver() */
  private *addToBus(driver: Ptr, bus: BusState, name: string): Sleepable<number> {
    const { k } = this;
    const type = k.struct('driver_private');
    const priv = k.slab.allocateBytes(type.size, true);
    if (priv === 0) return -ENOMEM;
    const kobj = type.addr(priv, 'kobj');
    type.set(priv, 'driver', driver);
    k.struct('device_driver').set(driver, 'p', priv);
    k.struct('kobject').set(kobj, 'kset', bus.driversKset);
    const error = yield* k.get(Kobjects).initAndAdd(kobj, this.type(), 0, name);
    if (error) {
      yield* k.get(Kobjects).put(kobj);
      k.struct('device_driver').set(driver, 'p', 0);
      return error;
    }
    this.k.origins.note(driver);
    bus.drivers.push(driver);
    if (bus.autoprobe) yield* k.get(DriverBinding).attachDriver(driver);
    yield* this.linkModule(driver, bus, name);
    const groups = k.struct('bus_type').get(bus.bus, 'drv_groups');
    this.addControls(driver, bus, kobj);
    const failed = groups === 0 ? 0 : yield* k.get(SysfsGroups).createGroups(kobj, groups);
    if (failed) k.log.line(`bus_add_driver: driver_add_groups(${name}) failed`, LOGLEVEL_ERR);
    return 0;
  }

  /** bus_remove_driver() */
  private *removeFromBus(driver: Ptr, bus: BusState): Sleepable<void> {
    const { k } = this;
    const kobj = this.kobjOf(driver);
    const groups = k.struct('bus_type').get(bus.bus, 'drv_groups');
    if (groups !== 0) k.get(SysfsGroups).removeGroups(kobj, groups);
    bus.drivers.splice(bus.drivers.indexOf(driver), 1);
    yield* k.get(DriverBinding).detach(driver);
    this.unlinkModule(driver, bus);
    yield* k.get(Kobjects).del(kobj);
    yield* k.get(Kobjects).put(kobj);
  }

  /** uevent, bind and unbind of /sys/bus/BUS/drivers/NAME. */
  private addControls(driver: Ptr, bus: BusState, kobj: Ptr): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const directory = sysfs.directoryOf(kobj)!;
    sysfs.addText(directory, 'uevent', 0o200, undefined, (text) => this.synthetic(kobj, text));
    if (k.struct('device_driver').get(driver, 'suppress_bind_attrs')) return;
    const binding = k.get(DriverBinding);
    const named = (text: string): Ptr => k.get(BusRegistry).deviceNamed(bus, text.trim());
    sysfs.addText(directory, 'bind', 0o200, undefined, function* (text) {
      const device = named(text);
      if (device === 0 || (yield* binding.match(driver, device)) <= 0) return -ENODEV;
      return yield* binding.bind(driver, device);
    });
    sysfs.addText(directory, 'unbind', 0o200, undefined, function* (text) {
      const device = named(text);
      if (device === 0 || k.struct('device').get(device, 'driver') !== driver) return -ENODEV;
      yield* binding.release(device);
      return 0;
    });
  }

  private *synthetic(kobj: Ptr, text: string): Sleepable<number> {
    const action = text.trim();
    if (action !== 'add' && action !== 'remove' && action !== 'change') return -EINVAL;
    yield* this.k.get(Uevents).send(kobj, action, ['SYNTH_UUID=0']);
    return 0;
  }

  /** module_add_driver(): /sys/module/NAME/drivers/BUS:DRIVER, and the driver's `module`. */
  private *linkModule(driver: Ptr, bus: BusState, name: string): Sleepable<void> {
    const { k } = this;
    const owner = k.struct('device_driver').get(driver, 'owner');
    if (owner === 0) return;
    const module = k.struct('module');
    const kobj = module.addr(owner, 'mkobj.kobj');
    if (!k.get(Sysfs).directoryOf(kobj)) return;
    createLink(k, this.kobjOf(driver), kobj, 'module', true);
    let drivers = module.get(owner, 'mkobj.drivers_dir');
    if (drivers === 0) {
      drivers = yield* k.get(Kobjects).createAndAdd('drivers', kobj);
      module.set(owner, 'mkobj.drivers_dir', drivers);
    }
    if (drivers !== 0) createLink(k, drivers, this.kobjOf(driver), `${bus.name}:${name}`, true);
  }

  private unlinkModule(driver: Ptr, bus: BusState): void {
    const { k } = this;
    removeChild(k, this.kobjOf(driver), 'module');
    const owner = k.struct('device_driver').get(driver, 'owner');
    const drivers = owner === 0 ? 0 : k.struct('module').get(owner, 'mkobj.drivers_dir');
    const name = k.struct('device_driver').string(driver, 'name');
    if (drivers !== 0 && k.get(Sysfs).directoryOf(drivers)) removeChild(k, drivers, `${bus.name}:${name}`);
  }

  private *forEachDevice(driver: Ptr, start: Ptr, data: Ptr, fn: Ptr): Sleepable<number> {
    if (driver === 0) return -EINVAL;
    const devices = [...this.k.get(DriverBinding).devicesOf(driver)];
    for (const device of devices.slice(start === 0 ? 0 : devices.indexOf(start))) {
      const result = yield* this.k.callAs(OF_DEVICE, fn, device, data);
      if (result !== 0) return result;
    }
    return 0;
  }

  private *findDevice(driver: Ptr, start: Ptr, data: Ptr, match: Ptr): Sleepable<Ptr> {
    const devices = this.k.get(DriverBinding).devicesOf(driver);
    const found = yield* this.k.get(BusRegistry).findDevice(devices, start, data, match);
    return getDevice(this.k, found);
  }

  private type(): Ptr {
    const { k } = this;
    this.ktype ||= hostKtype(k, {
      name: 'drv',
      release: (kobj) => void k.slab.free(k.struct('driver_private').of(kobj, 'kobj')),
      show: (kobj, attr, page) => this.show(kobj, attr, page),
      store: (kobj, attr, page, count) => this.store(kobj, attr, page, count),
    });
    return this.ktype;
  }

  private driverAt(kobj: Ptr): Ptr {
    const type = this.k.struct('driver_private');
    return type.get(type.of(kobj, 'kobj'), 'driver');
  }

  private *show(kobj: Ptr, attr: Ptr, page: Ptr): Sleepable<number> {
    const type = this.k.struct('driver_attribute');
    return type.get(attr, 'show') === 0 ? -EIO : yield* type.call(attr, 'show', this.driverAt(kobj), page);
  }

  private *store(kobj: Ptr, attr: Ptr, page: Ptr, count: number): Sleepable<number> {
    const type = this.k.struct('driver_attribute');
    if (type.get(attr, 'store') === 0) return -EIO;
    return yield* type.call(attr, 'store', this.driverAt(kobj), page, count);
  }
}
