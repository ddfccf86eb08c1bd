import type { Ptr } from '../../../cpu/layout.js';
import { Listeners } from '../../../kernel/listeners.js';
import { MAJOR, MINOR } from '../../abi/device-number.js';
import type { LinuxKernel } from '../../kernel.js';
import { removeChild } from '../../kobject/sysfs/files.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import type { Subsystem } from '../../subsystem.js';
import { kobjOf } from './device.js';

/** What keeps /dev wants to know. */
interface DeviceNodeListener {
  /** A device with a number appeared; see DeviceUevents.nodeName for the name its node has. */
  added(device: Ptr, devt: number, block: boolean): void;
  removed(device: Ptr, devt: number, block: boolean): void;
}

/** Devices with a number: /sys/dev/{char,block}/MAJOR:MINOR, and news of them for /dev (devtmpfs). */
export class NumberedDevices implements Subsystem {
  readonly exports = {};
  private readonly listeners = new Listeners<DeviceNodeListener>();
  private readonly present = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  listen(listener: DeviceNodeListener): () => void {
    return this.listeners.add(listener);
  }

  /** Devices that have a number now, in the order they came. */
  devices(): IterableIterator<Ptr> {
    return this.present.values();
  }

  add(device: Ptr): void {
    const devt = this.number(device);
    if (MAJOR(devt) === 0) return;
    const sysfs = this.k.get(Sysfs);
    const from = sysfs.directoryOf(this.folder(device));
    const target = sysfs.directoryOf(kobjOf(this.k, device));
    if (from && target) sysfs.addLink(from, target, `${MAJOR(devt)}:${MINOR(devt)}`);
    this.present.add(device);
    for (const listener of this.listeners) listener.added(device, devt, this.isBlock(device));
  }

  remove(device: Ptr): void {
    const devt = this.number(device);
    if (MAJOR(devt) === 0 || !this.present.delete(device)) return;
    removeChild(this.k, this.folder(device), `${MAJOR(devt)}:${MINOR(devt)}`);
    for (const listener of this.listeners) listener.removed(device, devt, this.isBlock(device));
  }

  private number(device: Ptr): number {
    return this.k.struct('device').get(device, 'devt');
  }

  /** Only the class of block devices has other nodes than character devices. */
  private isBlock(device: Ptr): boolean {
    const cls = this.k.struct('device').get(device, 'class');
    return cls !== 0 && cls === this.k.addressOfNative('block_class');
  }

  private folder(device: Ptr): Ptr {
    const name = this.isBlock(device) ? 'sysfs_dev_block_kobj' : 'sysfs_dev_char_kobj';
    return this.k.space.loadPtr(this.k.symbol(name));
  }
}
