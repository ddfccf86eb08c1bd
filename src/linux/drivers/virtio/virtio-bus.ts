import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DriverBus } from '../base/driver-bus.js';

/** VIRTIO_DEV_ANY_ID */
const ANY_ID = 0xffff_ffff;

/**
 * The virtio bus of kernels that have it built in (drivers/virtio/virtio.c); in others a module brings it. Drivers
 * register; devices come from transports, of which this machine has none.
 */
export class VirtioBus implements Subsystem {
  static readonly builtIn = 'CONFIG_VIRTIO';

  private own: DriverBus | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __register_virtio_driver: (driver: Ptr, owner: Ptr) => this.register(driver, owner),
    unregister_virtio_driver: (driver: Ptr) => this.bus.unregister(driver),
  };

  boot(): void {
    this.own = new DriverBus(
      this.k,
      {
        variable: 'virtio_bus',
        name: 'virtio',
        driver: 'virtio_driver',
        driverMember: 'driver',
        device: 'virtio_device',
        deviceMember: 'dev',
      },
      { match: (device: Ptr, driver: Ptr) => this.match(device, driver) },
    );
  }

  private get bus(): DriverBus {
    return this.own!;
  }

  private *register(driver: Ptr, owner: Ptr): Sleepable<number> {
    const type = this.k.struct('virtio_driver');
    if (type.get(driver, 'feature_table_size') !== 0 && type.get(driver, 'feature_table') === 0)
      throw new Oops('bug', 'kernel BUG at drivers/virtio/virtio.c: features promised, none listed', driver);
    return yield* this.bus.register(driver, owner);
  }

  private match(device: Ptr, driver: Ptr): number {
    const { k } = this;
    const ids = k.struct('virtio_device_id');
    const own = k.struct('virtio_device').addr(this.bus.deviceOf(device), 'id');
    const fits = (entry: Ptr, member: string): boolean =>
      ids.get(entry, member) === ANY_ID || ids.get(entry, member) === ids.get(own, member);
    const table = k.struct('virtio_driver').get(this.bus.driverOf(driver), 'id_table');
    for (let at = table; ids.get(at, 'device') !== 0; at += ids.size)
      if (fits(at, 'device') && fits(at, 'vendor')) return 1;
    return 0;
  }
}
