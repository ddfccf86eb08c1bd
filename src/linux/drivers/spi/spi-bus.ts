import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import type { LinuxKernel } from '../../kernel.js';
import { Uevents } from '../../kobject/uevent.js';
import type { Subsystem } from '../../subsystem.js';
import { DriverBus } from '../base/driver-bus.js';
import { DriverOverride } from '../base/driver-override.js';
import { tableEntry } from '../base/host-bus.js';
import { registerBuiltinClass } from '../base/host-class.js';

const CONTROLLERS = 'spi_master_class';
const RELEASE = 'spi_controller_release';
const GROUPS = 'spi_master_groups';

/** The SPI bus and its drivers (drivers/spi/spi.c, Documentation/spi/spi-summary.rst). */
export class SpiBus implements Subsystem {
  static readonly builtIn = 'CONFIG_SPI';

  private own: DriverBus | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = [CONTROLLERS];
  readonly exports = {
    __spi_register_driver: (owner: Ptr, driver: Ptr) => {
      this.checkIds(driver);
      return this.bus.register(driver, owner);
    },
    spi_get_device_id: (spi: Ptr) => this.idOf(spi),
    spi_get_device_match_data: (spi: Ptr) => {
      const id = this.idOf(spi);
      return id === 0 ? 0 : this.k.struct('spi_device_id').get(id, 'driver_data');
    },
    spi_mem_driver_register_with_owner: (driver: Ptr, owner: Ptr) => this.registerMemory(driver, owner),
    spi_mem_driver_unregister: (driver: Ptr) =>
      this.bus.unregister(this.k.struct('spi_mem_driver').addr(driver, 'spidrv')),
  };

  boot(): void {
    this.registerControllers();
    this.own = new DriverBus(
      this.k,
      {
        variable: 'spi_bus_type',
        name: 'spi',
        driver: 'spi_driver',
        driverMember: 'driver',
        device: 'spi_device',
        deviceMember: 'dev',
      },
      {
        match: (device: Ptr, driver: Ptr) => this.match(device, driver),
        uevent: (device: Ptr, env: Ptr) => this.uevent(device, env),
        probe: (device: Ptr) => this.bus.callDriver(device, 'probe'),
        remove: (device: Ptr) => this.bus.tellDriver(device, 'remove'),
        shutdown: (device: Ptr) => this.bus.tellDriver(device, 'shutdown'),
      },
    );
  }

  /** The class of controllers: what they are let go of by is the target's own. */
  private registerControllers(): void {
    const { k } = this;
    const type = k.struct('class');
    const cls = k.variable(CONTROLLERS, type.size);
    if (k.hasSymbol(RELEASE)) type.set(cls, 'dev_release', k.symbol(RELEASE));
    if (k.hasSymbol(GROUPS)) type.set(cls, 'dev_groups', k.symbol(GROUPS));
    registerBuiltinClass(k, 'spi_master', cls);
  }

  get bus(): DriverBus {
    return this.own!;
  }

  private idOf(spi: Ptr): Ptr {
    const { k } = this;
    const driver = k.struct('spi_device').get(spi, 'dev.driver');
    if (driver === 0) return 0;
    const table = k.struct('spi_driver').get(this.bus.driverOf(driver), 'id_table');
    return tableEntry(k, 'spi_device_id', table, k.struct('spi_device').text(spi, 'modalias'));
  }

  private match(device: Ptr, driver: Ptr): number {
    const { k } = this;
    const spi = this.bus.deviceOf(device);
    const type = k.struct('spi_device');
    const name = k.struct('device_driver').string(driver, 'name');
    const override = k.get(DriverOverride).of(device, 'spi_device');
    if (override !== undefined) return Number(override === name);
    const table = k.struct('spi_driver').get(this.bus.driverOf(driver), 'id_table');
    const modalias = type.text(spi, 'modalias');
    if (table === 0) return Number(modalias === name);
    return Number(tableEntry(k, 'spi_device_id', table, modalias) !== 0);
  }

  private uevent(device: Ptr, env: Ptr): number {
    const name = this.k.struct('spi_device').text(this.bus.deviceOf(device), 'modalias');
    return this.k.get(Uevents).addVar(env, `MODALIAS=spi:${name}`);
  }

  /** Complains of compatible strings that no SPI id stands for: such devices load no module by themselves. */
  private checkIds(driver: Ptr): void {
    const { k } = this;
    const type = k.struct('of_device_id');
    const table = k.struct('spi_driver').get(driver, 'driver.of_match_table');
    const ids = k.struct('spi_driver').get(driver, 'id_table');
    const name = k.struct('spi_driver').string(driver, 'driver.name');
    for (let at = table; at !== 0 && type.text(at, 'compatible') !== ''; at += type.size) {
      const compatible = type.text(at, 'compatible');
      const model = compatible.slice(compatible.indexOf(',') + 1);
      if (ids !== 0 && tableEntry(k, 'spi_device_id', ids, model) !== 0) continue;
      if (name === model) continue;
      k.log.line(`SPI driver ${name} has no spi_device_id for ${compatible}`, LOGLEVEL_WARNING);
    }
  }

  /** A driver of SPI memories: its probe is called through the controller's memory operations. */
  private *registerMemory(driver: Ptr, owner: Ptr): Sleepable<number> {
    return yield* this.bus.register(this.k.struct('spi_mem_driver').addr(driver, 'spidrv'), owner);
  }
}
