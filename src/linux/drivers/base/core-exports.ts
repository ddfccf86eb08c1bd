import type { Ptr } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';
import { constant, nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENODEV, ENOMEM } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import { createBinary, createFile, createLink, removeChild, removeFile } from '../../kobject/sysfs/files.js';
import { SysfsGroups } from '../../kobject/sysfs/groups.js';
import { Vsprintf } from '../../lib/vsprintf/vsprintf.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Buses } from './bus.js';
import { BusRegistry } from './bus-registry.js';
import { Classes } from './class.js';
import { Devices } from './core.js';
import { DeviceStates, getDevice, kobjOf, OF_DEVICE, putDevice } from './device.js';
import { Devres } from './devres.js';
import { createDevice } from './host-class.js';

/** The functions on struct device that modules call (include/linux/device.h). */
export class DeviceExports implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    device_initialize: (device: Ptr) => this.devices.initialize(device),
    device_add: (device: Ptr) => this.devices.add(device),
    device_register: (device: Ptr) => this.devices.register(device),
    device_del: (device: Ptr) => this.devices.del(device),
    device_unregister: (device: Ptr) => this.devices.unregister(device),
    get_device: (device: Ptr) => getDevice(this.k, device),
    put_device: (device: Ptr) => putDevice(this.k, device),
    kill_device: (device: Ptr) => this.kill(device),
    dev_set_name: (device: Ptr, fmt: Ptr, args: VarArgs) =>
      this.devices.setName(device, this.text(fmt, args)),
    device_create: (cls: Ptr, parent: Ptr, devt: number, data: Ptr, fmt: Ptr, args: VarArgs) =>
      this.create(cls, parent, devt, data, 0, this.text(fmt, args)),
    device_create_with_groups: (
      cls: Ptr,
      parent: Ptr,
      devt: number,
      data: Ptr,
      groups: Ptr,
      fmt: Ptr,
      args: VarArgs,
    ) => this.create(cls, parent, devt, data, groups, this.text(fmt, args)),
    device_destroy: (cls: Ptr, devt: number) => this.destroy(cls, devt),
    __root_device_register: (name: Ptr, owner: Ptr) => this.registerRoot(name, owner),
    root_device_unregister: (device: Ptr) => this.unregisterRoot(device),
    device_rename: (device: Ptr, name: Ptr) => this.rename(device, this.k.space.cstring(name)),
    device_move: (device: Ptr, parent: Ptr) => this.move(device, parent),
    device_create_file: (device: Ptr, attr: Ptr) =>
      device === 0 ? 0 : createFile(this.k, kobjOf(this.k, device), attr),
    device_remove_file: (device: Ptr, attr: Ptr) => {
      if (device !== 0) removeFile(this.k, kobjOf(this.k, device), attr);
    },
    device_remove_file_self: (device: Ptr, attr: Ptr) =>
      device !== 0 && removeFile(this.k, kobjOf(this.k, device), attr),
    device_create_bin_file: (device: Ptr, attr: Ptr) =>
      device === 0 ? -EINVAL : createBinary(this.k, kobjOf(this.k, device), attr),
    device_remove_bin_file: (device: Ptr, attr: Ptr) => {
      if (device !== 0) removeFile(this.k, kobjOf(this.k, device), attr);
    },
    device_add_groups: (device: Ptr, groups: Ptr) => this.groups.createGroups(kobjOf(this.k, device), groups),
    device_remove_groups: (device: Ptr, groups: Ptr) =>
      this.groups.removeGroups(kobjOf(this.k, device), groups),
    devm_device_add_group: (device: Ptr, group: Ptr) => this.addManagedGroup(device, group),
    devm_device_add_groups: (device: Ptr, groups: Ptr) => this.addManagedGroups(device, groups),
    devm_device_remove_group: (device: Ptr, group: Ptr) => {
      if (this.k.get(Devres).takeHost(device, group)) this.groups.removeGroup(kobjOf(this.k, device), group);
    },
    devm_device_remove_groups: (device: Ptr, groups: Ptr) => {
      if (this.k.get(Devres).takeHost(device, groups))
        this.groups.removeGroups(kobjOf(this.k, device), groups);
    },
    device_for_each_child: (device: Ptr, data: Ptr, fn: Ptr) =>
      this.forEach([...this.children(device)], data, fn),
    device_for_each_child_reverse: (device: Ptr, data: Ptr, fn: Ptr) =>
      this.forEach([...this.children(device)].reverse(), data, fn),
    device_find_child: (device: Ptr, data: Ptr, match: Ptr) => this.findChild(device, data, match),
    device_find_child_by_name: (device: Ptr, name: Ptr) =>
      this.childNamed(device, this.k.space.cstring(name)),
    device_find_any_child: (device: Ptr) => getDevice(this.k, this.children(device)[0] ?? 0),
    device_match_name: (device: Ptr, name: Ptr) =>
      Number(deviceName(this.k, device) === this.k.space.cstring(name)),
    device_match_of_node: (device: Ptr, node: Ptr) =>
      Number(this.k.struct('device').get(device, 'of_node') === node),
    device_match_fwnode: (device: Ptr, node: Ptr) =>
      Number(this.k.struct('device').get(device, 'fwnode') === node),
    device_match_devt: (device: Ptr, devt: Ptr) =>
      Number(this.k.struct('device').get(device, 'devt') === this.k.space.load32(devt)),
    device_match_acpi_dev: (device: Ptr, companion: Ptr) => Number(device === 0 && companion === 0),
    device_match_any: constant(1),
    device_set_of_node_from_dev: (device: Ptr, other: Ptr) => {
      const type = this.k.struct('device');
      type.set(device, 'of_node', type.get(other, 'of_node'));
      type.set(device, 'of_node_reused', 1);
    },
    device_set_node: (device: Ptr, node: Ptr) => this.k.struct('device').set(device, 'fwnode', node),
    lock_device_hotplug: nothing('devices come and go one at a time', undefined),
    unlock_device_hotplug: nothing('devices come and go one at a time', undefined),
    subsys_system_register: (bus: Ptr, groups: Ptr) => this.registerSubsystem(bus, groups, 'system'),
    subsys_virtual_register: (bus: Ptr, groups: Ptr) => this.registerSubsystem(bus, groups, 'virtual'),
    device_change_owner: nothing('files in /sys belong to root', 0),
  };

  private get devices(): Devices {
    return this.k.get(Devices);
  }

  private get groups(): SysfsGroups {
    return this.k.get(SysfsGroups);
  }

  private children(device: Ptr): readonly Ptr[] {
    return device === 0 ? [] : this.k.get(DeviceStates).of(device).children;
  }

  private text(fmt: Ptr, args: VarArgs): string {
    return this.k.get(Vsprintf).text(fmt, args);
  }

  private kill(device: Ptr): boolean {
    const state = this.k.get(DeviceStates).of(device);
    if (state.dead) return false;
    state.dead = true;
    return true;
  }

  /** subsys_register(): a bus whose devices hang below a root device in /sys/devices/system or virtual. */
  private *registerSubsystem(bus: Ptr, groups: Ptr, place: 'system' | 'virtual'): Sleepable<number> {
    const { k } = this;
    const busType = k.struct('bus_type');
    const error = yield* k.get(Buses).register(bus);
    if (error) return error;
    const type = k.struct('device');
    const root = k.slab.allocateBytes(type.size, true);
    this.devices.setName(root, busType.string(bus, 'name'));
    type.set(root, 'groups', groups);
    this.devices.initialize(root);
    type.bind(root, 'release', 'system_root_device_release', (ptr: Ptr) => void k.slab.free(ptr));
    type.set(root, 'kobj.parent', yield* this.devices.topDirectory(place));
    const failed = yield* this.devices.add(root);
    if (failed) {
      yield* putDevice(k, root);
      yield* k.get(Buses).unregister(bus);
      return failed;
    }
    k.get(BusRegistry).setDevRoot(bus, root);
    return 0;
  }

  /** device_create(): an allocated device of a class, or an ERR_PTR. */
  private *create(cls: Ptr, parent: Ptr, devt: number, data: Ptr, groups: Ptr, name: string): Sleepable<Ptr> {
    if (cls === 0 || isErr(cls)) return errPtr(ENODEV);
    return yield* createDevice(this.k, cls, { parent, data, groups, devt, name });
  }

  /** device_destroy(). */
  *destroy(cls: Ptr, devt: number): Sleepable<void> {
    const type = this.k.struct('device');
    const device = this.k
      .get(Classes)
      .devices(cls)
      .find((other) => type.get(other, 'devt') === devt);
    if (device !== undefined) yield* this.devices.unregister(device);
  }

  /** root_device_register(). */
  private *registerRoot(name: Ptr, owner: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('device');
    const root = k.slab.allocateBytes(type.size, true);
    if (root === 0) return errPtr(ENOMEM);
    this.devices.setName(root, k.space.cstring(name));
    type.bind(root, 'release', 'root_device_release', (ptr: Ptr) => void k.slab.free(ptr));
    const error = yield* this.devices.register(root);
    if (error) {
      yield* putDevice(k, root);
      return errPtr(-error);
    }
    if (owner !== 0) createLink(k, kobjOf(k, root), k.struct('module').addr(owner, 'mkobj.kobj'), 'module');
    return root;
  }

  private *unregisterRoot(root: Ptr): Sleepable<void> {
    removeChild(this.k, kobjOf(this.k, root), 'module');
    yield* this.devices.unregister(root);
  }

  private *rename(device: Ptr, name: string): Sleepable<number> {
    const { k } = this;
    const cls = k.get(Classes).kobject(k.struct('device').get(device, 'class'));
    const old = deviceName(k, device);
    if (cls !== 0) {
      removeChild(k, cls, old);
      const error = createLink(k, cls, kobjOf(k, device), name);
      if (error) return error;
    }
    return yield* k.get(Kobjects).rename(kobjOf(k, device), name);
  }

  private *move(device: Ptr, parent: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('device');
    const error = yield* k.get(Kobjects).move(kobjOf(k, device), kobjOf(k, parent));
    if (error) return error;
    const old = type.get(device, 'parent');
    type.set(device, 'parent', getDevice(k, parent));
    const states = k.get(DeviceStates);
    if (old !== 0) {
      const { children } = states.of(old);
      if (children.includes(device)) children.splice(children.indexOf(device), 1);
      yield* putDevice(k, old);
    }
    if (parent !== 0) states.of(parent).children.push(device);
    return 0;
  }

  private *addManagedGroup(device: Ptr, group: Ptr): Sleepable<number> {
    const { k } = this;
    const error = yield* this.groups.createGroup(kobjOf(k, device), group);
    if (error === 0)
      k.get(Devres).addHost(device, group, () => this.groups.removeGroup(kobjOf(k, device), group));
    return error;
  }

  private *addManagedGroups(device: Ptr, groups: Ptr): Sleepable<number> {
    const { k } = this;
    const error = yield* this.groups.createGroups(kobjOf(k, device), groups);
    if (error === 0)
      k.get(Devres).addHost(device, groups, () => this.groups.removeGroups(kobjOf(k, device), groups));
    return error;
  }

  private *forEach(devices: readonly Ptr[], data: Ptr, fn: Ptr): Sleepable<number> {
    for (const device of devices) {
      const result = yield* this.k.callAs(OF_DEVICE, fn, device, data);
      if (result !== 0) return result;
    }
    return 0;
  }

  private *findChild(device: Ptr, data: Ptr, match: Ptr): Sleepable<Ptr> {
    for (const child of [...this.children(device)])
      if ((yield* this.k.callAs(OF_DEVICE, match, child, data)) !== 0) return getDevice(this.k, child);
    return 0;
  }

  private childNamed(device: Ptr, name: string): Ptr {
    const found = this.children(device).find((child) => deviceName(this.k, child) === name) ?? 0;
    return getDevice(this.k, found);
  }

  /** struct dev_ext_attribute's variable. */
}
