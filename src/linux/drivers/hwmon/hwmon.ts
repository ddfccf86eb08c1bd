import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { duplicate, freeConst } from '../../kobject/names.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Uevents } from '../../kobject/uevent.js';
import { lowestFree } from '../../lib/lowest-free.js';
import { parseInteger } from '../../lib/string/kstrtox.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from '../base/core.js';
import { kobjOf, putDevice } from '../base/device.js';
import { Devres } from '../base/devres.js';
import { registerBuiltinClass } from '../base/host-class.js';
import { ChipAttributes, type SensorFile } from './chip-attributes.js';

/** Hardware monitors, by groups of attributes (drivers/hwmon/hwmon.c, Documentation/hwmon/hwmon-kernel-api.rst). */
export class Hwmon implements Subsystem {
  static readonly builtIn = 'CONFIG_HWMON';

  private cls: Ptr = 0;
  private readonly ids = new Set<number>();

  private readonly chips: ChipAttributes;

  constructor(private readonly k: LinuxKernel) {
    this.chips = new ChipAttributes(k);
  }

  readonly exports = {
    hwmon_device_register: (parent: Ptr) => this.registerPlain(parent),
    hwmon_device_register_with_groups: (parent: Ptr, name: Ptr, data: Ptr, groups: Ptr) =>
      this.withGroups(parent, name, data, groups),
    hwmon_device_register_with_info: (parent: Ptr, name: Ptr, data: Ptr, chip: Ptr, groups: Ptr) =>
      this.withInfo(parent, name, data, chip, groups),
    hwmon_device_register_for_thermal: (parent: Ptr, name: Ptr, data: Ptr) =>
      this.withInfo(parent, name, data, 0, 0),
    devm_hwmon_device_register_with_info: (parent: Ptr, name: Ptr, data: Ptr, chip: Ptr, groups: Ptr) =>
      this.managed(parent, () => this.withInfo(parent, name, data, chip, groups)),
    hwmon_notify_event: (device: Ptr, type: number, attribute: number, channel: number) =>
      this.notifyEvent(device, type, attribute, channel),
    hwmon_device_unregister: (device: Ptr) => this.unregister(device),
    devm_hwmon_device_register_with_groups: (parent: Ptr, name: Ptr, data: Ptr, groups: Ptr) =>
      this.managed(parent, () => this.withGroups(parent, name, data, groups)),
  };

  boot(): void {
    this.cls = registerBuiltinClass(this.k, 'hwmon');
  }

  private *registerPlain(parent: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const text =
      'hwmon_device_register() is deprecated. Please convert the driver to use hwmon_device_register_with_info().';
    const who = parent === 0 ? '(NULL device *)' : `${driverName(k, parent)} ${deviceName(k, parent)}`;
    k.log.line(`${who}: ${text}`, LOGLEVEL_WARNING);
    return yield* this.register(parent, 0, 0, 0);
  }

  private *withGroups(parent: Ptr, name: Ptr, data: Ptr, groups: Ptr): Sleepable<Ptr> {
    if (name === 0) return errPtr(EINVAL);
    return yield* this.register(parent, name, data, groups);
  }

  private *withInfo(parent: Ptr, name: Ptr, data: Ptr, chip: Ptr, groups: Ptr): Sleepable<Ptr> {
    if (parent === 0 || name === 0) return errPtr(EINVAL);
    if (chip !== 0 && !this.chips.isComplete(chip)) return errPtr(EINVAL);
    return yield* this.register(parent, name, data, groups, chip);
  }

  /** What `make` registers goes with the driver of `parent`. */
  private *managed(parent: Ptr, make: () => Sleepable<Ptr>): Sleepable<Ptr> {
    if (parent === 0) return errPtr(EINVAL);
    const device = yield* make();
    if (!isErr(device)) this.k.get(Devres).addHost(parent, device, () => this.unregister(device));
    return device;
  }

  /** __hwmon_device_register(): `chip` describes sensors, or is 0. */
  private *register(parent: Ptr, name: Ptr, data: Ptr, groups: Ptr, chip: Ptr = 0): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('hwmon_device');
    const text = name === 0 ? '' : k.space.cstring(name);
    if (name !== 0 && (text === '' || /[-* \t\n]/.test(text))) {
      const who = parent === 0 ? '(NULL device *)' : `${driverName(k, parent)} ${deviceName(k, parent)}`;
      k.log.line(`${who}: hwmon: '${text}' is not a valid name attribute, please fix`, LOGLEVEL_WARNING);
    }
    let made = 0;
    const files = chip === 0 ? [] : yield* this.chips.filesOf(chip, data, () => made);
    if (typeof files === 'number') return errPtr(-files);
    const hwdev = k.slab.allocateBytes(type.size, true);
    if (hwdev === 0) return errPtr(ENOMEM);
    const id = lowestFree(this.ids);
    this.ids.add(id);
    type.set(hwdev, 'name', name === 0 ? 0 : duplicate(k, text));
    list.init(k.space, type.addr(hwdev, 'tzdata'));
    const device = type.addr(hwdev, 'dev');
    made = device;
    type.set(hwdev, 'chip', chip);
    const members = { class: this.cls, parent, driver_data: data, groups };
    for (const [member, value] of Object.entries(members)) type.set(hwdev, `dev.${member}`, value);
    type.bind(hwdev, 'dev.release', 'hwmon_dev_release', (dev: Ptr) => this.release(dev));
    k.get(Devices).setName(device, `hwmon${id}`);
    const error = yield* k.get(Devices).register(device);
    if (error) {
      this.ids.delete(id);
      yield* putDevice(k, device);
      return errPtr(-error);
    }
    if (name !== 0)
      k.get(Sysfs).addText(k.get(Sysfs).directoryOf(kobjOf(k, device))!, 'name', 0o444, () => `${text}\n`);
    for (const file of files) this.addFile(device, file);
    return device;
  }

  private addFile(device: Ptr, { name, mode, show, store }: SensorFile): void {
    const directory = this.k.get(Sysfs).directoryOf(kobjOf(this.k, device))!;
    const write = function* (text: string): Sleepable<number> {
      const parsed = parseInteger(text, 10, { signed: true, bits: 64 });
      return 'error' in parsed ? parsed.error : yield* store(Number(parsed.value));
    };
    this.k.get(Sysfs).addText(directory, name, mode, show, write);
  }

  /** hwmon_notify_event(): who polls the file hears of it, and user space by an event. */
  private *notifyEvent(device: Ptr, type: number, attribute: number, channel: number): Sleepable<number> {
    const { k } = this;
    const name = this.chips.nameOf(type, attribute, channel);
    if (name === undefined) return -EINVAL;
    const kobj = kobjOf(k, device);
    k.get(Sysfs).notify(k.get(Sysfs).directoryOf(kobj)?.children.get(name));
    yield* k.get(Uevents).send(kobj, 'change', [`NAME=${name}`]);
    return 0;
  }

  private *unregister(device: Ptr): Sleepable<void> {
    if (device === 0 || isErr(device)) return;
    const id = /^hwmon(\d+)$/.exec(deviceName(this.k, device))?.[1];
    if (id !== undefined) this.ids.delete(Number(id));
    yield* this.k.get(Devices).unregister(device);
  }

  private release(device: Ptr): void {
    const type = this.k.struct('hwmon_device');
    const hwdev = type.of(device, 'dev');
    freeConst(this.k, type.get(hwdev, 'name'));
    this.k.slab.free(hwdev);
  }
}
