import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { runNow } from '../../../kernel/effects.js';
import { ENODEV, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from '../base/core.js';
import { putDevice } from '../base/device.js';
import { DriverBus } from '../base/driver-bus.js';

/** What 24 address lines of the ISA bus reach. */
const DMA_MASK = 0xff_ffffn;

/**
 * The ISA bus of kernels that have it (drivers/base/isa.c). Nothing on it can be found: each driver says how many
 * devices there may be, is asked which of them there are, and probes those.
 */
export class IsaBus implements Subsystem {
  static readonly builtIn = 'CONFIG_ISA_BUS_API';

  private own: DriverBus | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    isa_register_driver: (driver: Ptr, count: number) => this.register(driver, count),
    isa_unregister_driver: (driver: Ptr) => this.unregister(driver),
  };

  boot(): void {
    const { k } = this;
    this.own = new DriverBus(
      k,
      {
        variable: 'isa_bus_type',
        name: 'isa',
        driver: 'isa_driver',
        driverMember: 'driver',
        device: 'isa_dev',
        deviceMember: 'dev',
      },
      {
        match: (device: Ptr, driver: Ptr) => this.match(device, driver),
        probe: (device: Ptr) => this.ask(device, 'probe'),
        remove: (device: Ptr) => this.tell(device, 'remove'),
        shutdown: (device: Ptr) => this.tell(device, 'shutdown'),
      },
    );
    const root = k.symbol('isa_bus');
    k.struct('device').set(root, 'init_name', k.constantString('isa'));
    runNow(k.get(Devices).register(root));
  }

  private get bus(): DriverBus {
    return this.own!;
  }

  private *register(driver: Ptr, count: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('isa_driver');
    type.set(driver, 'devices', 0);
    const owner = type.get(driver, 'driver.owner');
    let error = yield* this.bus.register(driver, owner);
    if (error) return error;
    for (let id = 0; id < count && error === 0; id++) error = yield* this.addDevice(driver, id);
    if (error === 0 && type.get(driver, 'devices') === 0) error = -ENODEV;
    if (error) yield* this.unregister(driver);
    return error;
  }

  /** A device that no driver wants does not stay: match() forgets whose it is. */
  private *addDevice(driver: Ptr, id: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('isa_dev');
    const made = k.slab.allocateBytes(type.size, true);
    if (made === 0) return -ENOMEM;
    const device = type.addr(made, 'dev');
    const generic = k.struct('device');
    generic.set(device, 'parent', k.symbol('isa_bus'));
    generic.set(device, 'bus', this.bus.bus);
    generic.set(device, 'platform_data', driver);
    generic.bind(device, 'release', 'isa_dev_release', (at: Ptr) => k.slab.free(this.bus.deviceOf(at)));
    generic.setBig(device, 'coherent_dma_mask', DMA_MASK);
    generic.set(device, 'dma_mask', generic.addr(device, 'coherent_dma_mask'));
    type.set(made, 'id', id);
    const name = k.struct('device_driver').string(this.bus.generic(driver), 'name');
    k.get(Devices).setName(device, `${name}.${id}`);
    const error = yield* k.get(Devices).register(device);
    if (error) {
      yield* putDevice(k, device);
      return error;
    }
    if (generic.get(device, 'platform_data') === 0) {
      yield* k.get(Devices).unregister(device);
      return 0;
    }
    const drivers = k.struct('isa_driver');
    type.set(made, 'next', drivers.get(driver, 'devices'));
    drivers.set(driver, 'devices', device);
    return 0;
  }

  private *unregister(driver: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('isa_driver');
    for (let device = type.get(driver, 'devices'); device !== 0; ) {
      const next = k.struct('isa_dev').get(this.bus.deviceOf(device), 'next');
      yield* k.get(Devices).unregister(device);
      device = next;
    }
    type.set(driver, 'devices', 0);
    yield* this.bus.unregister(driver);
  }

  private *match(device: Ptr, generic: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('device');
    const driver = this.bus.driverOf(generic);
    if (type.get(device, 'platform_data') !== driver) return 0;
    if (!this.driverWith(device, 'match')) return 1;
    if ((yield* this.ask(device, 'match')) !== 0) return 1;
    type.set(device, 'platform_data', 0);
    return 0;
  }

  /** What the driver's function gives, 0 if it has none. */
  private *ask(device: Ptr, member: string): Sleepable<number> {
    const driver = this.driverWith(device, member);
    return driver === 0
      ? 0
      : yield* this.k.struct('isa_driver').call(driver, member, device, this.id(device));
  }

  private *tell(device: Ptr, member: string): Sleepable<void> {
    yield* this.ask(device, member);
  }

  /** The struct isa_driver of a device, 0 if it lacks that function. */
  private driverWith(device: Ptr, member: string): Ptr {
    const driver = this.k.struct('device').get(device, 'platform_data');
    return driver === 0 || this.k.struct('isa_driver').get(driver, member) === 0 ? 0 : driver;
  }

  private id(device: Ptr): number {
    return this.k.struct('isa_dev').get(this.bus.deviceOf(device), 'id');
  }
}
