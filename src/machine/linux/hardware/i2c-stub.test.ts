import { beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { I2C_SMBUS_BYTE_DATA, I2C_SMBUS_WRITE } from '../../../linux/drivers/i2c/i2c-flags.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';
import { Machine } from '../machine.js';

const root = await corpusTree();
const BUS = '/sys/bus/i2c/devices/i2c-0';
/** Registers of a MAX1619 by which its driver knows it: configuration, status, rate, manufacturer, device (Maxim's datasheet). */
const IDENTITY = { 2: 0, 3: 0, 4: 2, 254: 0x4d, 255: 0x04 } as const;

describe.skipIf(root === undefined)('Debian’s i2c-stub, i2c-dev and a driver that looks for its chip', () => {
  let machine: Machine;
  const run = (command: string) => machine.exec(command);
  /** Fills registers of a chip of the stub's, by its own function for transactions. */
  const fill = (address: number, registers: Readonly<Record<number, number>>): void => {
    const adapter = machine.memory.alloc(0x1000);
    for (const [command, value] of Object.entries(registers)) {
      const data = machine.memory.copyIn(Uint8Array.of(value));
      machine.call(
        'stub_xfer',
        adapter,
        address,
        0,
        I2C_SMBUS_WRITE,
        Number(command),
        I2C_SMBUS_BYTE_DATA,
        data,
      );
      machine.memory.free(data);
    }
    machine.memory.free(adapter);
  };
  const last = (): string | undefined => machine.dmesg().at(-1)?.text;

  beforeAll(() => {
    machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root as string) });
    machine.modprobe('i2c-stub', 'chip_addr=0x18,0x4c');
  });

  it('has an adapter with its name, and refuses what is no device', () => {
    expect(run(`cat ${BUS}/name; ls /sys/class/i2c-adapter`).stdout).toBe('SMBus stub driver\ni2c-0\n');
    expect(run(`echo lm75 > ${BUS}/new_device`).exit).toBe(1);
    expect(last()).toBe('i2c i2c-0: new_device: Missing parameters');
    run(`echo lm75 here > ${BUS}/new_device`);
    expect(last()).toBe("i2c i2c-0: new_device: Can't parse I2C address");
    run(`echo lm75 0x48 x > ${BUS}/new_device`);
    expect(last()).toBe('i2c i2c-0: new_device: Extra parameters');
  });

  it('makes clients and deletes them as users say', () => {
    run(`echo dummy 0x30 > ${BUS}/new_device`);
    expect(last()).toBe('i2c i2c-0: new_device: Instantiated device dummy at 0x30');
    expect(run('cat /sys/bus/i2c/devices/0-0030/modalias').stdout).toBe('i2c:dummy\n');
    run(`echo 0x30 > ${BUS}/delete_device`);
    expect(last()).toBe('i2c i2c-0: delete_device: Deleting device dummy at 0x30');
    expect(run(`echo 0x30 > ${BUS}/delete_device`).exit).toBe(1);
    expect(last()).toBe("i2c i2c-0: delete_device: Can't find device in list");
  });

  it('lets a driver find a chip by what is in its registers', () => {
    machine.modprobe('i2c-dev');
    expect(run('ls /dev/i2c-0; cat /sys/class/i2c-dev/i2c-0/name').stdout).toBe(
      '/dev/i2c-0\nSMBus stub driver\n',
    );
    machine.modprobe('max1619');
    expect(run('ls /sys/class/hwmon').stdout).toBe('');
    machine.modprobeRemove('max1619');
    fill(0x4c, { ...IDENTITY, 1: 42 });
    machine.modprobe('max1619');
    expect(run('ls /sys/bus/i2c/devices').stdout).toBe('0-004c\ni2c-0\n');
    expect(run('cat /sys/class/hwmon/hwmon0/name /sys/class/hwmon/hwmon0/temp2_input').stdout).toBe(
      'max1619\n42000\n',
    );
    machine.modprobeRemove('max1619');
    expect(run('ls /sys/bus/i2c/devices').stdout).toBe('i2c-0\n');
  });

  it('goes with all that is on it', () => {
    machine.modprobeRemove('i2c-dev');
    machine.modprobeRemove('i2c-stub');
    expect(run('ls /sys/bus/i2c/devices').stdout).toBe('');
    expect([machine.faults(), machine.leaks()]).toEqual([[], []]);
  });
});
