import type { Ptr } from '../../../cpu/layout.js';
import { runNow, type Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { ENODEV, ENXIO, EPROBE_DEFER } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Uevents } from '../../kobject/uevent.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Buses } from '../base/bus.js';
import { Devices } from '../base/core.js';
import { DriverOverride } from '../base/driver-override.js';
import { registerBus, tableEntry } from '../base/host-bus.js';
import { FirmwareMatch } from '../firmware/match.js';

/** Devices that only their names describe, and how drivers find them (drivers/base/platform.c). */
export class PlatformBus implements Subsystem {
  readonly exports = {};
  /** platform_bus_type */
  bus: Ptr = 0;
  /** Stands for the probe of a driver that must not get devices any more (platform_probe_fail). */
  probeFail: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    const signature = k.struct('platform_driver').signature('probe');
    this.probeFail = k.exports.hostFunction('platform_probe_fail', signature, () => -ENXIO);
    const root = this.root;
    k.struct('device').set(root, 'init_name', k.constantString('platform'));
    runNow(k.get(Devices).register(root));
    this.bus = registerBus(k, 'platform_bus_type', 'platform', {
      match: (device: Ptr, driver: Ptr) => this.match(device, driver),
      uevent: (device: Ptr, env: Ptr) => this.uevent(device, env),
      probe: (device: Ptr) => this.probe(device),
      remove: (device: Ptr) => this.remove(device),
      shutdown: (device: Ptr) => this.shutdown(device),
      dma_configure: () => 0,
    });
    k.get(Buses).addDeviceFiles(this.bus, (device, directory) => this.addFiles(device, directory));
  }

  /** &platform_bus: the parent of platform devices that have none. */
  get root(): Ptr {
    return this.k.symbol('platform_bus');
  }

  /** to_platform_device() */
  deviceOf(device: Ptr): Ptr {
    return this.k.struct('platform_device').of(device, 'dev');
  }

  /** to_platform_driver() */
  driverOf(driver: Ptr): Ptr {
    return this.k.struct('platform_driver').of(driver, 'driver');
  }

  /** platform_dev_attrs */
  private addFiles(device: Ptr, directory: SysfsDirectory): void {
    const { k } = this;
    const pdev = this.deviceOf(device);
    const name = k.struct('platform_device').string(pdev, 'name');
    k.get(Sysfs).addText(directory, 'modalias', 0o444, () => `platform:${name}\n`);
    k.get(DriverOverride).addFile(directory, device, 'platform_device');
  }

  private match(device: Ptr, driver: Ptr): number {
    const { k } = this;
    const pdev = this.deviceOf(device);
    const type = k.struct('platform_device');
    const driverName = k.struct('device_driver').string(driver, 'name');
    const override = k.get(DriverOverride).of(device, 'platform_device');
    if (override !== undefined) return Number(override === driverName);
    if (k.get(FirmwareMatch).matches(device, driver)) return 1;
    const table = k.struct('platform_driver').get(this.driverOf(driver), 'id_table');
    if (table !== 0) {
      const entry = tableEntry(k, 'platform_device_id', table, type.string(pdev, 'name'));
      if (entry !== 0) type.set(pdev, 'id_entry', entry);
      return Number(entry !== 0);
    }
    return Number(type.string(pdev, 'name') === driverName);
  }

  private uevent(device: Ptr, env: Ptr): number {
    const name = this.k.struct('platform_device').string(this.deviceOf(device), 'name');
    this.k.get(Uevents).addVar(env, `MODALIAS=platform:${name}`);
    return 0;
  }

  private *probe(device: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('platform_driver');
    const driver = this.driverOf(k.struct('device').get(device, 'driver'));
    const probe = type.get(driver, 'probe');
    if (probe === this.probeFail) return -ENXIO;
    if (probe === 0) return 0;
    const error = yield* type.call(driver, 'probe', this.deviceOf(device));
    if (error === -EPROBE_DEFER && type.get(driver, 'prevent_deferred_probe')) {
      k.log.line(
        `${driverName(k, device)} ${deviceName(k, device)}: probe deferral not supported`,
        LOGLEVEL_WARNING,
      );
      return -ENXIO;
    }
    return error;
  }

  private *remove(device: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('platform_driver');
    const driver = this.driverOf(k.struct('device').get(device, 'driver'));
    const pdev = this.deviceOf(device);
    if (type.has('remove_new') && type.get(driver, 'remove_new') !== 0)
      yield* type.call(driver, 'remove_new', pdev);
    else if (type.get(driver, 'remove') !== 0) {
      const result = yield* type.call(driver, 'remove', pdev);
      if (result !== 0 && type.has('remove_new'))
        k.log.line(
          `${driverName(k, device)} ${deviceName(k, device)}: remove callback returned a non-zero value. This will be ignored.`,
          LOGLEVEL_WARNING,
        );
    }
  }

  private *shutdown(device: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('platform_driver');
    const driver = k.struct('device').get(device, 'driver');
    if (driver !== 0 && type.get(this.driverOf(driver), 'shutdown') !== 0)
      yield* type.call(this.driverOf(driver), 'shutdown', this.deviceOf(device));
  }
}

/** What a driver's registration gives when nothing is there for it. */
export const NOTHING_BOUND = -ENODEV;
