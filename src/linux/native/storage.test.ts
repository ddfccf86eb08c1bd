import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { Machine } from '../../machine/linux/machine.js';
import { Shell } from '../../machine/linux/shell/shell.js';
import { CapturedOutput } from '../../machine/terminal.js';
import { corpusTree, newerTree } from '../../testing/corpus.js';
import { imageTarget, newerImageTarget } from '../../testing/targets.js';

const KERNELS = [
  { name: '6.1', target: await imageTarget(), root: await corpusTree() },
  { name: '6.12', target: await newerImageTarget(), root: await newerTree() },
];
const DISK = '/dev/ram0';
const PIECE = 65_536;
const LINES = 3000;
/** Time that write-back and a journal have of their own accord. */
const LATER_NS = 40e9;

function hasTools(): boolean {
  try {
    execFileSync('mke2fs', ['-V'], { stdio: 'ignore' });
    execFileSync('e2fsck', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Debian's brd and ext4 over the block layer, the page cache and the buffers of the target itself. */
for (const { name, target, root } of KERNELS)
  describe.skipIf(!target || !root || !hasTools())(
    `disks and file systems on them, as ${name} has them`,
    () => {
      let folder = '';
      let machine: Machine;

      beforeAll(() => {
        folder = mkdtempSync(join(tmpdir(), 'modbox-storage-'));
        mkdirSync(join(folder, 'files/dir'), { recursive: true });
        writeFileSync(join(folder, 'files/hello.txt'), 'hello from the disk\n');
        machine = Machine.boot({ target: target!, files: new DiskFiles(root!) });
        expect(sh('modprobe brd rd_nr=1; mkdir /mnt')).toBe('');
      }, 300_000);

      afterAll(() => rmSync(folder, { recursive: true, force: true }));

      function sh(command: string): string {
        const output = new CapturedOutput();
        new Shell(machine, output).run(command);
        return output.stdout + output.stderr;
      }

      /** An image that mke2fs makes of the folder `files`, written to the disk through its page cache. */
      function format(type: string, size: string): void {
        const image = join(folder, `${type}.img`);
        execFileSync('mke2fs', ['-q', '-t', type, '-d', join(folder, 'files'), image, size]);
        const bytes = readFileSync(image);
        const fd = machine.fs.open(DISK, 1);
        for (let at = 0; at < bytes.length; at += PIECE) machine.fs.write(fd, bytes.subarray(at, at + PIECE));
        machine.fs.close(fd);
      }

      /** What is on the disk, in a file of the host. */
      function save(bytes: number): string {
        const path = join(folder, 'disk.img');
        const parts: Uint8Array[] = [];
        const fd = machine.fs.open(DISK, 0);
        for (let at = 0; at < bytes; at += PIECE) parts.push(machine.fs.read(fd, PIECE));
        machine.fs.close(fd);
        writeFileSync(path, Buffer.concat(parts));
        return path;
      }

      const reports = (): readonly string[] => machine.kernel.traps.reports.map(({ message }) => message);

      it('a disk is in sysfs and /proc, and holds what is written to it', () => {
        expect(sh('cat /proc/partitions')).toMatch(/^ +1 +0 +16384 ram0$/m);
        expect(sh('ls /sys/block')).toBe('ram0\n');
        expect(sh(`echo content > ${DISK}; head -c 8 ${DISK}`)).toBe('content\n');
        expect(reports()).toEqual([]);
      }, 300_000);

      it('ext2 is mounted from it and read', () => {
        format('ext2', '2M');
        expect(sh(`mount -t ext2 -r ${DISK} /mnt; ls /mnt; cat /mnt/hello.txt`)).toBe(
          'dir\nhello.txt\nlost+found\nhello from the disk\n',
        );
        expect(sh('umount /mnt')).toBe('');
        expect(reports()).toEqual([]);
      }, 300_000);

      it('ext4 with its journal is written, and e2fsck finds it clean', () => {
        format('ext4', '8M');
        const commands = [
          `mount -t ext4 ${DISK} /mnt`,
          `seq 1 ${LINES} > /mnt/new.txt`,
          'mkdir /mnt/made',
          'echo below > /mnt/made/file',
          'rm /mnt/hello.txt',
          'wc -l /mnt/new.txt',
          'cat /mnt/made/file',
        ];
        expect(sh(commands.join(';'))).toBe(`${LINES} /mnt/new.txt\nbelow\n`);
        machine.sleep(LATER_NS);
        expect(sh('umount /mnt')).toBe('');
        const disk = save(8 * 2 ** 20);
        execFileSync('e2fsck', ['-fn', disk], { stdio: 'pipe' });
        const lines = Array.from({ length: LINES }, (_, i) => `${i + 1}\n`).join('');
        expect(execFileSync('debugfs', ['-R', 'cat /new.txt', disk], { stdio: 'pipe' }).toString()).toBe(
          lines,
        );
        expect(execFileSync('debugfs', ['-R', 'ls -p /', disk], { stdio: 'pipe' }).toString()).not.toContain(
          'hello.txt',
        );
        expect(reports()).toEqual([]);
      }, 300_000);

      it('the drivers go again', () => {
        expect(sh('rmmod ext4; rmmod brd; ls /sys/block')).toBe('');
        expect(reports()).toEqual([]);
        expect(machine.kernel.native?.use.subsystems).toEqual(
          expect.arrayContaining(['bio', 'block', 'page-cache']),
        );
      }, 300_000);
    },
  );
