import { beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { Machine } from '../../machine/linux/machine.js';
import { Shell } from '../../machine/linux/shell/shell.js';
import { CapturedOutput } from '../../machine/terminal.js';
import { corpusTree } from '../../testing/corpus.js';
import { imageTarget } from '../../testing/targets.js';

const target = await imageTarget();
const root = await corpusTree();

/** Debian's vfb, whose memory stands for a screen, over the target's own frame buffers and consoles. */
describe.skipIf(!target || !root)('frame buffers, as the target has them', () => {
  let machine: Machine;

  beforeAll(() => {
    machine = Machine.boot({ target: target!, files: new DiskFiles(root!) });
  }, 300_000);

  function sh(command: string): string {
    const output = new CapturedOutput();
    new Shell(machine, output).run(command);
    return output.stdout + output.stderr;
  }

  it('one that a module brings takes the console over', () => {
    expect(sh('modprobe vfb vfb_enable=1')).toBe('');
    expect(sh('cat /proc/fb')).toBe('0 Virtual FB\n');
    expect(sh('cat /sys/class/graphics/fb0/modes /sys/class/graphics/fb0/virtual_size')).toBe(
      'U:640x480p-110\n640,480\n',
    );
    const log = sh('dmesg');
    expect(log).toContain('Console: switching to colour frame buffer device 80x30');
    expect(log).toContain('fb0: Virtual frame buffer device, using 1024K of video memory');
  });

  it('gives it back to the dummy that was there before', () => {
    expect(sh('rmmod vfb')).toBe('');
    expect(sh('dmesg')).toContain('Console: switching to colour dummy device 80x25');
    expect(sh('cat /proc/fb')).toBe('');
    expect(machine.kernel.traps.reports).toEqual([]);
  });

  it('are of the major number that they have at boot', () => {
    expect(sh('cat /proc/devices').match(/ 29 fb\n/g)).toHaveLength(1);
  });
});
