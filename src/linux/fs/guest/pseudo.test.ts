import { beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../../../kmod/node/disk-files.js';
import { Machine } from '../../../machine/linux/machine.js';
import { loadBundled } from '../../../target/node/index.js';
import { corpusTree } from '../../../testing/corpus.js';

describe('a pseudo file system', () => {
  let root: string | undefined;

  beforeAll(async () => {
    root = await corpusTree();
  });

  it('is mounted for each device of a driver, and gone with the last', ({ skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root) });
    machine.modprobe('vgem');
    machine.modprobeRemove('vgem');
    const used = machine.kernel.ledger.bytes;
    machine.modprobe('vgem');
    expect(machine.dmesg().at(-1)?.text).toContain('Initialized vgem');
    machine.modprobeRemove('vgem');
    expect(machine.kernel.traps.reports).toEqual([]);
    expect(machine.kernel.ledger.bytes).toBe(used);
  });
});
