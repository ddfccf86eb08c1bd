import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, ENODEV } from '../../errno.js';
import { Interrupts } from '../../irq/manage.js';
import type { LinuxKernel } from '../../kernel.js';
import { Uevents } from '../../kobject/uevent.js';
import type { Subsystem } from '../../subsystem.js';
import { DriverBus } from '../base/driver-bus.js';
import { tableEntry } from '../base/host-bus.js';
import { FirmwareMatch } from '../firmware/match.js';

/** The I2C bus: clients, which are chips at an address, and adapters (drivers/i2c/i2c-core-base.c). */
export class I2cBus implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  private own: DriverBus | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    i2c_match_id: (table: Ptr, client: Ptr) =>
      this.matchTable(table, this.k.struct('i2c_client').text(client, 'name')),
    i2c_client_get_device_id: (client: Ptr) => this.idOf(client),
    i2c_get_match_data: (client: Ptr) => this.matchData(client),
    i2c_verify_client: (device: Ptr) =>
      this.isClient(device) ? this.k.struct('i2c_client').of(device, 'dev') : 0,
    i2c_verify_adapter: (device: Ptr) =>
      this.isAdapter(device) ? this.k.struct('i2c_adapter').of(device, 'dev') : 0,
  };

  boot(): void {
    const { k } = this;
    this.own = new DriverBus(
      k,
      {
        variable: 'i2c_bus_type',
        name: 'i2c',
        driver: 'i2c_driver',
        driverMember: 'driver',
        device: 'i2c_client',
        deviceMember: 'dev',
      },
      {
        match: (device: Ptr, driver: Ptr) => this.match(device, driver),
        probe: (device: Ptr) => this.probe(device),
        remove: (device: Ptr) => this.remove(device),
        shutdown: (device: Ptr) => this.shutdown(device),
      },
    );
    for (const [variable, name] of [
      ['i2c_client_type', 'i2c_client'],
      ['i2c_adapter_type', ''],
    ] as const) {
      if (!k.hasSymbol(variable)) continue;
      const type = k.symbol(variable);
      if (name !== '') k.struct('device_type').set(type, 'name', k.constantString(name));
    }
    k.struct('device_type').bind(this.clientType, 'uevent', 'i2c_device_uevent', (device: Ptr, env: Ptr) =>
      this.uevent(device, env),
    );
  }

  get bus(): DriverBus {
    return this.own!;
  }

  get clientType(): Ptr {
    return this.k.symbol('i2c_client_type');
  }

  get adapterType(): Ptr {
    return this.k.symbol('i2c_adapter_type');
  }

  /** The adapter that a device is inside of. */
  adapterOf(device: Ptr): Ptr {
    return this.k.struct('i2c_adapter').of(device, 'dev');
  }

  isClient(device: Ptr): boolean {
    return this.k.struct('device').get(device, 'type') === this.clientType;
  }

  isAdapter(device: Ptr): boolean {
    return this.k.struct('device').get(device, 'type') === this.adapterType;
  }

  private matchTable(table: Ptr, name: string): Ptr {
    return tableEntry(this.k, 'i2c_device_id', table, name);
  }

  private idOf(client: Ptr): Ptr {
    const driver = this.k.struct('i2c_client').get(client, 'dev.driver');
    if (driver === 0) return 0;
    const table = this.k.struct('i2c_driver').get(this.bus.driverOf(driver), 'id_table');
    return this.matchTable(table, this.k.struct('i2c_client').text(client, 'name'));
  }

  /** i2c_get_match_data(): what firmware's table says of a client, else what the driver's table of names does. */
  private matchData(client: Ptr): Ptr {
    const id = this.idOf(client);
    if (id === 0) return 0;
    // A number, which most drivers have a pointer in.
    return this.k.space.fromAddress(this.k.struct('i2c_device_id').getBig(id, 'driver_data'));
  }

  private match(device: Ptr, driver: Ptr): number {
    if (!this.isClient(device)) return 0;
    if (this.k.get(FirmwareMatch).matches(device, driver)) return 1;
    const table = this.k.struct('i2c_driver').get(this.bus.driverOf(driver), 'id_table');
    const name = this.k.struct('i2c_client').text(this.bus.deviceOf(device), 'name');
    return Number(this.matchTable(table, name) !== 0);
  }

  private *probe(device: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('i2c_driver');
    const client = this.bus.deviceOf(device);
    const driver = this.bus.driverFor(device);
    const clients = k.struct('i2c_client');
    clients.set(client, 'irq', clients.get(client, 'init_irq'));
    if (
      type.get(driver, 'id_table') === 0 &&
      !k.get(FirmwareMatch).matches(device, type.addr(driver, 'driver'))
    )
      return -ENODEV;
    const id = this.idOf(client);
    if (type.has('probe_new') && type.get(driver, 'probe_new') !== 0)
      return yield* type.call(driver, 'probe_new', client);
    return type.get(driver, 'probe') === 0 ? -EINVAL : yield* type.call(driver, 'probe', client, id);
  }

  private *remove(device: Ptr): Sleepable<void> {
    if (!this.isClient(device)) return;
    yield* this.bus.tellDriver(device, 'remove');
    this.k.struct('i2c_client').set(this.bus.deviceOf(device), 'irq', 0);
  }

  /** A driver that has nothing to do there gets no interrupts any more. */
  private *shutdown(device: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.isClient(device) || k.struct('device').get(device, 'driver') === 0) return;
    const irq = k.struct('i2c_client').get(this.bus.deviceOf(device), 'irq');
    if (k.struct('i2c_driver').get(this.bus.driverFor(device), 'shutdown') !== 0)
      yield* this.bus.tellDriver(device, 'shutdown');
    else if (irq > 0) yield* k.get(Interrupts).disable(irq, true);
  }

  private uevent(device: Ptr, env: Ptr): number {
    const name = this.k.struct('i2c_client').text(this.bus.deviceOf(device), 'name');
    return this.k.get(Uevents).addVar(env, `MODALIAS=i2c:${name}`);
  }
}
