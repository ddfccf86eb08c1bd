import { CharRegions } from '../drivers/base/char-regions.js';
import { ProcFs } from '../fs/proc/procfs.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Disks } from './disk.js';
import { BlockMajors, NATIVE } from './majors.js';

/** /proc/partitions and /proc/devices (block/genhd.c, fs/proc/devices.c). */
export class BlockProcFiles implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const proc = this.k.get(ProcFs);
    proc.addText('partitions', { text: () => this.partitions() });
    this.k.native?.onSetUp(NATIVE, () => {
      proc.root.detach('partitions');
      return undefined;
    });
    proc.addText('devices', { text: () => this.devices() });
  }

  /** Disks and the partitions of each: none of them before a driver has brought one. */
  private partitions(): string {
    const { k } = this;
    const head = 'major minor  #blocks  name\n\n';
    const disks = k.struct('gendisk');
    const lines: string[] = [];
    for (const disk of k.get(Disks).list()) {
      const sectors = k.struct('block_device').getBig(disks.get(disk, 'part0'), 'bd_nr_sectors');
      if (sectors === 0n) continue;
      const number = [disks.get(disk, 'major'), disks.get(disk, 'first_minor')].map((part) => String(part));
      const blocks = String(sectors >> 1n).padStart(10);
      lines.push(
        `${number[0].padStart(4)}  ${number[1].padStart(7)} ${blocks} ${disks.text(disk, 'disk_name')}\n`,
      );
    }
    return lines.length === 0 ? '' : head + lines.join('');
  }

  private devices(): string {
    const line = (major: number, name: string): string => `${String(major).padStart(3)} ${name}\n`;
    const characters = this.k.get(CharRegions).list();
    const blocks = this.k.get(BlockMajors).list();
    return [
      'Character devices:\n',
      ...characters.map(({ major, name }) => line(major, name)),
      '\nBlock devices:\n',
      ...blocks.map(({ major, name }) => line(major, name)),
    ].join('');
  }
}
