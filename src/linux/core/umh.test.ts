import { beforeAll, describe, expect, it } from 'vitest';
import { DiskFiles } from '../../kmod/node/disk-files.js';
import { MachineError } from '../../machine/errors.js';
import { Machine } from '../../machine/linux/machine.js';
import { loadBundled } from '../../target/node/index.js';
import { corpusTree } from '../../testing/corpus.js';
import { UserModeHelpers } from './umh.js';

describe('programs that the kernel starts', () => {
  let root: string | undefined;

  beforeAll(async () => {
    root = await corpusTree();
  });

  it('are not found in a machine without user space; who waits for one is told', () => {
    const { kernel: k } = Machine.boot({ target: loadBundled() });
    const { call_usermodehelper } = k.get(UserModeHelpers).exports;
    const path = k.constantString('/sbin/helper');
    expect(call_usermodehelper(path, 0, 0, 1)).toBe(-2);
    expect(call_usermodehelper(path, 0, 0, 0)).toBe(0);
    expect(call_usermodehelper(k.constantString(''), 0, 0, 1)).toBe(0);
  });

  it('are reported as what cannot be run where they are there', () => {
    const { kernel: k } = Machine.boot({ target: loadBundled() });
    k.files.writeFile('/helper', new Uint8Array([0x7f]), 0o755);
    const { call_usermodehelper } = k.get(UserModeHelpers).exports;
    expect(() => call_usermodehelper(k.constantString('/helper'), 0, 0, 1)).toThrow('running /helper');
  });

  it('a driver whose helper is missing finds no device', ({ skip }) => {
    if (root === undefined) return skip('needs the kernel package');
    const machine = Machine.boot({ target: loadBundled(), files: new DiskFiles(root) });
    try {
      machine.modprobe('uvesafb');
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
    }
    expect(machine.kernel.traps.reports).toEqual([]);
    expect(machine.dmesg().map(({ text }) => text)).toContain('uvesafb: failed to execute /sbin/v86d');
  });
});
