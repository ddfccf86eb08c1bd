import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { runNow } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { BusRegistry } from '../base/bus-registry.js';
import { OF_DEVICE } from '../base/device.js';
import { I2cBus } from './i2c-bus.js';
import { I2cDetection } from './i2c-detect.js';

/** Registration of I2C drivers (Documentation/i2c/writing-clients.rst). */
export class I2cDrivers implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    i2c_register_driver: (owner: Ptr, driver: Ptr) => this.register(owner, driver),
    i2c_del_driver: (driver: Ptr) => this.unregister(driver),
    i2c_for_each_dev: (data: Ptr, fn: Ptr) => this.forEach(data, fn),
  };

  /** The driver that clients have which only keep an address. */
  boot(): void {
    const { k } = this;
    const type = k.struct('i2c_driver');
    const id = k.struct('i2c_device_id');
    const driver = k.permanent(type.size);
    const table = k.permanent(2 * id.size);
    id.setText(table, 'name', 'dummy');
    type.set(driver, 'driver.name', k.constantString('dummy'));
    type.set(driver, 'id_table', table);
    type.bind(driver, 'probe', 'dummy_probe', () => 0);
    runNow(this.register(0, driver));
  }

  private *register(owner: Ptr, driver: Ptr): Sleepable<number> {
    const { k } = this;
    list.init(k.space, k.struct('i2c_driver').addr(driver, 'clients'));
    const error = yield* k.get(I2cBus).bus.register(driver, owner);
    if (error) return error;
    yield* k.get(I2cDetection).newDriver(driver);
    return 0;
  }

  private *unregister(driver: Ptr): Sleepable<void> {
    yield* this.k.get(I2cDetection).forget({ driver });
    yield* this.k.get(I2cBus).bus.unregister(driver);
  }

  private *forEach(data: Ptr, fn: Ptr): Sleepable<number> {
    const bus = this.k.get(BusRegistry).get(this.k.get(I2cBus).bus.bus);
    for (const device of [...(bus?.devices ?? [])]) {
      const result = yield* this.k.callAs(OF_DEVICE, fn, device, data);
      if (result !== 0) return result;
    }
    return 0;
  }
}
