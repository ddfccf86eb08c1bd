import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { runNow } from '../../../kernel/effects.js';
import { Classes } from '../../drivers/base/class.js';
import { Devices } from '../../drivers/base/core.js';
import { getDevice, kobjOf } from '../../drivers/base/device.js';
import type { LinuxKernel } from '../../kernel.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Uevents } from '../../kobject/uevent.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceAllocation } from './dev-alloc.js';
import { addNetFiles } from './net-sysfs-files.js';
import { NetDevices } from './netdevices.js';

/** Network devices in sysfs: class `net` (net/core/net-sysfs.c). */
export class NetSysfs implements Subsystem {
  private netClass: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    netdev_class_create_file_ns: (attr: Ptr) =>
      this.k.get(Classes).exports.class_create_file_ns(this.netClass, attr),
    netdev_class_remove_file_ns: (attr: Ptr) =>
      this.k.get(Classes).exports.class_remove_file_ns(this.netClass, attr),
  };

  boot(): void {
    const { k } = this;
    const type = k.struct('class');
    this.netClass = k.hasSymbol('net_class') ? k.symbol('net_class') : k.permanent(type.size);
    type.set(this.netClass, 'name', k.constantString('net'));
    type.bind(this.netClass, 'dev_release', 'netdev_release', (device: Ptr) =>
      k.get(DeviceAllocation).freeMemory(this.netdev(device)),
    );
    type.bind(this.netClass, 'dev_uevent', 'netdev_uevent', (device: Ptr, env: Ptr) =>
      this.uevent(device, env),
    );
    runNow(k.get(Classes).register(this.netClass));
  }

  /** netdev_register_kobject() */
  *register(dev: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('net_device');
    const device = type.addr(dev, 'dev');
    const devices = k.get(Devices);
    devices.initialize(device);
    k.struct('device').set(device, 'class', this.netClass);
    k.struct('device').set(device, 'platform_data', dev);
    k.struct('device').set(device, 'groups', type.addr(dev, 'sysfs_groups'));
    devices.setName(device, k.get(NetDevices).name(dev));
    const error = yield* devices.add(device);
    const directory = k.get(Sysfs).directoryOf(kobjOf(k, device));
    if (error === 0 && directory) addNetFiles(k, dev, directory);
    return error;
  }

  /** netdev_unregister_kobject(): out of sysfs; a reference stays until the device is finished. */
  *unregister(dev: Ptr): Sleepable<void> {
    const device = this.k.struct('net_device').addr(dev, 'dev');
    getDevice(this.k, device);
    yield* this.k.get(Devices).del(device);
  }

  private uevent(device: Ptr, env: Ptr): number {
    const dev = this.netdev(device);
    const uevents = this.k.get(Uevents);
    uevents.addVar(env, `INTERFACE=${this.k.get(NetDevices).name(dev)}`);
    uevents.addVar(env, `IFINDEX=${this.k.struct('net_device').get(dev, 'ifindex')}`);
    return 0;
  }

  private netdev(device: Ptr): Ptr {
    return this.k.struct('net_device').of(device, 'dev');
  }
}
