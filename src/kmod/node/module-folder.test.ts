import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskFiles } from './disk-files.js';
import { ModuleFolder } from './module-folder.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modbox-folder-'));
  put('etc/passwd', 'root');
  put('usr/lib/modules/R/kernel/a.ko', 'module');
  put('usr/lib/modules/OTHER/b.ko', 'module');
  symlinkSync('usr/lib', join(root, 'lib'));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}
const folder = (): ModuleFolder => new ModuleFolder(new DiskFiles(root), 'R');

describe('the modules of a host, alone', () => {
  it('are there, and nothing beside them', () => {
    expect(folder().list('/')).toEqual([{ name: 'lib', kind: 'directory' }]);
    expect(folder().list('/lib/modules')).toEqual([{ name: 'R', kind: 'directory' }]);
    expect(folder().read('/lib/modules/R/kernel/a.ko')).toBeDefined();
    expect(folder().info('/lib/modules/R')?.kind).toBe('directory');
    for (const path of ['/etc/passwd', '/lib/modules/OTHER/b.ko', '/usr/lib/modules/R/kernel/a.ko', '/etc'])
      expect([folder().read(path), folder().info(path), folder().list(path)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
  });

  it('lead nowhere else', () => {
    symlinkSync('/etc', join(root, 'usr/lib/modules/R/up'));
    symlinkSync('../OTHER/b.ko', join(root, 'usr/lib/modules/R/weak.ko'));
    symlinkSync('kernel/a.ko', join(root, 'usr/lib/modules/R/own.ko'));
    expect(folder().read('/lib/modules/R/up/passwd')).toBeUndefined();
    expect(folder().list('/lib/modules/R/up')).toBeUndefined();
    expect(folder().read('/lib/modules/R/../../../etc/passwd')).toBeUndefined();
    expect(folder().read('/lib/modules/R/weak.ko')).toBeUndefined();
    expect(folder().read('/lib/modules/R/own.ko')).toBeDefined();
  });
});
