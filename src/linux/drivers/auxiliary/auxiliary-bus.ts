import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { duplicate } from '../../kobject/names.js';
import { Uevents } from '../../kobject/uevent.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Devices } from '../base/core.js';
import { DriverBus } from '../base/driver-bus.js';
import { tableEntry } from '../base/host-bus.js';

const PLACE = 'drivers/base/auxiliary.c';

/** Parts of a device that other drivers serve (Documentation/driver-api/auxiliary_bus.rst). */
export class AuxiliaryBus implements Subsystem {
  static readonly builtIn = 'CONFIG_AUXILIARY_BUS';

  private own: DriverBus | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __auxiliary_driver_register: (driver: Ptr, owner: Ptr, modName: Ptr) =>
      this.register(driver, owner, modName),
    auxiliary_driver_unregister: (driver: Ptr) => this.unregister(driver),
    auxiliary_device_init: (aux: Ptr) => this.initDevice(aux),
    __auxiliary_device_add: (aux: Ptr, modName: Ptr) => this.addDevice(aux, modName),
  };

  boot(): void {
    this.own = new DriverBus(
      this.k,
      {
        variable: 'auxiliary_bus_type',
        name: 'auxiliary',
        driver: 'auxiliary_driver',
        driverMember: 'driver',
        device: 'auxiliary_device',
        deviceMember: 'dev',
      },
      {
        match: (device: Ptr, driver: Ptr) => Number(this.idFor(this.bus.driverOf(driver), device) !== 0),
        uevent: (device: Ptr, env: Ptr) =>
          this.k.get(Uevents).addVar(env, `MODALIAS=auxiliary:${this.stem(device)}`),
        probe: (device: Ptr) =>
          this.bus.callDriver(device, 'probe', this.idFor(this.bus.driverFor(device), device)),
        remove: (device: Ptr) => this.bus.tellDriver(device, 'remove'),
        shutdown: (device: Ptr) => this.bus.tellDriver(device, 'shutdown'),
      },
    );
  }

  get bus(): DriverBus {
    return this.own!;
  }

  /** The name without its number: MODULE.DEVICE. */
  private stem(device: Ptr): string {
    return deviceName(this.k, device).replace(/\.[^.]*$/, '');
  }

  private idFor(driver: Ptr, device: Ptr): Ptr {
    const table = this.k.struct('auxiliary_driver').get(driver, 'id_table');
    return tableEntry(this.k, 'auxiliary_device_id', table, this.stem(device));
  }

  /** The driver's name is made of its module's and its own, and is freed with it. */
  private *register(driver: Ptr, owner: Ptr, modName: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('auxiliary_driver');
    if (type.get(driver, 'probe') === 0 || type.get(driver, 'id_table') === 0) {
      warn(k, '', PLACE, '__auxiliary_driver_register');
      return -EINVAL;
    }
    const own = type.string(driver, 'name');
    const module = modName === 0 ? '' : k.space.cstring(modName);
    const name = duplicate(k, own === '' ? module : `${module}.${own}`);
    if (name === 0) return -ENOMEM;
    const error = yield* this.bus.register(driver, owner, { name, modName });
    if (error) k.slab.free(name);
    return error;
  }

  private *unregister(driver: Ptr): Sleepable<void> {
    const name = this.k.struct('auxiliary_driver').get(driver, 'driver.name');
    yield* this.bus.unregister(driver);
    this.k.slab.free(name);
  }

  private initDevice(aux: Ptr): number {
    const { k } = this;
    const type = k.struct('auxiliary_device');
    const parent = type.get(aux, 'dev.parent');
    const missing = parent === 0 ? 'dev->parent' : type.get(aux, 'name') === 0 ? 'name' : '';
    if (missing !== '') {
      k.log.line(`auxiliary: auxiliary_device has a NULL ${missing}`, LOGLEVEL_ERR);
      return -EINVAL;
    }
    type.set(aux, 'dev.bus', this.bus.bus);
    k.get(Devices).initialize(type.addr(aux, 'dev'));
    return 0;
  }

  private *addDevice(aux: Ptr, modName: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('auxiliary_device');
    const device = type.addr(aux, 'dev');
    if (modName === 0) {
      k.log.line('auxiliary device modname is NULL', LOGLEVEL_ERR);
      return -EINVAL;
    }
    const name = `${k.space.cstring(modName)}.${type.string(aux, 'name')}.${type.get(aux, 'id')}`;
    k.get(Devices).setName(device, name);
    const error = yield* k.get(Devices).add(device);
    if (error) k.log.line(`auxiliary ${name}: adding auxiliary device failed!: ${error}`, LOGLEVEL_ERR);
    return error;
  }
}
