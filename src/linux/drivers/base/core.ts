import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { runNow, type Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EINVAL } from '../../errno.js';
import { asKernel, type Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import { Uevents } from '../../kobject/uevent.js';
import { Mutexes } from '../../locking/mutex.js';
import { SlabExports } from '../../mm/slab.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { DmaDebug } from '../dma/dma-debug.js';
import { Buses } from './bus.js';
import { BusRegistry } from './bus-registry.js';
import { Classes } from './class.js';
import { DeviceStates, deviceOf, getDevice, kobjOf, putDevice } from './device.js';
import { DeviceAttributes } from './device-attributes.js';
import { NumberedDevices } from './device-nodes.js';
import { DeviceUevents } from './device-uevent.js';
import { Devres } from './devres.js';
import { RuntimePm } from './pm-runtime.js';
import { initPower } from './power-fields.js';

/** fwnode_handle.flags (include/linux/fwnode.h). */
const FWNODE_FLAG_LINKS_ADDED = 1 << 0;

/** Places in a struct device that begin as empty lists. */
const LISTS = ['dma_pools', 'devres_head', 'links.consumers', 'links.suppliers', 'links.defer_sync'] as const;

/**
 * Devices: their life from device_initialize() to the release of the last reference, and what is made for
 * them in sysfs (drivers/base/core.c, Documentation/driver-api/driver-model/device.rst).
 */
export class Devices implements Subsystem {
  readonly exports = {};

  *holds(): Generator<Holding> {
    for (const at of this.added) {
      if (!this.k.space.canRead(at, this.device.size)) continue;
      const owners = [this.device.get(at, 'release'), this.device.get(at, 'type')];
      yield {
        kind: this.kindOf(at),
        at,
        uses: owners,
        // Its own, and the directory between it and its parent, which goes with the last device in it.
        kobjects: [kobjOf(this.k, at), this.device.get(at, 'kobj.parent')],
        name: () => deviceName(this.k, at),
      };
    }
  }

  /** `platform device`, `input device`, by the device's bus or class. */
  private kindOf(device: Ptr): string {
    const bus = this.k.get(BusRegistry).get(this.device.get(device, 'bus'))?.name;
    const cls = this.device.get(device, 'class');
    const name =
      bus ?? (this.k.get(Classes).isRegistered(cls) ? this.k.struct('class').string(cls, 'name') : '');
    return name === '' ? 'device' : `${name} device`;
  }
  private readonly device: StructType;
  /** The kset of /sys/devices. */
  private devicesKset: Ptr = 0;
  private readonly top = new Map<string, Ptr>();
  /** Devices between device_add() and device_del(). */
  private readonly added = new Set<Ptr>();

  readonly keeps = ['dev_kobj', 'sysfs_dev_block_kobj', 'sysfs_dev_char_kobj'];

  constructor(private readonly k: LinuxKernel) {
    this.device = k.struct('device');
  }

  boot(): void {
    const { k } = this;
    const kobjects = k.get(Kobjects);
    const attributes = k.get(DeviceAttributes);
    attributes.makeType((kobj) => this.release(deviceOf(k, kobj)));
    const ops = k.get(DeviceUevents).operations(attributes.ktype);
    this.devicesKset = runNow(kobjects.createKset('devices', ops, 0));
    this.keep('devices_kset', this.devicesKset);
    const dev = runNow(kobjects.createAndAdd('dev', 0));
    this.keep('dev_kobj', dev);
    this.keep('sysfs_dev_block_kobj', runNow(kobjects.createAndAdd('block', dev)));
    this.keep('sysfs_dev_char_kobj', runNow(kobjects.createAndAdd('char', dev)));
    const buses = k.get(Buses);
    buses.unregisterRoot = (device) => this.unregister(device);
  }

  /** The kobject of /sys/devices. */
  get topKobject(): Ptr {
    return this.k.get(Kobjects).ksetKobject(this.devicesKset);
  }

  /** device_initialize(): one reference, not visible yet. */
  initialize(device: Ptr): void {
    const { k } = this;
    const type = this.device;
    type.set(device, 'kobj.kset', this.devicesKset);
    k.get(Kobjects).init(kobjOf(k, device), k.get(DeviceAttributes).ktype);
    k.get(Mutexes).init(type.addr(device, 'mutex'));
    for (const head of LISTS) if (type.has(head)) list.init(k.space, type.addr(device, head));
    initPower(k, device);
    if (type.has('numa_node')) type.set(device, 'numa_node', -1);
    type.set(device, 'links.status', k.enumValue('DL_DEV_NO_DRIVER'));
  }

  /** dev_set_name(). */
  setName(device: Ptr, name: string): number {
    return this.k.get(Kobjects).setName(kobjOf(this.k, device), name);
  }

  /** device_register(). */
  *register(device: Ptr): Sleepable<number> {
    this.initialize(device);
    return yield* this.add(device);
  }

  /** device_add(): into sysfs, its bus and its class; then drivers get to see it. */
  *add(device: Ptr): Sleepable<number> {
    const { k } = this;
    const type = this.device;
    if (device === 0) return -EINVAL;
    getDevice(k, device);
    const named = this.giveName(device);
    if (named) {
      yield* putDevice(k, device);
      return named;
    }
    const parent = getDevice(k, type.get(device, 'parent'));
    const inClass = k.get(Classes).isRegistered(type.get(device, 'class'));
    const { kobj: above, glue } = yield* this.parentKobject(device, parent);
    if (above !== 0) type.set(device, 'kobj.parent', above);
    const kobj = kobjOf(k, device);
    const error = yield* k.get(Kobjects).addInternal(kobj);
    if (error) {
      if (glue) yield* k.get(Classes).dropGlue(type.get(device, 'class'), above);
      yield* putDevice(k, parent);
      yield* putDevice(k, device);
      return error;
    }
    this.tellFirmwareNode(device);
    const failed = yield* this.populate(device);
    if (failed) {
      this.forgetFirmwareNode(device);
      yield* k.get(Kobjects).del(kobj);
      if (glue) yield* k.get(Classes).dropGlue(type.get(device, 'class'), above);
      yield* putDevice(k, parent);
      yield* putDevice(k, device);
      return failed;
    }
    k.get(NumberedDevices).add(device);
    this.added.add(device);
    k.origins.note(device);
    yield* k.get(BusRegistry).notify(type.get(device, 'bus'), 'BUS_NOTIFY_ADD_DEVICE', device);
    yield* k.get(Uevents).send(kobj, 'add');
    yield* k.get(Buses).probeDevice(device);
    if (parent !== 0) k.get(DeviceStates).of(parent).children.push(device);
    if (inClass) yield* k.get(Classes).addDevice(device);
    yield* putDevice(k, device);
    return 0;
  }

  /** device_del(): undoes device_add(); the reference of device_initialize() stays. */
  *del(device: Ptr): Sleepable<void> {
    const { k } = this;
    const type = this.device;
    const states = k.get(DeviceStates);
    this.added.delete(device);
    this.forgetFirmwareNode(device);
    states.of(device).dead = true;
    const bus = type.get(device, 'bus');
    const parent = type.get(device, 'parent');
    yield* k.get(BusRegistry).notify(bus, 'BUS_NOTIFY_DEL_DEVICE', device);
    if (parent !== 0) {
      const { children } = states.of(parent);
      if (children.includes(device)) children.splice(children.indexOf(device), 1);
    }
    k.get(NumberedDevices).remove(device);
    const cls = type.get(device, 'class');
    const attributes = k.get(DeviceAttributes);
    if (k.get(Classes).isRegistered(cls)) {
      attributes.removeClassLinks(device);
      yield* k.get(Classes).removeDevice(device);
    }
    attributes.removeAll(device);
    yield* k.get(Buses).removeDevice(device);
    yield* k.get(RuntimePm).remove(device);
    states.of(device).deferred = false;
    yield* k.get(BusRegistry).notify(bus, 'BUS_NOTIFY_REMOVED_DEVICE', device);
    yield* k.get(Uevents).send(kobjOf(k, device), 'remove');
    const above = type.get(device, 'kobj.parent');
    yield* k.get(Kobjects).del(kobjOf(k, device));
    yield* k.get(Classes).dropGlue(cls, above);
    yield* putDevice(k, parent);
  }

  /** The node of the firmware that a device is of knows the first that was made for it, and that its links were looked for. */
  private tellFirmwareNode(device: Ptr): void {
    const node = this.device.get(device, 'fwnode');
    const type = this.k.struct('fwnode_handle');
    if (node === 0 || type.get(node, 'dev') !== 0) return;
    type.set(node, 'dev', device);
    type.set(node, 'flags', type.get(node, 'flags') | FWNODE_FLAG_LINKS_ADDED);
  }

  private forgetFirmwareNode(device: Ptr): void {
    const node = this.device.get(device, 'fwnode');
    const type = this.k.struct('fwnode_handle');
    if (node !== 0 && type.get(node, 'dev') === device) type.set(node, 'dev', 0);
  }

  /** device_unregister(). */
  *unregister(device: Ptr): Sleepable<void> {
    yield* this.del(device);
    yield* putDevice(this.k, device);
  }

  private *populate(device: Ptr): Sleepable<number> {
    const { k } = this;
    const attributes = k.get(DeviceAttributes);
    attributes.addOwn(device);
    const linked = attributes.addClassLinks(device);
    if (linked) return linked;
    const error = yield* attributes.addGroups(device);
    if (error === 0) {
      const onBus = yield* k.get(Buses).addDevice(device);
      if (onBus === 0) {
        attributes.addPower(device);
        return 0;
      }
      attributes.removeGroups(device);
      attributes.removeClassLinks(device);
      return onBus;
    }
    attributes.removeClassLinks(device);
    return error;
  }

  /** init_name, then the bus's dev_name and the id, when it has no name of its own. */
  private giveName(device: Ptr): number {
    const { k } = this;
    const type = this.device;
    if (type.get(device, 'init_name') !== 0) {
      const error = this.setName(device, type.string(device, 'init_name'));
      type.set(device, 'init_name', 0);
      if (error) return error;
    }
    const bus = type.get(device, 'bus');
    if (type.get(device, 'kobj.name') === 0 && bus !== 0) {
      const prefix = k.struct('bus_type').string(bus, 'dev_name');
      if (prefix !== '') this.setName(device, `${prefix}${type.get(device, 'id')}`);
    }
    return type.get(device, 'kobj.name') === 0 ? -EINVAL : 0;
  }

  /** get_device_parent() */
  private *parentKobject(device: Ptr, parent: Ptr): Sleepable<{ kobj: Ptr; glue: boolean }> {
    const { k } = this;
    const type = this.device;
    const cls = type.get(device, 'class');
    if (k.get(Classes).isRegistered(cls)) {
      const sameKind =
        parent !== 0 && type.get(parent, 'class') !== 0 && k.struct('class').get(cls, 'ns_type') === 0;
      if (sameKind) return { kobj: kobjOf(k, parent), glue: false };
      const above = parent === 0 ? yield* this.topDirectory('virtual') : kobjOf(k, parent);
      return { kobj: yield* k.get(Classes).glueDirectory(cls, above), glue: true };
    }
    const bus = type.get(device, 'bus');
    const root = k.get(BusRegistry).devRoot(bus);
    if (parent === 0 && root !== 0) return { kobj: kobjOf(k, root), glue: false };
    return { kobj: kobjOf(k, parent), glue: false };
  }

  /** /sys/devices/virtual or /sys/devices/system, made when it is first needed. */
  *topDirectory(name: 'virtual' | 'system'): Sleepable<Ptr> {
    const make = (): Sleepable<Ptr> => this.k.get(Kobjects).createAndAdd(name, this.topKobject);
    const known = this.top.get(name) ?? (yield* asKernel(this.k, make));
    this.top.set(name, known);
    return known;
  }

  /** device_release(): the last reference went. */
  private *release(device: Ptr): Sleepable<void> {
    const { k } = this;
    const type = this.device;
    yield* k.get(Devres).releaseAll(device);
    k.get(DmaDebug).released(device);
    k.get(DmaDebug).forget(device);
    k.get(DeviceStates).forget(device);
    if (type.has('driver_override.name')) k.get(SlabExports).kfree(type.get(device, 'driver_override.name'));
    const kind = type.get(device, 'type');
    const cls = type.get(device, 'class');
    const releases = [
      [type, device, 'release'],
      [k.struct('device_type'), kind, 'release'],
      [k.struct('class'), cls, 'dev_release'],
    ] as const;
    for (const [owners, owner, member] of releases) {
      if (owner === 0 || owners.get(owner, member) === 0) continue;
      yield* owners.call(owner, member, device);
      return;
    }
    const text = `Device '${deviceName(k, device)}' does not have a release() function, it is broken and must be fixed. See Documentation/core-api/kobject.rst.`;
    warn(k, text, 'drivers/base/core.c:2509', 'device_release');
  }

  private keep(variable: string, value: Ptr): void {
    if (this.k.hasSymbol(variable)) this.k.space.storePtr(this.k.symbol(variable), value);
  }
}
