import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { ptrErr } from '../../errors.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { type Guest, guest } from '../../testing/guest.js';
import { kobjOf } from '../base/device.js';

const EINVAL = 22;
const EIO = 5;

describe('a monitor that describes its sensors', () => {
  let g: Guest;
  let parent: Ptr;
  const written: number[][] = [];
  const bit = (name: string): number => 1 << g.k.enumValue(name);

  beforeAll(() => {
    g = guest();
    parent = g.struct.device();
    g.call.device_initialize(parent);
    g.call.dev_set_name(parent, g.k.constantString('sensors'));
    expect(g.call.device_add(parent)).toBe(0);
  });

  /** struct hwmon_chip_info: two temperatures, one voltage, one fan control. */
  function chip(reads = true): Ptr {
    const { k } = g;
    const label = k.constantString('CPU');
    const visible = (_data: Ptr, _type: number, _attribute: number, channel: number): number =>
      channel === 1 ? 0 : 0o644;
    const read = (_dev: Ptr, type: number, _attribute: number, _channel: number, value: Ptr): number => {
      if (type === k.enumValue('hwmon_pwm')) return -EIO;
      k.space.store64(value, -4500n);
      return 0;
    };
    const readString = (_d: Ptr, _t: number, _a: number, _c: number, text: Ptr): number => {
      k.space.storePtr(text, label);
      return 0;
    };
    const write = (_dev: Ptr, type: number, attribute: number, channel: number, value: number): number => {
      written.push([type, attribute, channel, value]);
      return 0;
    };
    const host = k.exports.hostFunction.bind(k.exports);
    const ops = g.struct.hwmon_ops({
      is_visible: host('test_visible', 'H:puui', visible),
      read: reads ? host('test_read', 'i:puuip', read) : 0,
      read_string: host('test_string', 'i:puuip', readString),
      write: host('test_write', 'i:puuil', write),
    });
    const channels = (type: string, config: readonly number[]): Ptr => {
      const words = k.permanent(4 * (config.length + 1));
      for (const [i, word] of config.entries()) k.space.store32(words + 4 * i, word);
      return g.struct.hwmon_channel_info({ type: k.enumValue(type), config: words });
    };
    const input = bit('hwmon_temp_input') | bit('hwmon_temp_label') | bit('hwmon_temp_max');
    const info = [
      channels('hwmon_chip', [bit('hwmon_chip_register_tz') | bit('hwmon_chip_update_interval')]),
      channels('hwmon_temp', [input, input]),
      channels('hwmon_in', [bit('hwmon_in_input')]),
      channels('hwmon_pwm', [bit('hwmon_pwm_input')]),
    ];
    const table = k.permanent(8 * (info.length + 1));
    for (const [i, one] of info.entries()) k.space.storePtr(table + 8 * i, one);
    return g.struct.hwmon_chip_info({ ops, info: table });
  }

  const names = (device: Ptr): string[] => [
    ...g.k.get(Sysfs).directoryOf(kobjOf(g.k, device))!.children.keys(),
  ];
  const file = (device: Ptr, name: string) =>
    g.k.get(Sysfs).directoryOf(kobjOf(g.k, device))!.children.get(name)!;
  const read = (device: Ptr, name: string): string | number => {
    const shown = g.run(() => g.k.get(Sysfs).read(file(device, name)));
    return typeof shown === 'number' ? shown : new TextDecoder().decode(shown);
  };

  it('has a file for each that its driver wants seen, which are read and written through its operations', () => {
    const name = g.k.constantString('test');
    const device = g.call.hwmon_device_register_with_info(parent, name, 0, chip(), 0);
    expect(names(device)).toEqual(
      expect.arrayContaining(['name', 'temp1_input', 'temp1_label', 'temp1_max', 'in0_input', 'pwm1']),
    );
    expect(names(device)).not.toContain('temp2_input');
    expect(names(device)).toContain('update_interval');
    expect(names(device)).not.toContain('register_tz');
    expect(read(device, 'temp1_input')).toBe('-4500\n');
    expect(read(device, 'temp1_label')).toBe('CPU\n');
    expect(read(device, 'pwm1')).toBe(-EIO);
    const text = new TextEncoder().encode('90000\n');
    expect(g.run(() => g.k.get(Sysfs).write(file(device, 'temp1_max'), text))).toBe(6);
    const temp = g.k.enumValue('hwmon_temp');
    expect(written).toEqual([[temp, g.k.enumValue('hwmon_temp_max'), 0, 90000]]);
    g.call.hwmon_device_unregister(device);
    expect(g.reports()).toEqual([]);
  });

  it('is refused where it has no way to read what it describes', () => {
    const name = g.k.constantString('test');
    const refused = g.call.hwmon_device_register_with_info(parent, name, 0, chip(false), 0);
    expect(ptrErr(refused)).toBe(-EINVAL);
  });

  it('tells who polls a file of its alarm', () => {
    const name = g.k.constantString('test');
    const device = g.call.hwmon_device_register_with_info(parent, name, 0, chip(), 0);
    const max = g.k.enumValue('hwmon_temp_max');
    expect(g.call.hwmon_notify_event(device, g.k.enumValue('hwmon_temp'), max, 0)).toBe(0);
    expect(g.call.hwmon_notify_event(device, g.k.enumValue('hwmon_temp'), 31, 0)).toBe(-EINVAL);
    g.call.hwmon_device_unregister(device);
  });
});
