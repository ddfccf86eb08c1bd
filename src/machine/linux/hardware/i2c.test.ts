import { beforeAll, describe, expect, it } from 'vitest';
import { adm1032 } from '../../../hardware/models/adm1032.js';
import { at24c02 } from '../../../hardware/models/at24.js';
import { bme280 } from '../../../hardware/models/bme280.js';
import { lm75 } from '../../../hardware/models/lm75.js';
import { ms } from '../../../hardware/time.js';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';
import { Machine } from '../machine.js';

const root = await corpusTree();

describe.skipIf(root === undefined)('chips on I2C under Debian’s own drivers', () => {
  let machine: Machine;
  const read = (path: string): string => machine.exec(`cat ${path}`).stdout;

  beforeAll(() => {
    machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root as string) });
  });

  it('lm75: millidegrees, limits, and what is there once it is pulled out', () => {
    const chip = machine.plug(lm75, { bus: 0, address: 0x48 });
    machine.modprobe('lm75');
    // What the real kernel says of one in i2c-stub.
    expect(machine.dmesg().map(({ text }) => text)).toEqual([
      'lm75 0-0048: supply vs not found, using dummy regulator',
      "lm75 0-0048: hwmon0: sensor 'lm75'",
    ]);
    expect(machine.driverOf(chip)).toBe('lm75');
    chip.set('temperature', 21.5);
    machine.sleep(ms(300));
    expect(read('/sys/class/hwmon/hwmon0/temp1_input')).toBe('21500\n');
    machine.exec('echo 20000 > /sys/class/hwmon/hwmon0/temp1_max');
    expect(chip.regs.overTemperature.value).toBe(20 << 8);
    machine.sleep(ms(300));
    expect(chip.alert.level).toBe(true);
    expect(chip.accesses.at(-1)).toMatchObject({
      register: 'overTemperature',
      kind: 'write',
      value: 20 << 8,
    });
    machine.unplug(chip);
    expect(machine.exec('cat /sys/class/hwmon/hwmon0/temp1_input').stderr).toContain(
      'No such device or address',
    );
    machine.modprobeRemove('lm75');
    expect([machine.faults(), machine.leaks(), chip.missing]).toEqual([[], [], []]);
  });

  it('24c02: a file of its bytes, written page by page', () => {
    const chip = machine.plug(at24c02);
    machine.modprobe('at24', 'io_limit=8');
    expect(machine.driverOf(chip)).toBe('at24');
    machine.exec('echo -n "modbox was here" > /sys/bus/i2c/devices/0-0050/eeprom');
    machine.sleep(ms(10));
    expect(new TextDecoder().decode(chip.state.bytes.subarray(0, 15))).toBe('modbox was here');
    expect(read('/sys/bus/i2c/devices/0-0050/eeprom').slice(0, 15)).toBe('modbox was here');
    machine.modprobeRemove('at24');
    expect([machine.faults(), machine.leaks()]).toEqual([[], []]);
  });

  it('bme280: what the weather is, by IIO', () => {
    const chip = machine.plug(bme280);
    machine.modprobe('bmp280-i2c');
    expect(machine.driverOf(chip)).toBe('bmp280');
    chip.set('temperature', 21.5);
    chip.set('pressure', 98_000);
    chip.set('humidity', 55);
    const device = '/sys/bus/iio/devices/iio:device0';
    expect(read(`${device}/name`)).toBe('bme280\n');
    expect(Math.abs(Number(read(`${device}/in_temp_input`)) - 21_500)).toBeLessThanOrEqual(20);
    expect(Math.abs(Number(read(`${device}/in_pressure_input`)) - 98)).toBeLessThan(0.01);
    expect(Math.abs(Number(read(`${device}/in_humidityrelative_input`)) - 55_000)).toBeLessThan(100);
    expect(chip.missing).toEqual(['config: the model does not have the filter']);
    machine.modprobeRemove('bmp280-i2c');
    expect([machine.faults(), machine.leaks()]).toEqual([[], []]);
  });

  it('adm1032: an alert is an interrupt of its driver’s', () => {
    const chip = machine.plug(adm1032);
    machine.modprobe('lm90');
    expect(machine.driverOf(chip)).toBe('lm90');
    chip.set('remote', 40.5);
    machine.sleep(ms(2500));
    expect(read('/sys/class/hwmon/hwmon0/temp2_input')).toBe('40500\n');
    expect(read('/sys/class/hwmon/hwmon0/temp2_max_alarm')).toBe('0\n');
    const before = chip.accesses.length;
    chip.set('remote', 95);
    machine.sleep(ms(200));
    expect(chip.accesses[before]).toMatchObject({ register: 'status', kind: 'read', value: 0x10 });
    expect(read('/sys/class/hwmon/hwmon0/temp2_max_alarm')).toBe('1\n');
    machine.modprobeRemove('lm90');
    expect([machine.faults(), machine.leaks()]).toEqual([[], []]);
    expect(chip.missing).toEqual(['consecutive: the model does not have alerts after several conversions']);
  });
});
