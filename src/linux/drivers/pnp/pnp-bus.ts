import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DriverBus } from '../base/driver-bus.js';

/** The Plug and Play bus (drivers/pnp): firmware of this machine describes no devices on it. */
export class PnpBus implements Subsystem {
  static readonly builtIn = 'CONFIG_PNP';

  private own: DriverBus | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pnp_register_driver: (driver: Ptr) =>
      this.bus.register(driver, 0, { name: this.k.struct('pnp_driver').get(driver, 'name') }),
    pnp_unregister_driver: (driver: Ptr) => this.bus.unregister(driver),
    pnp_register_card_driver: (driver: Ptr) => this.registerCard(driver),
    pnp_unregister_card_driver: (driver: Ptr) => this.unregisterCard(driver),
  };

  boot(): void {
    this.own = new DriverBus(
      this.k,
      {
        variable: 'pnp_bus_type',
        name: 'pnp',
        driver: 'pnp_driver',
        driverMember: 'driver',
        device: 'pnp_dev',
        deviceMember: 'dev',
      },
      {
        match: () => 0,
        probe: (device: Ptr) => this.bus.callDriver(device, 'probe', 0),
        remove: (device: Ptr) => this.bus.tellDriver(device, 'remove'),
      },
    );
  }

  get bus(): DriverBus {
    return this.own!;
  }

  /** A driver for cards is a driver for the devices on them, through the struct pnp_driver inside. */
  private *registerCard(driver: Ptr): Sleepable<number> {
    const type = this.k.struct('pnp_card_driver');
    const link = type.addr(driver, 'link');
    const inner = this.k.struct('pnp_driver');
    inner.set(link, 'name', type.get(driver, 'name'));
    inner.set(link, 'id_table', 0);
    inner.set(link, 'flags', type.get(driver, 'flags'));
    return yield* this.bus.register(link, 0, { name: type.get(driver, 'name') });
  }

  private *unregisterCard(driver: Ptr): Sleepable<void> {
    yield* this.bus.unregister(this.k.struct('pnp_card_driver').addr(driver, 'link'));
  }
}
