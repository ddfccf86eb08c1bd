import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cliHost } from './tool-host.js';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'modbox-host-')));
  mkdirSync(join(root, 'home/foo'), { recursive: true });
  vi.stubEnv('MODBOX_ROOT', root);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});

function absolute(path: string, directory: string): string {
  vi.spyOn(process, 'cwd').mockReturnValue(directory);
  return cliHost().absolute(path);
}

describe('a path that is made absolute', () => {
  it('stays as it was given, as with libkmod', () => {
    expect(absolute('//a/../b//c.ko', '/tmp')).toBe('//a/../b//c.ko');
    expect(absolute('./x/../y.ko', '/tmp')).toBe('/tmp/./x/../y.ko');
  });

  it('is one within MODBOX_ROOT for who is there', () => {
    expect(absolute('./mod.ko', join(root, 'home/foo'))).toBe('/home/foo/./mod.ko');
    expect(absolute('mod.ko', root)).toBe('/mod.ko');
    expect(absolute('mod.ko', `${root}-other`)).toBe(`${root}-other/mod.ko`);
  });
});
