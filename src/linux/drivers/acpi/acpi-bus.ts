import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_INFO } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { ENODEV } from '../../errno.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DriverBus } from '../base/driver-bus.js';

/** The ACPI bus: drivers for what the firmware's namespace describes (drivers/acpi/bus.c, scan.c). */
export class AcpiBus implements Subsystem {
  static readonly builtIn = 'CONFIG_ACPI';

  private own: DriverBus | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    acpi_bus_register_driver: (driver: Ptr) => this.register(driver),
    __acpi_bus_register_driver: (driver: Ptr, owner: Ptr) => this.register(driver, owner),
    acpi_bus_unregister_driver: (driver: Ptr) => this.bus.unregister(driver),
    register_acpi_bus_type: (type: Ptr) => this.registerType(type),
    unregister_acpi_bus_type: (type: Ptr) => this.unregisterType(type),
    acpi_bus_for_each_dev: nothing('there are no ACPI tables', 0),
  };

  holds(): Iterable<Holding> {
    const listed = listedStructs(this.k, 'acpi_bus_type', 'list', this.typeList);
    const what = { kind: 'ACPI bus type', struct: 'acpi_bus_type', name: 'name', uses: ['match'] };
    return heldStructs(this.k, what, listed);
  }

  boot(): void {
    this.own = new DriverBus(
      this.k,
      {
        variable: 'acpi_bus_type',
        name: 'acpi',
        driver: 'acpi_driver',
        driverMember: 'drv',
        device: 'acpi_device',
        deviceMember: 'dev',
      },
      { match: () => 0, probe: () => -ENODEV, uevent: () => 0 },
    );
  }

  get bus(): DriverBus {
    return this.own!;
  }

  private *register(driver: Ptr, owner?: Ptr): Sleepable<number> {
    const type = this.k.struct('acpi_driver');
    const module = owner ?? (type.has('owner') ? type.get(driver, 'owner') : 0);
    return yield* this.bus.register(driver, module, { name: type.addr(driver, 'name') });
  }

  private registerType(type: Ptr): number {
    const { k } = this;
    const struct = k.struct('acpi_bus_type');
    if (type === 0 || struct.get(type, 'match') === 0 || struct.get(type, 'find_companion') === 0)
      return -ENODEV;
    this.k.origins.note(type);
    list.addTail(k.space, struct.addr(type, 'list'), this.typeList);
    k.log.line(`ACPI: bus type ${struct.string(type, 'name')} registered`, LOGLEVEL_INFO);
    return 0;
  }

  private unregisterType(type: Ptr): number {
    const { k } = this;
    const struct = k.struct('acpi_bus_type');
    if (type === 0) return -ENODEV;
    list.delInit(k.space, struct.addr(type, 'list'));
    k.log.line(`ACPI: bus type ${struct.string(type, 'name')} unregistered`, LOGLEVEL_INFO);
    return 0;
  }

  private types: Ptr = 0;

  private get typeList(): Ptr {
    if (this.types === 0) {
      this.types = this.k.permanent(16);
      list.init(this.k.space, this.types);
    }
    return this.types;
  }
}
