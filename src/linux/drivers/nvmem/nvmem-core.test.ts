import { expect, it } from 'vitest';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { Machine } from '../../../machine/linux/machine.js';
import { debianRun } from '../../../machine/linux/testing/debian-run.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';

it('flash memory in RAM is a device on the bus, with its content in a file', async ({ skip }) => {
  const root = await corpusTree();
  if (root === undefined) return skip('needs the kernel package');
  const machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root) });
  machine.modprobe('mtdram');
  const directory = '/sys/bus/nvmem/devices/mtd0';
  const content = machine.fs.readFile(`${directory}/nvmem`);
  expect(content.length).toBe(4 << 20);
  expect(new Set(content)).toEqual(new Set([255]));
  machine.rmmod('mtdram');
  expect(() => machine.fs.readFile(`${directory}/nvmem`)).toThrow();
}, 60_000);

/** As Debian’s 6.1 logged it. */
const NANDSIM_END = [
  'Scanning device for bad blocks',
  'Creating 1 MTD partitions on "NAND 128MiB 1,8V 8-bit":',
  '0x000000000000-0x000008000000 : "NAND simulator partition 0"',
  '[nandsim] warning: CONFIG_MTD_PARTITIONED_MASTER must be enabled to expose debugfs stuff',
];

it('content beyond 16 MiB is read at its own offset', async ({ skip }) => {
  const root = await corpusTree();
  if (root === undefined) return skip('needs the kernel package');
  const machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root) });
  machine.modprobe('mtdram', 'total_size=20480');
  expect(machine.fs.readFile('/sys/bus/nvmem/devices/mtd0/nvmem').length).toBe(20 << 20);
}, 60_000);

it('a simulated NAND chip is scanned and partitioned as on the real kernel', async ({ skip }) => {
  const report = await debianRun('nandsim');
  if (!report) return skip('needs the kernel package');
  expect(report.faults).toEqual([]);
  expect(report.dmesg.slice(-4)).toEqual(NANDSIM_END);
  expect(report.dmesgAfterRemove).toEqual([
    'Deleting MTD partitions on "NAND 128MiB 1,8V 8-bit":',
    'Deleting NAND simulator partition 0 MTD partition',
  ]);
}, 120_000);
