import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import type { Subsystem } from '../../subsystem.js';

/** Names have to leave room in a page for sysfs to show them with a newline. */
const MAX_OVERRIDE = 4095;

/**
 * The one driver that may bind a device, by name (driver_override in Documentation/ABI/testing/sysfs-bus-platform).
 * Kernels keep it either in struct device or in the struct of the device's bus: the target says which.
 */
export class DriverOverride implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    driver_set_override: (_device: Ptr, override: Ptr, text: Ptr, length: number) =>
      override === 0 ? -EINVAL : this.set(override, text, length),
    __device_set_driver_override: (device: Ptr, text: Ptr, length: number) =>
      this.set(this.k.struct('device').addr(device, 'driver_override.name'), text, length),
  };

  /**
   * The name that `device` is restricted to, undefined where there is none. `busType` is the bus's own struct of
   * the device, such as platform_device, and `embedded` its member that is the struct device.
   */
  of(device: Ptr, busType: string, embedded = 'dev'): string | undefined {
    const name = this.k.space.loadPtr(this.place(device, busType, embedded));
    return name === 0 ? undefined : this.k.space.cstring(name);
  }

  /** Address of the member that holds the name. */
  place(device: Ptr, busType: string, embedded = 'dev'): Ptr {
    const type = this.k.struct('device');
    if (type.has('driver_override.name')) return type.addr(device, 'driver_override.name');
    const own = this.k.struct(busType);
    return own.addr(own.of(device, embedded), 'driver_override');
  }

  /** The file of a device's directory in sysfs that shows the name, and takes one. */
  addFile(directory: SysfsDirectory, device: Ptr, busType: string): void {
    const show = (): string => `${this.of(device, busType) ?? '(null)'}\n`;
    const store = (text: string): number => this.setText(this.place(device, busType), text);
    this.k.get(Sysfs).addText(directory, 'driver_override', 0o644, show, store);
  }

  /** Returns -EINVAL for no text and for one that is too long. */
  private set(place: Ptr, text: Ptr, length: number): number {
    return text === 0 ? -EINVAL : this.setText(place, this.k.space.cstring(text, length), length);
  }

  /** An empty text clears it. */
  private setText(place: Ptr, text: string, length = text.length): number {
    const { k } = this;
    if (length >= MAX_OVERRIDE) return -EINVAL;
    const old = k.space.loadPtr(place);
    const name = text.split('\n')[0];
    if (name === '') k.space.storePtr(place, 0);
    else {
      const copy = k.slab.allocateBytes(name.length + 1, false);
      k.space.storeCstring(copy, name);
      k.space.storePtr(place, copy);
    }
    if (old !== 0) k.slab.free(old);
    return 0;
  }
}
