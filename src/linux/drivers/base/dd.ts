import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_CRIT, LOGLEVEL_DEBUG, LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import type { Task } from '../../../kernel/task/task.js';
import { TASK_UNINTERRUPTIBLE } from '../../abi/task-state.js';
import { EBUSY, EINVAL, ENODEV, ENXIO, EPROBE_DEFER } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { kobjectName } from '../../kobject/names.js';
import { createLink, removeChild } from '../../kobject/sysfs/files.js';
import { SysfsGroups } from '../../kobject/sysfs/groups.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Uevents } from '../../kobject/uevent.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import { Waiters } from '../../sched/waiters.js';
import type { Subsystem } from '../../subsystem.js';
import { DmaDebug } from '../dma/dma-debug.js';
import { type BusEvent, BusRegistry } from './bus-registry.js';
import { DeviceStates, getDevice, isRegistered, kobjOf, putDevice } from './device.js';
import { Devres } from './devres.js';
import { clearDriverFlags, reinitRuntime } from './power-fields.js';
import { ServedDevices } from './served-devices.js';

/** enum dl_dev_state */
const NO_DRIVER = 'DL_DEV_NO_DRIVER';
const PROBING = 'DL_DEV_PROBING';
const BOUND = 'DL_DEV_DRIVER_BOUND';

/**
 * Binding devices to drivers (drivers/base/dd.c, Documentation/driver-api/driver-model/binding.rst): which
 * driver gets a device, the order of calls, what is undone when a probe fails, and deferred probing.
 */
export class DriverBinding implements Subsystem {
  /** Devices bound to each driver, in the order they were bound. */
  private readonly bound = new Map<Ptr, Ptr[]>();

  /** Who binds or unbinds a device at the moment. */
  private readonly holders = new Map<Ptr, Task>();
  private readonly waiters: Waiters;
  /** What drivers of each module are for, by the module's name. */
  private readonly served = new Map<string, ServedDevices>();

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
  }

  boot(): void {
    this.k.traps.deviceOf = (module) => this.served.get(module)?.names();
  }

  readonly exports = {
    device_attach: (device: Ptr) => this.attachDevice(device),
    driver_attach: (driver: Ptr) => this.attachDriver(driver),
    device_driver_attach: (driver: Ptr, device: Ptr) => this.bind(driver, device),
    device_bind_driver: (device: Ptr) => this.bindAssigned(device),
    device_release_driver: (device: Ptr) => this.release(device),
    device_is_bound: (device: Ptr) => this.isBound(device),
    device_reprobe: (device: Ptr) => this.reprobe(device),
    wait_for_device_probe: nothing('probes do not run in the background', undefined),
    driver_deferred_probe_check_state: nothing('a deferred probe never times out', -EPROBE_DEFER),
    device_set_deferred_probe_reason: (device: Ptr) => void device,
  };

  /** The devices that a driver has. */
  devicesOf(driver: Ptr): readonly Ptr[] {
    return this.bound.get(driver) ?? [];
  }

  isBound(device: Ptr): boolean {
    const driver = this.k.struct('device').get(device, 'driver');
    return driver !== 0 && this.devicesOf(driver).includes(device);
  }

  /** device_attach(): 1 bound, 0 no driver wants it, or an error. */
  *attachDevice(device: Ptr): Sleepable<number> {
    const { k } = this;
    if (k.get(DeviceStates).of(device).dead) return 0;
    const known = k.struct('device').get(device, 'driver');
    if (known !== 0) {
      if (this.isBound(device)) return 1;
      const error = yield* this.bindAssigned(device);
      if (error === 0) return 1;
      k.struct('device').set(device, 'driver', 0);
      return 0;
    }
    const bus = k.get(BusRegistry).get(k.struct('device').get(device, 'bus'));
    for (const driver of [...(bus?.drivers ?? [])]) {
      const matched = yield* this.match(driver, device);
      if (matched === 0) continue;
      if (matched === -EPROBE_DEFER) this.defer(device);
      if (matched < 0) return matched;
      const error = yield* this.probe(driver, device);
      if (error === 0) return 1;
      if (k.struct('device').get(device, 'driver') !== 0) return 1;
    }
    return 0;
  }

  /** driver_attach(): offers every free device of its bus to a driver. */
  *attachDriver(driver: Ptr): Sleepable<number> {
    const { k } = this;
    const bus = k.get(BusRegistry).get(k.struct('device_driver').get(driver, 'bus'));
    for (const device of [...(bus?.devices ?? [])]) {
      const matched = yield* this.match(driver, device);
      if (matched === 0) continue;
      if (matched === -EPROBE_DEFER) this.defer(device);
      if (matched < 0) continue;
      if (k.struct('device').get(device, 'driver') === 0 && !k.get(DeviceStates).of(device).dead)
        yield* this.probe(driver, device);
    }
    return 0;
  }

  /** device_driver_attach(): what writing to a driver's `bind` does. */
  *bind(driver: Ptr, device: Ptr): Sleepable<number> {
    if (this.k.get(DeviceStates).of(device).dead) return -ENODEV;
    if (this.k.struct('device').get(device, 'driver') !== 0) return -EBUSY;
    return yield* this.probe(driver, device);
  }

  /** driver_match_device() */
  *match(driver: Ptr, device: Ptr): Sleepable<number> {
    const { k } = this;
    const bus = k.struct('device_driver').get(driver, 'bus');
    const type = k.struct('bus_type');
    return bus === 0 || type.get(bus, 'match') === 0 ? 1 : yield* type.call(bus, 'match', device, driver);
  }

  /** device_bind_driver(): dev->driver was set by hand; no probe is called. */
  *bindAssigned(device: Ptr): Sleepable<number> {
    const error = this.addLinks(device);
    if (error) yield* this.tell(device, 'BUS_NOTIFY_DRIVER_NOT_BOUND');
    else yield* this.becameBound(device);
    return error;
  }

  /** device_release_driver(). */
  *release(device: Ptr): Sleepable<void> {
    yield* this.releaseDriver(device);
    this.k.get(DeviceStates).of(device).deferred = false;
  }

  /** driver_detach(): takes a driver from all its devices, last bound first. */
  *detach(driver: Ptr): Sleepable<void> {
    for (let list = this.devicesOf(driver); list.length > 0; list = this.devicesOf(driver)) {
      const device = list[list.length - 1];
      getDevice(this.k, device);
      if (this.k.struct('device').get(device, 'driver') === driver) yield* this.releaseDriver(device);
      else this.unlist(driver, device);
      yield* putDevice(this.k, device);
    }
  }

  /** Puts a device on the list of those that are tried again when another driver has bound. */
  defer(device: Ptr): void {
    this.k.get(DeviceStates).of(device).deferred = true;
  }

  /** Probes again what waits for another driver (deferred_probe_work_func). */
  *retryDeferred(): Sleepable<void> {
    const states = this.k.get(DeviceStates);
    for (const device of states.deferred()) {
      states.of(device).deferred = false;
      if (isRegistered(this.k, device)) yield* this.attachDevice(device);
    }
  }

  private *reprobe(device: Ptr): Sleepable<number> {
    if (this.k.struct('device').get(device, 'driver') !== 0) yield* this.release(device);
    const result = yield* this.attachDevice(device);
    return Math.min(result, 0);
  }

  /** driver_probe_device(): the result of the probe, -EPROBE_DEFER made into a later attempt. */
  private *probe(driver: Ptr, device: Ptr): Sleepable<number> {
    if (!isRegistered(this.k, device)) return -ENODEV;
    const error = yield* this.locked(device, () => this.reallyProbe(driver, device));
    if (error === -EPROBE_DEFER) this.defer(device);
    return error;
  }

  /** device_lock(): one task at a time binds or unbinds a device; what is called in between may do so too. */
  private *locked<T>(device: Ptr, body: () => Sleepable<T>): Sleepable<T> {
    const { holders, waiters } = this;
    const task = this.k.executor.current;
    if (!task || holders.get(device) === task) return yield* body();
    while (holders.has(device)) yield* waiters.wait(device, TASK_UNINTERRUPTIBLE);
    holders.set(device, task);
    const result = yield* body();
    holders.delete(device);
    waiters.wakeAll(device);
    return result;
  }

  private *reallyProbe(driver: Ptr, device: Ptr): Sleepable<number> {
    const { k } = this;
    const dev = k.struct('device');
    if (k.get(Devres).has(device)) {
      k.log.line(
        `${driverName(k, device)} ${deviceName(k, device)}: Resources present before probing`,
        LOGLEVEL_CRIT,
      );
      return -EBUSY;
    }
    this.setLinkState(device, PROBING);
    dev.set(device, 'driver', driver);
    const bus = dev.get(device, 'bus');
    const busType = k.struct('bus_type');
    const configures = bus !== 0 && busType.has('dma_configure') && busType.get(bus, 'dma_configure') !== 0;
    let error = configures ? yield* busType.call(bus, 'dma_configure', device) : 0;
    if (error === 0) {
      error = this.addLinks(device);
      if (error) k.log.line(`really_probe: driver_sysfs_add(${deviceName(k, device)}) failed`, LOGLEVEL_ERR);
      else error = yield* this.callProbe(driver, device, bus);
      if (error === 0) error = yield* this.addDriverGroups(driver, device);
    }
    if (error) {
      yield* this.unwind(device, bus);
      return error;
    }
    yield* this.becameBound(device);
    return 0;
  }

  private *callProbe(driver: Ptr, device: Ptr, bus: Ptr): Sleepable<number> {
    const { k } = this;
    yield* this.tell(device, 'BUS_NOTIFY_BIND_DRIVER');
    const served = this.servedBy(driver);
    const done = served?.handle(deviceName(k, device));
    const error = yield* this.byBusOrDriver('probe', driver, device, bus);
    done?.();
    if (error === 0 || error === -EPROBE_DEFER || error === -ENODEV || error === -ENXIO) return error;
    const name = k.struct('device_driver').string(driver, 'name');
    if (error > 0) {
      k.log.line(`${name}: probe of ${deviceName(k, device)} rejects match ${error}`, LOGLEVEL_DEBUG);
      return -error;
    }
    k.log.line(`${name}: probe of ${deviceName(k, device)} failed with error ${error}`, LOGLEVEL_WARNING);
    return error;
  }

  /** The bus's function for it, if it has one, else the driver's; 0 where neither has. */
  private *byBusOrDriver(member: 'probe' | 'remove', driver: Ptr, device: Ptr, bus: Ptr): Sleepable<number> {
    const buses = this.k.struct('bus_type');
    const drivers = this.k.struct('device_driver');
    if (bus !== 0 && buses.get(bus, member) !== 0) return yield* buses.call(bus, member, device);
    return drivers.get(driver, member) === 0 ? 0 : yield* drivers.call(driver, member, device);
  }

  private *addDriverGroups(driver: Ptr, device: Ptr): Sleepable<number> {
    const groups = this.k.struct('device_driver').get(driver, 'dev_groups');
    if (groups === 0) return 0;
    return yield* this.k.get(SysfsGroups).createGroups(kobjOf(this.k, device), groups);
  }

  /** What a failed probe leaves to undo. */
  private *unwind(device: Ptr, bus: Ptr): Sleepable<void> {
    this.removeLinks(device);
    yield* this.tell(device, 'BUS_NOTIFY_DRIVER_NOT_BOUND');
    yield* this.forgetDriver(device, bus);
  }

  /** device_unbind_cleanup() */
  private *forgetDriver(device: Ptr, bus: Ptr): Sleepable<void> {
    const { k } = this;
    const dev = k.struct('device');
    const busType = k.struct('bus_type');
    yield* k.get(Devres).releaseAll(device);
    k.get(DmaDebug).released(device);
    if (bus !== 0 && busType.has('dma_cleanup') && busType.get(bus, 'dma_cleanup') !== 0)
      yield* busType.call(bus, 'dma_cleanup', device);
    dev.set(device, 'driver', 0);
    dev.set(device, 'driver_data', 0);
    const domain = dev.get(device, 'pm_domain');
    const domains = k.struct('dev_pm_domain');
    if (domain !== 0 && domains.get(domain, 'dismiss') !== 0) yield* domains.call(domain, 'dismiss', device);
    reinitRuntime(k, device);
    clearDriverFlags(k, device);
    this.setLinkState(device, NO_DRIVER);
  }

  /** driver_bound() */
  private *becameBound(device: Ptr): Sleepable<void> {
    const { k } = this;
    const driver = k.struct('device').get(device, 'driver');
    const list = this.bound.get(driver) ?? [];
    if (list.includes(device)) {
      k.log.line(`driver_bound: device ${kobjectName(k, kobjOf(k, device))} already bound`, LOGLEVEL_WARNING);
      return;
    }
    this.bound.set(driver, [...list, device]);
    this.servedBy(driver)?.bind(deviceName(k, device));
    this.setLinkState(device, BOUND);
    k.get(DeviceStates).of(device).deferred = false;
    yield* this.tell(device, 'BUS_NOTIFY_BOUND_DRIVER');
    yield* k.get(Uevents).send(kobjOf(k, device), 'bind');
    yield* this.retryDeferred();
  }

  private *releaseDriver(device: Ptr): Sleepable<void> {
    yield* this.locked(device, () => this.leaveDriver(device));
  }

  /** __device_release_driver() */
  private *leaveDriver(device: Ptr): Sleepable<void> {
    const { k } = this;
    const dev = k.struct('device');
    const driver = dev.get(device, 'driver');
    if (driver === 0) return;
    const bus = dev.get(device, 'bus');
    this.removeLinks(device);
    yield* this.tell(device, 'BUS_NOTIFY_UNBIND_DRIVER');
    const groups = k.struct('device_driver').get(driver, 'dev_groups');
    if (groups !== 0) k.get(SysfsGroups).removeGroups(kobjOf(k, device), groups);
    const served = this.servedBy(driver);
    const done = served?.handle(deviceName(k, device));
    yield* this.byBusOrDriver('remove', driver, device, bus);
    yield* this.forgetDriver(device, bus);
    done?.();
    served?.unbind(deviceName(k, device));
    this.unlist(driver, device);
    yield* this.tell(device, 'BUS_NOTIFY_UNBOUND_DRIVER');
    yield* k.get(Uevents).send(kobjOf(k, device), 'unbind');
  }

  private servedBy(driver: Ptr): ServedDevices | undefined {
    const owner = this.k.struct('device_driver').get(driver, 'owner');
    if (owner === 0) return undefined;
    const module = this.k.struct('module').text(owner, 'name');
    const served = this.served.get(module) ?? new ServedDevices();
    this.served.set(module, served);
    return served;
  }

  private unlist(driver: Ptr, device: Ptr): void {
    const rest = this.devicesOf(driver).filter((other) => other !== device);
    if (rest.length > 0) this.bound.set(driver, rest);
    else this.bound.delete(driver);
  }

  /** driver_sysfs_add(): links from driver to device and back. */
  private addLinks(device: Ptr): number {
    const { k } = this;
    const kobj = kobjOf(k, device);
    const driver = k.struct('device').get(device, 'driver');
    const priv = k.struct('device_driver').get(driver, 'p');
    const driverKobj = k.struct('driver_private').addr(priv, 'kobj');
    if (priv === 0 || !k.get(Sysfs).directoryOf(driverKobj)) return -EINVAL;
    const error = createLink(k, driverKobj, kobj, kobjectName(k, kobj));
    if (error) return error;
    const back = createLink(k, kobj, driverKobj, 'driver');
    if (back) removeChild(k, driverKobj, kobjectName(k, kobj));
    return back;
  }

  private removeLinks(device: Ptr): void {
    const { k } = this;
    const driver = k.struct('device').get(device, 'driver');
    const priv = driver === 0 ? 0 : k.struct('device_driver').get(driver, 'p');
    if (priv === 0) return;
    const kobj = kobjOf(k, device);
    removeChild(k, k.struct('driver_private').addr(priv, 'kobj'), kobjectName(k, kobj));
    removeChild(k, kobj, 'driver');
  }

  private *tell(device: Ptr, event: BusEvent): Sleepable<void> {
    yield* this.k.get(BusRegistry).notify(this.k.struct('device').get(device, 'bus'), event, device);
  }

  private setLinkState(device: Ptr, state: string): void {
    this.k.struct('device').set(device, 'links.status', this.k.enumValue(state));
  }
}
