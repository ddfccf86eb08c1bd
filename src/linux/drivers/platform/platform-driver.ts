import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import { errPtr } from '../../errors.js';
import { symbolAt } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { BusRegistry } from '../base/bus-registry.js';
import { DriverBinding } from '../base/dd.js';
import { getDevice } from '../base/device.js';
import { Drivers } from '../base/driver.js';
import { registerOn } from '../base/host-bus.js';
import { NOTHING_BOUND, PlatformBus } from './platform-bus.js';
import { PlatformDevices } from './platform-device.js';

/** Registration of platform drivers (Documentation/driver-api/driver-model/platform.rst). */
export class PlatformDrivers implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __platform_driver_register: (driver: Ptr, owner: Ptr) => this.register(driver, owner),
    platform_driver_unregister: (driver: Ptr) => this.unregister(driver),
    __platform_driver_probe: (driver: Ptr, probe: Ptr, owner: Ptr) => this.probeOnce(driver, probe, owner),
    __platform_create_bundle: (
      driver: Ptr,
      probe: Ptr,
      resources: Ptr,
      count: number,
      data: Ptr,
      size: number,
      owner: Ptr,
    ) => this.createBundle(driver, probe, resources, count, data, size, owner),
    __platform_register_drivers: (drivers: Ptr, count: number, owner: Ptr) =>
      this.registerAll(drivers, count, owner),
    platform_unregister_drivers: (drivers: Ptr, count: number) => this.unregisterAll(drivers, count),
    platform_find_device_by_driver: (start: Ptr, driver: Ptr) => this.findDevice(start, driver),
  };

  /** __platform_driver_register(). */
  *register(driver: Ptr, owner: Ptr): Sleepable<number> {
    const bus = this.k.get(PlatformBus).bus;
    return yield* registerOn(this.k, bus, this.generic(driver), owner);
  }

  *unregister(driver: Ptr): Sleepable<void> {
    yield* this.k.get(Drivers).unregister(this.generic(driver));
  }

  private generic(driver: Ptr): Ptr {
    return this.k.struct('platform_driver').addr(driver, 'driver');
  }

  /** __platform_driver_probe(): for devices that are there now; -ENODEV when none was bound. */
  private *probeOnce(driver: Ptr, probe: Ptr, owner: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('platform_driver');
    const generic = this.generic(driver);
    const driverType = k.struct('device_driver');
    if (driverType.get(generic, 'probe_type') === k.enumValue('PROBE_PREFER_ASYNCHRONOUS')) {
      const name = driverType.string(generic, 'name');
      k.log.line(
        `__platform_driver_probe: drivers registered with ${name} can not be probed asynchronously`,
        LOGLEVEL_ERR,
      );
      return -EINVAL;
    }
    driverType.set(generic, 'probe_type', k.enumValue('PROBE_FORCE_SYNCHRONOUS'));
    type.set(driver, 'prevent_deferred_probe', 1);
    driverType.set(generic, 'suppress_bind_attrs', 1);
    type.set(driver, 'probe', probe);
    const error = yield* this.register(driver, owner);
    if (error) return error;
    type.set(driver, 'probe', k.get(PlatformBus).probeFail);
    if (k.get(DriverBinding).devicesOf(generic).length > 0) return 0;
    yield* this.unregister(driver);
    return NOTHING_BOUND;
  }

  /** __platform_create_bundle(): a device and the driver for it; the device, or an ERR_PTR. */
  private *createBundle(
    driver: Ptr,
    probe: Ptr,
    resources: Ptr,
    count: number,
    data: Ptr,
    size: number,
    owner: Ptr,
  ): Sleepable<Ptr> {
    const { k } = this;
    const devices = k.get(PlatformDevices);
    const name = k.struct('device_driver').string(this.generic(driver), 'name');
    const pdev = devices.allocate(name, -1);
    if (pdev === 0) return errPtr(ENOMEM);
    let error = devices.addResources(pdev, resources, count) || devices.addData(pdev, data, size);
    if (error === 0) {
      error = yield* devices.add(pdev);
      if (error === 0) {
        error = yield* this.probeOnce(driver, probe, owner);
        if (error === 0) return pdev;
        yield* devices.del(pdev);
      }
    }
    yield* devices.put(pdev);
    return errPtr(-error);
  }

  private *registerAll(drivers: Ptr, count: number, owner: Ptr): Sleepable<number> {
    const { k } = this;
    for (let i = 0; i < count; i++) {
      const driver = k.space.loadPtr(drivers + i * 8);
      const error = yield* this.register(driver, owner);
      if (error === 0) continue;
      const name = symbolAt(k, driver)?.name ?? '';
      k.log.line(`failed to register platform driver ${name}: ${error}`, LOGLEVEL_ERR);
      for (let done = i - 1; done >= 0; done--) yield* this.unregister(k.space.loadPtr(drivers + done * 8));
      return error;
    }
    return 0;
  }

  private *unregisterAll(drivers: Ptr, count: number): Sleepable<void> {
    for (let i = count - 1; i >= 0; i--) yield* this.unregister(this.k.space.loadPtr(drivers + i * 8));
  }

  private *findDevice(start: Ptr, driver: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const bus = k.get(BusRegistry).get(k.get(PlatformBus).bus);
    const devices = bus?.devices ?? [];
    for (const device of devices.slice(start === 0 ? 0 : devices.indexOf(start) + 1))
      if ((yield* k.get(DriverBinding).match(driver, device)) > 0) return getDevice(k, device);
    return 0;
  }
}
