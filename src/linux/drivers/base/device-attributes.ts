import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { EINVAL, EIO } from '../../errno.js';
import { symbolize } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import { hostKtype } from '../../kobject/ktype.js';
import { createLink, removeChild } from '../../kobject/sysfs/files.js';
import { SysfsGroups } from '../../kobject/sysfs/groups.js';
import { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Uevents } from '../../kobject/uevent.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Classes } from './class.js';
import { deviceOf, kobjOf } from './device.js';
import { DeviceUevents } from './device-uevent.js';
import { hasRuntime } from './power-fields.js';

const RUNTIME_STATES: readonly (readonly [string, string])[] = [
  ['RPM_ACTIVE', 'active'],
  ['RPM_RESUMING', 'resuming'],
  ['RPM_SUSPENDED', 'suspended'],
  ['RPM_SUSPENDING', 'suspending'],
];

/** What a device's directory in sysfs holds: attributes, links, the power directory (drivers/base/core.c). */
export class DeviceAttributes implements Subsystem {
  readonly exports = {};
  /** device_ktype */
  ktype: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  /** Makes device_ktype; `release` runs when the last reference to a device goes. */
  makeType(release: (kobj: Ptr) => Sleepable<void>): void {
    this.ktype = hostKtype(this.k, {
      name: 'dev',
      release,
      show: (kobj, attr, page) => this.show(kobj, attr, page),
      store: (kobj, attr, page, count) => this.store(kobj, attr, page, count),
    });
  }

  /** uevent, and dev for devices with a number. */
  addOwn(device: Ptr): void {
    const { k } = this;
    const sysfs = k.get(Sysfs);
    const kobj = kobjOf(k, device);
    const directory = sysfs.directoryOf(kobj)!;
    sysfs.addText(
      directory,
      'uevent',
      0o644,
      () => k.get(DeviceUevents).text(device),
      (text) => this.synthetic(kobj, text),
    );
    if (k.struct('device').get(device, 'devt') >>> 20 === 0) return;
    const number = k.struct('device').get(device, 'devt');
    sysfs.addText(directory, 'dev', 0o444, () => `${number >>> 20}:${number & 0xfffff}\n`);
  }

  /** Links between a device and its class (device_add_class_symlinks). */
  addClassLinks(device: Ptr): number {
    const { k } = this;
    const type = k.struct('device');
    const classKobj = k.get(Classes).kobject(type.get(device, 'class'));
    if (classKobj === 0) return 0;
    const kobj = kobjOf(k, device);
    const parent = type.get(device, 'parent');
    const error =
      createLink(k, kobj, classKobj, 'subsystem') ||
      (parent === 0 || this.isPartition(device) ? 0 : createLink(k, kobj, kobjOf(k, parent), 'device'));
    return error || createLink(k, classKobj, kobj, deviceName(k, device));
  }

  removeClassLinks(device: Ptr): void {
    const { k } = this;
    const classKobj = k.get(Classes).kobject(k.struct('device').get(device, 'class'));
    if (classKobj === 0) return;
    const kobj = kobjOf(k, device);
    removeChild(k, kobj, 'device');
    removeChild(k, kobj, 'subsystem');
    removeChild(k, classKobj, deviceName(k, device));
  }

  /** Attributes that class, type and the device itself bring (device_add_attrs). */
  *addGroups(device: Ptr): Sleepable<number> {
    const done: Ptr[] = [];
    const groups = this.k.get(SysfsGroups);
    const kobj = kobjOf(this.k, device);
    for (const list of this.groupLists(device)) {
      const error = yield* groups.createGroups(kobj, list);
      if (error) {
        for (const made of done.reverse()) groups.removeGroups(kobj, made);
        return error;
      }
      done.push(list);
    }
    return 0;
  }

  removeGroups(device: Ptr): void {
    const kobj = kobjOf(this.k, device);
    for (const list of this.groupLists(device).reverse()) this.k.get(SysfsGroups).removeGroups(kobj, list);
  }

  /** All that device_add() put into the directory, but for links of class and bus. */
  removeAll(device: Ptr): void {
    const kobj = kobjOf(this.k, device);
    for (const name of ['power', 'uevent', 'dev']) removeChild(this.k, kobj, name);
    this.removeGroups(device);
  }

  /** The power directory (Documentation/ABI/testing/sysfs-devices-power). */
  addPower(device: Ptr): void {
    if (!hasRuntime(this.k)) return;
    const { k } = this;
    const type = k.struct('device');
    if (type.has('power.no_pm') && type.get(device, 'power.no_pm')) return;
    const sysfs = k.get(Sysfs);
    const parent = sysfs.directoryOf(kobjOf(k, device));
    if (!parent) return;
    const power = new SysfsDirectory('power', parent, kobjOf(k, device));
    sysfs.add(power, parent);
    const state = (): string => {
      if (type.get(device, 'power.runtime_error')) return 'error\n';
      if (type.get(device, 'power.disable_depth')) return 'unsupported\n';
      const status = type.get(device, 'power.runtime_status');
      return `${RUNTIME_STATES.find(([name]) => k.enumValue(name) === status)?.[1] ?? 'unknown'}\n`;
    };
    const control = (): string => (type.get(device, 'power.runtime_auto') ? 'auto\n' : 'on\n');
    sysfs.addText(power, 'runtime_status', 0o444, state);
    sysfs.addText(power, 'control', 0o644, control, () => -EINVAL);
    sysfs.addText(power, 'runtime_active_time', 0o444, () => '0\n');
    sysfs.addText(power, 'runtime_suspended_time', 0o444, () => '0\n');
    if (type.get(device, 'power.can_wakeup'))
      sysfs.addText(power, 'wakeup', 0o644, () =>
        type.get(device, 'power.wakeup') ? 'enabled\n' : 'disabled\n',
      );
  }

  private groupLists(device: Ptr): Ptr[] {
    const { k } = this;
    const dev = k.struct('device');
    const cls = dev.get(device, 'class');
    const kind = dev.get(device, 'type');
    const lists = [
      cls === 0 ? 0 : k.struct('class').get(cls, 'dev_groups'),
      kind === 0 ? 0 : k.struct('device_type').get(kind, 'groups'),
      dev.get(device, 'groups'),
    ];
    return lists.filter((list) => list !== 0);
  }

  private isPartition(device: Ptr): boolean {
    const kind = this.k.struct('device').get(device, 'type');
    return kind !== 0 && this.k.struct('device_type').string(kind, 'name') === 'partition';
  }

  private *synthetic(kobj: Ptr, text: string): Sleepable<number> {
    const action = /^(add|remove|change|move|online|offline|bind|unbind)\b/.exec(text)?.[1];
    if (action === undefined) return -EINVAL;
    yield* this.k.get(Uevents).send(kobj, action as 'add', ['SYNTH_UUID=0']);
    return 0;
  }

  private *show(kobj: Ptr, attr: Ptr, page: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('device_attribute');
    const show = type.get(attr, 'show');
    if (show === 0) return -EIO;
    const count = yield* type.call(attr, 'show', deviceOf(k, kobj), attr, page);
    if (count >= PAGE_SIZE)
      k.log.line(`dev_attr_show: ${symbolize(k, show)} returned bad count`, LOGLEVEL_WARNING);
    return count;
  }

  private *store(kobj: Ptr, attr: Ptr, page: Ptr, count: number): Sleepable<number> {
    const type = this.k.struct('device_attribute');
    if (type.get(attr, 'store') === 0) return -EIO;
    return yield* type.call(attr, 'store', deviceOf(this.k, kobj), attr, page, count);
  }
}
