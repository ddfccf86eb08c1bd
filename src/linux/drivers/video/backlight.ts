import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENOMEM, ENXIO } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';
import { Classes } from '../base/class.js';
import { Devices } from '../base/core.js';
import { kobjOf, putDevice } from '../base/device.js';
import { Devres } from '../base/devres.js';
import { registerBuiltinClass } from '../base/host-class.js';

const TYPES = ['invalid', 'raw', 'platform', 'firmware'];

/** /sys/class/backlight (drivers/video/backlight/backlight.c). */
export class Backlights implements Subsystem {
  static readonly builtIn = 'CONFIG_BACKLIGHT_CLASS_DEVICE';

  private cls: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    backlight_device_register: (name: Ptr, parent: Ptr, data: Ptr, ops: Ptr, props: Ptr) =>
      this.register(name, parent, data, ops, props),
    backlight_device_unregister: (backlight: Ptr) => this.unregister(backlight),
    devm_backlight_device_register: (device: Ptr, name: Ptr, parent: Ptr, data: Ptr, ops: Ptr, props: Ptr) =>
      this.registerManaged(device, name, parent, data, ops, props),
    backlight_device_get_by_type: (kind: number) => this.byType(kind),
    backlight_force_update: nothing('the brightness of a device is not read again', undefined),
  };

  boot(): void {
    this.cls = registerBuiltinClass(this.k, 'backlight');
  }

  private *register(name: Ptr, parent: Ptr, data: Ptr, ops: Ptr, props: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('backlight_device');
    const backlight = k.slab.allocateBytes(type.size, true);
    if (backlight === 0) return errPtr(ENOMEM);
    for (const lock of ['update_lock', 'ops_lock']) k.get(Mutexes).init(type.addr(backlight, lock));
    list.init(k.space, type.addr(backlight, 'entry'));
    type.set(backlight, 'dev.class', this.cls);
    type.set(backlight, 'dev.parent', parent);
    type.set(backlight, 'dev.driver_data', data);
    type.bind(backlight, 'dev.release', 'bl_device_release', (at: Ptr) => k.slab.free(type.of(at, 'dev')));
    const device = type.addr(backlight, 'dev');
    k.get(Devices).setName(device, k.space.cstring(name));
    const { size } = type.member('props');
    if (props !== 0) k.space.writable(type.addr(backlight, 'props'), size).set(k.space.readable(props, size));
    const error = yield* k.get(Devices).register(device);
    if (error) {
      yield* putDevice(k, device);
      return errPtr(-error);
    }
    type.set(backlight, 'ops', ops);
    this.addFiles(backlight, device);
    return backlight;
  }

  private *unregister(backlight: Ptr): Sleepable<void> {
    if (backlight === 0 || isErr(backlight)) return;
    const type = this.k.struct('backlight_device');
    type.set(backlight, 'ops', 0);
    yield* this.k.get(Devices).unregister(type.addr(backlight, 'dev'));
  }

  private *registerManaged(
    device: Ptr,
    name: Ptr,
    parent: Ptr,
    data: Ptr,
    ops: Ptr,
    props: Ptr,
  ): Sleepable<Ptr> {
    const backlight = yield* this.register(name, parent, data, ops, props);
    if (!isErr(backlight)) this.k.get(Devres).addHost(device, backlight, () => this.unregister(backlight));
    return backlight;
  }

  private byType(kind: number): Ptr {
    const type = this.k.struct('backlight_device');
    const backlights = this.k
      .get(Classes)
      .devices(this.cls)
      .map((device) => type.of(device, 'dev'));
    return backlights.find((backlight) => type.get(backlight, 'props.type') === kind) ?? 0;
  }

  private addFiles(backlight: Ptr, device: Ptr): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const type = k.struct('backlight_device');
    const directory = sysfs.directoryOf(kobjOf(k, device))!;
    const show = (member: string) => (): string => `${type.get(backlight, `props.${member}`)}\n`;
    sysfs.addText(directory, 'brightness', 0o644, show('brightness'), (text) =>
      this.change(backlight, 'brightness', Number(text)),
    );
    sysfs.addText(directory, 'bl_power', 0o644, show('power'), (text) =>
      this.change(backlight, 'power', Number(text)),
    );
    sysfs.addText(directory, 'max_brightness', 0o444, show('max_brightness'));
    sysfs.addText(directory, 'type', 0o444, () => `${TYPES[type.get(backlight, 'props.type')] ?? ''}\n`);
    sysfs.addText(directory, 'actual_brightness', 0o444, () => this.actual(backlight));
  }

  private *change(backlight: Ptr, member: string, value: number): Sleepable<number> {
    const type = this.k.struct('backlight_device');
    const ops = type.get(backlight, 'ops');
    if (!Number.isInteger(value)) return -EINVAL;
    if (ops === 0) return -ENXIO;
    if (member === 'brightness' && value > type.get(backlight, 'props.max_brightness')) return -EINVAL;
    type.set(backlight, `props.${member}`, value);
    const operations = this.k.struct('backlight_ops');
    if (operations.get(ops, 'update_status') === 0) return 0;
    return yield* operations.call(ops, 'update_status', backlight);
  }

  private *actual(backlight: Ptr): Sleepable<string> {
    const type = this.k.struct('backlight_device');
    const ops = type.get(backlight, 'ops');
    const operations = this.k.struct('backlight_ops');
    if (ops === 0 || operations.get(ops, 'get_brightness') === 0)
      return `${type.get(backlight, 'props.brightness')}\n`;
    return `${yield* operations.call(ops, 'get_brightness', backlight)}\n`;
  }
}
