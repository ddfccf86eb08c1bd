import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { runNow, type Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EINVAL, EIO, ENODEV, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import { hostKtype } from '../../kobject/ktype.js';
import { createFile, createLink, removeChild, removeFile } from '../../kobject/sysfs/files.js';
import { SysfsGroups } from '../../kobject/sysfs/groups.js';
import type { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Uevents } from '../../kobject/uevent.js';
import { Notifiers } from '../../locking/notifier.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { BusRegistry, type BusState } from './bus-registry.js';
import { DriverBinding } from './dd.js';
import { getDevice, kobjOf, OF_DEVICE } from './device.js';

type DeviceFiles = (device: Ptr, directory: SysfsDirectory) => void;

/** Buses and their /sys/bus/NAME (drivers/base/bus.c, Documentation/driver-api/driver-model/bus.rst). */
export class Buses implements Subsystem {
  private ktype: Ptr = 0;
  /** The kset of /sys/bus. */
  private top: Ptr = 0;

  /** Files that a bus of the base kernel's own gives its devices: what dev_groups is for those of modules. */
  private readonly files = new Map<Ptr, DeviceFiles>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    bus_register: (bus: Ptr) => this.register(bus),
    bus_unregister: (bus: Ptr) => this.unregister(bus),
    bus_create_file: (bus: Ptr, attr: Ptr) => {
      const state = this.registry.get(bus);
      return state ? createFile(this.k, this.kobjOf(state), attr) : -EINVAL;
    },
    bus_remove_file: (bus: Ptr, attr: Ptr) => {
      const state = this.registry.get(bus);
      if (state) removeFile(this.k, this.kobjOf(state), attr);
    },
    bus_for_each_dev: (bus: Ptr, start: Ptr, data: Ptr, fn: Ptr) => this.forEachDevice(bus, start, data, fn),
    bus_for_each_drv: (bus: Ptr, start: Ptr, data: Ptr, fn: Ptr) => this.forEachDriver(bus, start, data, fn),
    bus_find_device: (bus: Ptr, start: Ptr, data: Ptr, match: Ptr) =>
      this.findDevice(bus, start, data, match),
    bus_rescan_devices: (bus: Ptr) => this.rescan(bus),
    bus_register_notifier: (bus: Ptr, block: Ptr) => {
      const state = this.registry.get(bus);
      return state ? this.k.get(Notifiers).register(this.registry.notifierHead(state), block) : -EINVAL;
    },
    bus_unregister_notifier: (bus: Ptr, block: Ptr) => {
      const state = this.registry.get(bus);
      return state ? this.k.get(Notifiers).unregister(this.registry.notifierHead(state), block) : -EINVAL;
    },
    bus_get_kset: (bus: Ptr) => {
      const state = this.registry.get(bus);
      return state ? this.k.struct('subsys_private').addr(state.priv, 'subsys') : 0;
    },
    bus_get_dev_root: (bus: Ptr) => getDevice(this.k, this.registry.devRoot(bus)),
    bus_sort_breadthfirst: nothing('devices stay in the order of their registration', undefined),
    subsys_find_device_by_id: (bus: Ptr, id: number) => this.findById(bus, id),
    subsys_interface_register: (iface: Ptr) => this.addInterface(iface),
    subsys_interface_unregister: (iface: Ptr) => this.removeInterface(iface),
  };

  boot(): void {
    const { k } = this;
    this.ktype = hostKtype(k, {
      name: 'bus',
      release: (kobj) => void k.slab.free(k.struct('subsys_private').of(kobj, 'subsys.kobj')),
      show: (kobj, attr, page) => this.show(kobj, attr, page),
      store: (kobj, attr, page, count) => this.store(kobj, attr, page, count),
    });
    this.top = runNow(k.get(Kobjects).createKset('bus', 0, 0));
    if (k.hasSymbol('bus_kset')) k.space.storePtr(k.symbol('bus_kset'), this.top);
  }

  /** Buses that are here for drivers to be listed: what they do the target's own code knows, where that is set up. */
  readonly placeholders = new Set<Ptr>();

  /** A bus that TypeScript has registered for the kernel, whose own code comes to do it. */
  private *adopt({ bus, priv }: BusState): Sleepable<number> {
    const { k } = this;
    if (!k.native || !this.placeholders.delete(bus)) return 0;
    const type = k.struct('bus_type');
    k.space.writable(bus, type.size).set(k.native.asBuilt(bus, type.size));
    if (type.has('p')) type.set(bus, 'p', priv);
    const groups = type.get(bus, 'bus_groups');
    if (groups === 0) return 0;
    const kobj = k.struct('subsys_private').addr(priv, 'subsys.kobj');
    return yield* k.get(SysfsGroups).createGroups(kobj, groups);
  }

  /** bus_register(). */
  *register(bus: Ptr): Sleepable<number> {
    const { k } = this;
    const known = k.native?.settingUp === undefined ? undefined : this.registry.get(bus);
    if (known) return yield* this.adopt(known);
    const type = k.struct('subsys_private');
    const busType = k.struct('bus_type');
    const priv = k.slab.allocateBytes(type.size, true);
    if (priv === 0) return -ENOMEM;
    type.set(priv, 'bus', bus);
    if (busType.has('p')) busType.set(bus, 'p', priv);
    list.init(k.space, type.addr(priv, 'interfaces'));
    const kobjects = k.get(Kobjects);
    const kset = type.addr(priv, 'subsys');
    const kobj = kobjects.ksetKobject(kset);
    const name = busType.string(bus, 'name');
    kobjects.setName(kobj, name);
    k.struct('kobject').set(kobj, 'kset', this.top);
    k.struct('kobject').set(kobj, 'ktype', this.ktype);
    const error = yield* kobjects.registerKset(kset);
    if (error) {
      k.slab.free(k.struct('kobject').get(kobj, 'name'));
      k.slab.free(priv);
      if (busType.has('p')) busType.set(bus, 'p', 0);
      return error;
    }
    const state: BusState = {
      bus,
      name,
      priv,
      devicesKset: yield* kobjects.createKset('devices', 0, kobj),
      driversKset: yield* kobjects.createKset('drivers', 0, kobj),
      devices: [],
      drivers: [],
      interfaces: [],
      autoprobe: true,
    };
    type.set(priv, 'devices_kset', state.devicesKset);
    type.set(priv, 'drivers_kset', state.driversKset);
    type.set(priv, 'drivers_autoprobe', 1);
    this.registry.add(state);
    this.addControls(state, kobj);
    const groups = busType.get(bus, 'bus_groups');
    return groups === 0 ? 0 : yield* k.get(SysfsGroups).createGroups(kobj, groups);
  }

  /** bus_unregister(). */
  *unregister(bus: Ptr): Sleepable<void> {
    const { k } = this;
    const state = this.registry.get(bus);
    if (!state) {
      // bus->p is NULL, before and after.
      k.space.load32(k.struct('subsys_private').offsetOf('subsys.kobj'));
      return;
    }
    const type = k.struct('bus_type');
    const root = this.registry.devRoot(bus);
    if (root !== 0) yield* this.unregisterRoot(root);
    const groups = type.get(bus, 'bus_groups');
    if (groups !== 0) k.get(SysfsGroups).removeGroups(this.kobjOf(state), groups);
    const kobjects = k.get(Kobjects);
    yield* kobjects.unregisterKset(state.driversKset);
    yield* kobjects.unregisterKset(state.devicesKset);
    this.registry.delete(bus);
    yield* kobjects.unregisterKset(k.struct('subsys_private').addr(state.priv, 'subsys'));
    if (type.has('p')) type.set(bus, 'p', 0);
  }

  /** Removes the root device of a subsystem; set by the device core. */
  unregisterRoot: (device: Ptr) => Sleepable<void> = function* () {};

  /** bus_add_device(): the bus's attributes and links for a device. */
  *addDevice(device: Ptr): Sleepable<number> {
    const { k } = this;
    const state = this.registry.get(k.struct('device').get(device, 'bus'));
    if (!state) return 0;
    const kobj = kobjOf(k, device);
    const groups = k.struct('bus_type').get(state.bus, 'dev_groups');
    let error = groups === 0 ? 0 : yield* k.get(SysfsGroups).createGroups(kobj, groups);
    if (error) return error;
    const name = deviceName(k, device);
    const devices = k.get(Kobjects).ksetKobject(state.devicesKset);
    error = createLink(k, devices, kobj, name) || createLink(k, kobj, this.kobjOf(state), 'subsystem');
    if (error) {
      if (groups !== 0) k.get(SysfsGroups).removeGroups(kobj, groups);
      return error;
    }
    const directory = k.get(Sysfs).directoryOf(kobj);
    if (directory) this.files.get(state.bus)?.(device, directory);
    state.devices.push(device);
    return 0;
  }

  /** Devices that join `bus` from now on get the files that `add` makes in their directory. */
  addDeviceFiles(bus: Ptr, add: DeviceFiles): void {
    this.files.set(bus, add);
  }

  /** bus_probe_device(): offers a new device to drivers and interfaces. */
  *probeDevice(device: Ptr): Sleepable<void> {
    const { k } = this;
    const state = this.registry.get(k.struct('device').get(device, 'bus'));
    if (!state) return;
    if (state.autoprobe) yield* k.get(DriverBinding).attachDevice(device);
    for (const iface of [...state.interfaces]) yield* this.offer(iface, device);
  }

  /** bus_remove_device() */
  *removeDevice(device: Ptr): Sleepable<void> {
    const { k } = this;
    const state = this.registry.get(k.struct('device').get(device, 'bus'));
    if (!state) return;
    for (const iface of [...state.interfaces]) yield* this.withdraw(iface, device);
    const kobj = kobjOf(k, device);
    removeChild(k, kobj, 'subsystem');
    removeChild(k, k.get(Kobjects).ksetKobject(state.devicesKset), deviceName(k, device));
    const groups = k.struct('bus_type').get(state.bus, 'dev_groups');
    if (groups !== 0) k.get(SysfsGroups).removeGroups(kobj, groups);
    const at = state.devices.indexOf(device);
    if (at >= 0) state.devices.splice(at, 1);
    yield* k.get(DriverBinding).release(device);
  }

  /** The kobject of /sys/bus/NAME. */
  kobjOf(state: BusState): Ptr {
    return this.k.struct('subsys_private').addr(state.priv, 'subsys.kobj');
  }

  private get registry(): BusRegistry {
    return this.k.get(BusRegistry);
  }

  /** uevent, drivers_probe and drivers_autoprobe of /sys/bus/NAME. */
  private addControls(state: BusState, kobj: Ptr): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const directory = sysfs.directoryOf(kobj)!;
    sysfs.addText(directory, 'uevent', 0o200, undefined, function* (text) {
      const action = text.trim();
      if (action !== 'add' && action !== 'remove' && action !== 'change') return -EINVAL;
      yield* k.get(Uevents).send(kobj, action, ['SYNTH_UUID=0']);
      return 0;
    });
    sysfs.addText(
      directory,
      'drivers_autoprobe',
      0o644,
      () => `${Number(state.autoprobe)}\n`,
      (text) => {
        state.autoprobe = !text.startsWith('0');
        return 0;
      },
    );
    sysfs.addText(directory, 'drivers_probe', 0o200, undefined, (text) =>
      this.probeNamed(state, text.trim()),
    );
  }

  private *probeNamed(state: BusState, name: string): Sleepable<number> {
    const device = this.registry.deviceNamed(state, name);
    if (device === 0) return -ENODEV;
    const result = yield* this.k.get(DriverBinding).attachDevice(device);
    return result < 0 ? result : result === 0 ? -EINVAL : 0;
  }

  private *forEachDevice(bus: Ptr, start: Ptr, data: Ptr, fn: Ptr): Sleepable<number> {
    const state = this.registry.get(bus);
    if (!state) return -EINVAL;
    const devices = state.devices.slice(start === 0 ? 0 : state.devices.indexOf(start) + 1);
    for (const device of devices) {
      const result = yield* this.k.callAs(OF_DEVICE, fn, device, data);
      if (result !== 0) return result;
    }
    return 0;
  }

  private *forEachDriver(bus: Ptr, start: Ptr, data: Ptr, fn: Ptr): Sleepable<number> {
    const state = this.registry.get(bus);
    if (!state) return -EINVAL;
    const drivers = state.drivers.slice(start === 0 ? 0 : state.drivers.indexOf(start) + 1);
    for (const driver of drivers) {
      // int (*fn)(struct device_driver *, void *), a parameter of bus_for_each_drv().
      const result = yield* this.k.callAs('i:pp', fn, driver, data);
      if (result !== 0) return result;
    }
    return 0;
  }

  private *findDevice(bus: Ptr, start: Ptr, data: Ptr, match: Ptr): Sleepable<Ptr> {
    const state = this.registry.get(bus);
    if (!state) return 0;
    return getDevice(this.k, yield* this.registry.findDevice(state.devices, start, data, match));
  }

  private findById(bus: Ptr, id: number): Ptr {
    const devices = this.registry.get(bus)?.devices ?? [];
    const found = devices.find((device) => this.k.struct('device').get(device, 'id') === id) ?? 0;
    return getDevice(this.k, found);
  }

  private *rescan(bus: Ptr): Sleepable<number> {
    for (const device of [...(this.registry.get(bus)?.devices ?? [])])
      if (this.k.struct('device').get(device, 'driver') === 0)
        yield* this.k.get(DriverBinding).attachDevice(device);
    return 0;
  }

  private *addInterface(iface: Ptr): Sleepable<number> {
    const state = this.registry.get(this.k.struct('subsys_interface').get(iface, 'subsys'));
    if (!state) return -ENODEV;
    state.interfaces.push(iface);
    for (const device of [...state.devices]) yield* this.offer(iface, device);
    return 0;
  }

  private *removeInterface(iface: Ptr): Sleepable<void> {
    const state = this.registry.get(this.k.struct('subsys_interface').get(iface, 'subsys'));
    if (!state?.interfaces.includes(iface)) return;
    state.interfaces.splice(state.interfaces.indexOf(iface), 1);
    for (const device of [...state.devices]) yield* this.withdraw(iface, device);
  }

  private *offer(iface: Ptr, device: Ptr): Sleepable<void> {
    const type = this.k.struct('subsys_interface');
    if (type.get(iface, 'add_dev') !== 0) yield* type.call(iface, 'add_dev', device, iface);
  }

  private *withdraw(iface: Ptr, device: Ptr): Sleepable<void> {
    const type = this.k.struct('subsys_interface');
    if (type.get(iface, 'remove_dev') !== 0) yield* type.call(iface, 'remove_dev', device, iface);
  }

  private *show(kobj: Ptr, attr: Ptr, page: Ptr): Sleepable<number> {
    const type = this.k.struct('bus_attribute');
    const state = this.registry.byKobject(kobj);
    return type.get(attr, 'show') === 0 || !state ? 0 : yield* type.call(attr, 'show', state.bus, page);
  }

  private *store(kobj: Ptr, attr: Ptr, page: Ptr, count: number): Sleepable<number> {
    const type = this.k.struct('bus_attribute');
    const state = this.registry.byKobject(kobj);
    if (type.get(attr, 'store') === 0 || !state) return -EIO;
    return yield* type.call(attr, 'store', state.bus, page, count);
  }
}
