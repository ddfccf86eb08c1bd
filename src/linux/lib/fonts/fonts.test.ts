import { beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { Machine } from '../../../machine/linux/machine.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';
import { Fonts } from './fonts.js';

describe('fonts of the kernel', () => {
  let root: string | undefined;

  beforeAll(async () => {
    root = await corpusTree();
  });

  it('are found by name, with a cell of dots for every character', () => {
    const { kernel: k } = Machine.boot({ target: loadBundled() });
    const { find_font } = k.get(Fonts).exports;
    const type = k.struct('font_desc');
    const font = find_font(k.constantString('VGA8x16'));
    expect(type.get(font, 'height')).toBe(16);
    expect(find_font(k.constantString('VGA8x16'))).toBe(font);
    const cell = k.space.readable(type.get(font, 'data') + 'T'.charCodeAt(0) * 16, 16);
    const lines = [...cell].map((row) => row.toString(2).padStart(8, '0').replaceAll('0', '.'));
    expect(lines).toEqual([
      '........',
      ...Array(2).fill('.11111..'),
      ...Array(12).fill('...1....'),
      '........',
    ]);
    const large = find_font(k.constantString('TER16x32'));
    expect(type.get(large, 'width')).toBe(16);
    const top = type.get(large, 'data') + ('T'.charCodeAt(0) * 32 + 2) * 2;
    expect([...k.space.readable(top, 2)]).toEqual([0b00111111, 0b11110000]);
    expect(find_font(k.constantString('Fraktur'))).toBe(0);
  });

  it('are what a test driver for video writes with', ({ skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root) });
    machine.modprobe('vivid');
    expect(machine.dmesg().at(-1)?.text).toBe(
      'vivid-000: V4L2 touch capture device registered as v4l-touch0',
    );
    machine.modprobeRemove('vivid');
    expect(machine.kernel.traps.reports).toEqual([]);
  });
});
