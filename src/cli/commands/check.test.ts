import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Verdict } from '../../check/index.js';
import { type CommandEnd, runCommand } from '../testing/command.js';
import { main } from './check.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-check-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
  vi.stubEnv('NO_COLOR', '1');
});

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const check = (...args: string[]): Promise<CommandEnd> => runCommand(main, args);

describe('modbox check', () => {
  it('says that a module loads, with what is to be said of it', async () => {
    expect(await check(`${MODULES}hello.ko`)).toEqual({
      status: 0,
      out: [
        'hello on linux/6.1.0-53-amd64: loads, taints OE',
        '  origin: built out of the kernel tree',
        '  signature: nobody the kernel trusts signed it: not signed',
        '',
      ].join('\n'),
      err: '',
    });
  });

  it('fails where one does not load, and writes what CI servers and people read', async () => {
    const junit = join(folder, 'junit.xml');
    const html = join(folder, 'matrix.html');
    const { status, out } = await check(
      '--json',
      '--cmdline=module.sig_enforce',
      `--junit=${junit}`,
      `--html=${html}`,
      `${MODULES}hello.ko`,
      `${MODULES}importer.ko`,
    );
    expect(status).toBe(1);
    const { verdicts } = JSON.parse(out) as { verdicts: Verdict[] };
    expect(verdicts.map(({ module, errno }) => `${module} ${errno}`)).toEqual([
      'hello EKEYREJECTED',
      'importer EKEYREJECTED',
    ]);
    // All the reasons, not the first.
    expect(verdicts[1].reasons.map(({ kind }) => kind)).toContain('missing-symbol');
    expect(readFileSync(junit, 'utf8')).toContain(
      '<testsuite name="linux/6.1.0-53-amd64" tests="2" failures="2"',
    );
    expect(readFileSync(html, 'utf8')).toContain('<!DOCTYPE html>');
  });

  it('checks every module of a tree, with its modprobe.d', async () => {
    const tree = join(folder, 'tree');
    const modules = join(tree, 'lib/modules/6.1.0-53-amd64/extra');
    mkdirSync(modules, { recursive: true });
    mkdirSync(join(tree, 'etc/modprobe.d'), { recursive: true });
    for (const name of ['exporter', 'importer'])
      copyFileSync(`${MODULES}${name}.ko`, join(modules, `${name}.ko`));
    writeFileSync(join(tree, 'etc/modprobe.d/local.conf'), 'blacklist importer\n');
    const { status, out } = await check('--tree', tree);
    expect(status).toBe(0);
    expect(out).toContain(
      'importer on linux/6.1.0-53-amd64: loads, taints OE\n  blacklist: blacklisted in modprobe.d',
    );
    expect(out).toMatch(/\n2 modules on linux\/6\.1\.0-53-amd64: 2 load, 0 do not\n$/);
    expect(await check('--root', tree, 'importer')).toMatchObject({ status: 1 });
    expect(await check('--root', tree, 'no_such_module')).toMatchObject({ status: 2, out: '' });
  });

  it('says how it is used', async () => {
    expect(await check('--help')).toMatchObject({ status: 0, out: expect.stringContaining('--tree DIR') });
    expect(await check()).toMatchObject({ status: 2, out: '' });
    expect(await check(`${MODULES}none.ko`)).toMatchObject({
      status: 2,
      err: expect.stringContaining('no such file'),
    });
    expect(await check(`${MODULES}hello.ko`, '--target', 'linux/0.1')).toMatchObject({
      status: 1,
      err: expect.stringContaining("no target 'linux/0.1'"),
    });
  });
});
