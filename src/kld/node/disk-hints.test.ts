import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ENOENT } from '../../freebsd/errno.js';
import { DiskHints } from './disk-hints.js';

const folder = mkdtempSync(join(tmpdir(), 'modbox-hints-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('linker.hints on the disk', () => {
  it('takes the place of the old one, and nothing is left beside it', () => {
    const writer = new DiskHints();
    const path = join(folder, 'linker.hints');
    expect(writer.replace(path, Uint8Array.of(1))).toBe(0);
    expect(writer.replace(path, Uint8Array.of(2, 3))).toBe(0);
    expect([...readFileSync(path)]).toEqual([2, 3]);
    expect(readdirSync(folder)).toEqual(['linker.hints']);
    writer.remove(path);
    writer.remove(path);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that cannot be made gives an error number of FreeBSD', () => {
    expect(new DiskHints().replace(join(folder, 'nowhere/linker.hints'), Uint8Array.of(1))).toBe(ENOENT);
  });
});
