import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EEXIST } from '../errno.js';
import { defineType } from '../kern/malloc-type.js';
import { Panic } from '../kern/panic.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { DEVCLASS, Devclass, Device } from './device.js';
import { DriverList } from './driver-list.js';
import { Hints } from './hints.js';
import { Kobj } from './kobj.js';
import { withScratch } from './scratch.js';

/** Bytes of a struct _device: nobody but the kernel looks further than at a device's methods. */
const DEVICE_BYTES = 256;
/** The table of units grows by as many as the smallest allocation holds (MINALLOCSIZE of sys/sys/malloc.h). */
const UNITS_AT_ONCE = 2;

/** The tree of devices, and the classes of them by name (sys/kern/subr_bus.c). */
export class BusTree implements Subsystem {
  readonly exports = {};
  readonly classes = new Map<string, Devclass>();
  private readonly byHandle = new Map<Ptr, Devclass>();
  private readonly devices = new Map<Ptr, Device>();
  private readonly free: Ptr[] = [];
  /** The class of devices without a driver. */
  private nullClass: Ptr = 0;
  /** `bus`: what devices and what belongs to them is allocated with. */
  busType: Ptr = 0;
  root!: Device;

  constructor(private readonly k: FreebsdKernel) {}

  boot(): void {
    const { k } = this;
    this.busType = k.variable('M_BUS', k.sizeOf('malloc_type'));
    this.softcType = defineType(k, 'M_BUS_SC', 'bus-sc');
    this.nullClass = k.permanent(k.sizeOf('kobj_class'));
    k.struct('kobj_class').set(this.nullClass, 'name', k.constantString('null'));
    k.struct('kobj_class').set(this.nullClass, 'methods', k.permanent(k.sizeOf('kobj_method')));
    k.get(Kobj).retain(this.nullClass);
  }

  softcType: Ptr = 0;

  /** All devices, in the order in which they were made. */
  get all(): readonly Device[] {
    return [...this.devices.values()];
  }

  /** The device that a device_t stands for. Throws as the kernel stops at what is none. */
  at(handle: Ptr): Device {
    const device = this.devices.get(handle);
    if (device) return device;
    this.k.struct('kobj').get(handle, 'ops');
    const address = `0x${this.k.space.toAddress(handle).toString(16)}`;
    throw new Panic(`there is no device at ${address}`, 'use-after-free', handle);
  }

  parentOf(handle: Ptr): Ptr {
    return this.at(handle).parent?.at ?? 0;
  }

  classAt(handle: Ptr): Devclass {
    const found = this.byHandle.get(handle);
    if (found) return found;
    this.k.space.load8(handle);
    const address = `0x${this.k.space.toAddress(handle).toString(16)}`;
    throw new Panic(`there is no devclass at ${address}`, 'use-after-free', handle);
  }

  /** devclass_find_internal(): makes it where there is none, for a driver that is based on another with a parent. */
  devclass(name: string, parentName?: string): Devclass {
    let found = this.classes.get(name);
    if (!found) {
      const { k } = this;
      const at = k.permanent(DEVCLASS.bytes);
      k.space.storePtr(at + DEVCLASS.name, k.constantString(name));
      found = new Devclass(name, at, new DriverList(k, at + DEVCLASS.drivers));
      this.classes.set(name, found);
      this.byHandle.set(found.handle, found);
    }
    if (parentName !== undefined && !found.parent && parentName !== name) {
      found.parent = this.devclass(parentName);
      this.k.space.storePtr(found.handle + DEVCLASS.parent, found.parent.handle);
      found.parent.hasChildren = true;
    }
    return found;
  }

  /** Classes that take drivers of another one too. */
  derivedFrom(parent: Devclass): readonly Devclass[] {
    return [...this.classes.values()].filter((one) => one.parent === parent);
  }

  /** make_device(): undefined where the wanted unit is taken. */
  *make(parent: Device | undefined, name: string | undefined, unit: number): Sleepable<Device | undefined> {
    const { k } = this;
    const at = this.free.pop() ?? k.permanent(DEVICE_BYTES);
    const device = new Device(at, parent, unit, unit === -1);
    this.devices.set(at, device);
    k.get(Kobj).init(at, this.nullClass);
    if (name !== undefined) {
      device.fixedClass = true;
      if ((yield* this.addToClass(this.devclass(name), device)) !== 0) {
        this.forget(device);
        return undefined;
      }
    }
    if (parent?.quietChildren) {
      device.quiet = true;
      device.quietChildren = true;
    }
    return device;
  }

  /** Its memory is given back: who uses it from then on is told. */
  forget(device: Device): void {
    this.k.get(Kobj).delete(device.at, 0);
    this.devices.delete(device.at);
    this.free.push(device.at);
  }

  /** A device without a driver has no methods. */
  clearMethods(device: Device): void {
    this.k.get(Kobj).init(device.at, this.nullClass);
  }

  /** devclass_add_device(): finds a unit for it. */
  *addToClass(devclass: Devclass, device: Device): Sleepable<number> {
    const unit = yield* this.unitFor(devclass, device);
    if (unit === undefined) return EEXIST;
    while (devclass.devices.length <= unit)
      for (let i = 0; i < UNITS_AT_ONCE; i++) devclass.devices.push(undefined);
    device.unit = unit;
    devclass.devices[unit] = device;
    device.devclass = devclass;
    device.nameunit = `${devclass.name}${unit}`;
    return 0;
  }

  private *unitFor(devclass: Devclass, device: Device): Sleepable<number | undefined> {
    const { k } = this;
    const unit = device.unit === -1 ? yield* this.hintedUnit(devclass, device) : device.unit;
    if (unit !== -1) {
      if (!devclass.devices[unit]) return unit;
      const taken = `${devclass.name}: ${devclass.name}${unit} already exists; skipping it`;
      if (k.space.load32(k.variable('bootverbose')) !== 0) k.get(SubrPrf).line(taken);
      return undefined;
    }
    let free = 0;
    while (devclass.devices[free] || k.get(Hints).value(devclass.name, free, 'at') !== undefined) free++;
    return free;
  }

  /** The bus may know the unit of a device: BUS_HINT_DEVICE_UNIT. */
  private *hintedUnit(devclass: Devclass, device: Device): Sleepable<number> {
    const { k } = this;
    const { parent } = device;
    const kobj = k.get(Kobj);
    if (!parent || !kobj.has(kobj.classOf(parent.at), 'bus_hint_device_unit')) return -1;
    return yield* withScratch(k, 4, function* (place) {
      k.space.store32(place, -1);
      const name = k.constantString(devclass.name);
      yield* kobj.call(parent.at, 'bus_hint_device_unit', device.at, name, place);
      return k.space.loadInt32(place);
    });
  }

  /** devclass_delete_device(). */
  removeFromClass(device: Device): void {
    const { devclass } = device;
    if (!devclass) return;
    if (devclass.devices[device.unit] !== device)
      this.k.panic('devclass_delete_device: inconsistent device class');
    devclass.devices[device.unit] = undefined;
    if (device.wildcard) device.unit = -1;
    device.devclass = undefined;
    device.nameunit = '';
  }

  /** device_printf(), without a line's end. */
  print(device: Device, text: string): number {
    const name = device.name === undefined ? 'unknown: ' : `${device.nameunit}: `;
    return this.k.get(SubrPrf).print(`${name}${text}`);
  }

  /** Where its name and unit are as a string; 0 for what has no name yet. */
  nameAt(device: Device): Ptr {
    return device.nameunit === '' ? 0 : this.k.constantString(device.nameunit);
  }

  byName(nameunit: string): Device | undefined {
    return this.all.find((device) => device.nameunit === nameunit);
  }
}
