import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { MAJOR, MINOR } from '../../abi/device-number.js';
import type { LinuxKernel } from '../../kernel.js';
import { freeConst } from '../../kobject/names.js';
import { Uevents } from '../../kobject/uevent.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { deviceOf } from './device.js';

/** A node that /dev gets for a device. */
interface DeviceNodeName {
  readonly name: string;
  /** Permissions, 0 for the default. */
  readonly mode: number;
}

/** What a device's uevents say: dev_uevent() and the callbacks it makes (drivers/base/core.c). */
export class DeviceUevents implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  /** struct kset_uevent_ops of the devices kset. */
  operations(deviceType: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('kset_uevent_ops');
    const ops = k.permanent(type.size);
    const kobject = k.struct('kobject');

    const belongs = (kobj: Ptr): boolean =>
      kobject.get(kobj, 'ktype') === deviceType && this.subsystem(deviceOf(k, kobj)) !== 0;
    type.bind(ops, 'filter', 'dev_uevent_filter', (kobj: Ptr) => Number(belongs(kobj)));
    type.bind(ops, 'name', 'dev_uevent_name', (kobj: Ptr) => this.subsystem(deviceOf(k, kobj)));
    type.bind(ops, 'uevent', 'dev_uevent', (kobj: Ptr, env: Ptr) => this.fill(deviceOf(k, kobj), env));
    return ops;
  }

  /** The text of a device's `uevent` attribute. */
  *text(device: Ptr): Sleepable<string> {
    const uevents = this.k.get(Uevents);
    const env = uevents.newEnv();
    const error = yield* this.fill(device, env);
    const text = error ? '' : uevents.variables(env).map((line) => `${line}\n`);
    this.k.slab.free(env);
    return typeof text === 'string' ? text : text.join('');
  }

  /** device_get_devnode(): the name below /dev, as type or class want it. */
  *nodeName(device: Ptr): Sleepable<DeviceNodeName> {
    const { k } = this;
    const dev = k.struct('device');
    const kind = dev.get(device, 'type');
    const cls = dev.get(device, 'class');
    const scratch = k.slab.allocateBytes(16, true);
    const types = k.struct('device_type');
    const classes = k.struct('class');
    let text: Ptr = 0;
    if (kind !== 0 && types.get(kind, 'devnode') !== 0)
      text = yield* types.call(kind, 'devnode', device, scratch, scratch + 4, scratch + 8);
    if (text === 0 && cls !== 0 && classes.get(cls, 'devnode') !== 0)
      text = yield* classes.call(cls, 'devnode', device, scratch);
    const mode = k.space.load16(scratch);
    k.slab.free(scratch);
    const name = text === 0 ? deviceName(k, device).replaceAll('!', '/') : k.space.cstring(text);
    freeConst(k, text);
    return { name, mode };
  }

  /** Address of the name of a device's bus or class, 0 for neither. */
  private subsystem(device: Ptr): Ptr {
    const dev = this.k.struct('device');
    const bus = dev.get(device, 'bus');
    if (bus !== 0) return this.k.struct('bus_type').get(bus, 'name');
    const cls = dev.get(device, 'class');
    return cls === 0 ? 0 : this.k.struct('class').get(cls, 'name');
  }

  /** dev_uevent(): adds a device's variables. */
  private *fill(device: Ptr, env: Ptr): Sleepable<number> {
    const { k } = this;
    const dev = k.struct('device');
    const uevents = k.get(Uevents);
    const devt = dev.get(device, 'devt');
    if (MAJOR(devt) !== 0) {
      const { name, mode } = yield* this.nodeName(device);
      const lines = [`MAJOR=${MAJOR(devt)}`, `MINOR=${MINOR(devt)}`, `DEVNAME=${name}`];
      if (mode) lines.push(`DEVMODE=0${(mode & 0o777).toString(8)}`);
      for (const line of lines) uevents.addVar(env, line);
    }
    const kind = dev.get(device, 'type');
    if (kind !== 0 && k.struct('device_type').get(kind, 'name') !== 0)
      uevents.addVar(env, `DEVTYPE=${k.struct('device_type').string(kind, 'name')}`);
    const driver = dev.get(device, 'driver');
    if (driver !== 0) uevents.addVar(env, `DRIVER=${k.struct('device_driver').string(driver, 'name')}`);
    const bus = dev.get(device, 'bus');
    const cls = dev.get(device, 'class');
    const callbacks = [
      [k.struct('bus_type'), bus, 'uevent'],
      [k.struct('class'), cls, 'dev_uevent'],
      [k.struct('device_type'), kind, 'uevent'],
    ] as const;
    let result = 0;
    for (const [type, owner, member] of callbacks)
      if (owner !== 0 && type.get(owner, member) !== 0)
        result = (yield* type.call(owner, member, device, env)) || result;
    return result;
  }
}
