import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Drivers } from './driver.js';
import { type BusMethods, registerBus, registerOn } from './host-bus.js';

/** Struct types of a bus's devices and drivers, and where the generic ones are inside. */
interface DriverBusTypes {
  /** Symbol of the struct bus_type. */
  readonly variable: string;
  readonly name: string;
  /** `i2c_driver`, and its member that is a struct device_driver. */
  readonly driver: string;
  readonly driverMember: string;
  /** `i2c_client`, and its member that is a struct device. */
  readonly device: string;
  readonly deviceMember: string;
}

/**
 * A bus that is built into the kernel and whose drivers are structs round a struct device_driver: conversions
 * between the two, and registration. How it matches and probes is the bus's own.
 */
export class DriverBus {
  readonly bus: Ptr;

  constructor(
    private readonly k: LinuxKernel,
    private readonly types: DriverBusTypes,
    methods: BusMethods,
  ) {
    this.bus = registerBus(k, types.variable, types.name, methods);
  }

  /** The bus's own driver struct round a struct device_driver. */
  driverOf(driver: Ptr): Ptr {
    return this.k.struct(this.types.driver).of(driver, this.types.driverMember);
  }

  /** The bus's own device struct round a struct device. */
  deviceOf(device: Ptr): Ptr {
    return this.k.struct(this.types.device).of(device, this.types.deviceMember);
  }

  /** The driver that a device has, as the bus's own struct. */
  driverFor(device: Ptr): Ptr {
    return this.driverOf(this.k.struct('device').get(device, 'driver'));
  }

  generic(driver: Ptr): Ptr {
    return this.k.struct(this.types.driver).addr(driver, this.types.driverMember);
  }

  *register(
    driver: Ptr,
    owner: Ptr,
    extra: { readonly name?: Ptr; readonly modName?: Ptr } = {},
  ): Sleepable<number> {
    return yield* registerOn(this.k, this.bus, this.generic(driver), owner, extra);
  }

  *unregister(driver: Ptr): Sleepable<void> {
    yield* this.k.get(Drivers).unregister(this.generic(driver));
  }

  /** Calls a member of the driver's own struct with the device's own struct, if there is one: what it gives, else 0. */
  *callDriver(device: Ptr, member: string, ...more: Ptr[]): Sleepable<number> {
    const type = this.k.struct(this.types.driver);
    const driver = this.driverFor(device);
    if (type.get(driver, member) === 0) return 0;
    return yield* type.call(driver, member, this.deviceOf(device), ...more);
  }

  *tellDriver(device: Ptr, member: string): Sleepable<void> {
    yield* this.callDriver(device, member);
  }
}
