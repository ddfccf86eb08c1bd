import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../machine/run-report.js';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const MODULES = fileURLToPath(new URL('../../tests/modules/', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-cli-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function modbox(
  args: readonly string[],
  input = '',
  environment: Readonly<Record<string, string>> = {},
): { status: number | null; out: string; err: string } {
  const env = { ...process.env, XDG_CACHE_HOME: folder, NO_COLOR: '1', ...environment };
  const done = spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    encoding: 'utf8',
    env,
    input,
  });
  return { status: done.status, out: done.stdout, err: done.stderr };
}

describe('modbox', () => {
  it('tells its version and how it is used', () => {
    expect(modbox(['--version'])).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^modbox \d/),
      err: '',
    });
    expect(modbox(['--help'])).toMatchObject({ status: 0, err: '' });
    expect(modbox(['nonsense'])).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringContaining("'nonsense'"),
    });
    for (const command of ['run', 'shell', 'target'])
      expect(modbox([command, '--help'])).toMatchObject({
        status: 0,
        out: expect.stringContaining('usage:'),
        err: '',
      });
    expect(modbox(['run', '--no-such-option'])).toMatchObject({ status: 2, out: '' });
    expect(modbox(['run'])).toMatchObject({
      status: 2,
      out: '',
      err: 'modbox: run: which module?\nTry --help.\n',
    });
  });

  it('knows the bundled targets', () => {
    expect(modbox(['target', 'list']).out).toContain('linux/6.1.0-53-amd64');
    expect(JSON.parse(modbox(['target', 'show', '6.1.0-53-amd64', '--json']).out)).toMatchObject({
      arch: 'x86_64',
    });
    expect(JSON.parse(modbox(['target', 'show', 'freebsd/14.2-amd64', '--json']).out)).toMatchObject({
      arch: 'amd64',
      osreldate: 1402000,
    });
    expect(modbox(['target', 'show', 'linux/0.1'])).toMatchObject({ status: 1, out: '' });
  });
});

describe('modbox run', () => {
  it('reports in words', () => {
    const { status, out } = modbox(['run', `${MODULES}hello.ko`, 'whom=you', '--exec', 'lsmod | grep hello']);
    expect(out).toContain('hello: Hello, you.');
    expect(out).toContain('$ lsmod | grep hello\nhello                  16384  0\n');
    expect(out).toMatch(/\nok: loaded in .* all given back\n$/);
    expect(status).toBe(0);
  });

  it('reports as JSON', () => {
    const { status, out } = modbox(['run', '--json', `${MODULES}faulty_null_read.ko`]);
    const report = JSON.parse(out) as RunReport;
    expect(status).toBe(1);
    expect(report).toMatchObject({ module: 'faulty_null_read', modprobe: { exit: 137 } });
    expect(report.faults[0].kind).toBe('null-dereference');
  });

  it('keeps what was translated in the cache, and says the same with it; none where that is turned off', () => {
    const run = (MODBOX_TRANSLATIONS: string): unknown => {
      const { out } = modbox(['run', '--json', `${MODULES}hello.ko`], '', { MODBOX_TRANSLATIONS });
      return { ...(JSON.parse(out) as RunReport), wallMs: undefined };
    };
    const kept = join(folder, 'modbox', 'translations');
    const without = run('off');
    expect(existsSync(kept)).toBe(false);
    expect(run('on')).toEqual(without);
    const files = readdirSync(kept);
    const written = files.map((name) => readFileSync(join(kept, name)));
    expect(files).not.toEqual([]);
    expect(run('on')).toEqual(without);
    expect(readdirSync(kept)).toEqual(files);
    expect(files.map((name) => readFileSync(join(kept, name)))).toEqual(written);
  });

  it('says what is wrong with a file', () => {
    const file = join(folder, 'broken.ko');
    writeFileSync(file, readFileSync(`${MODULES}hello.ko`).subarray(0, 900));
    const { status, out } = modbox(['run', '--json', file]);
    expect(status).toBe(1);
    expect((JSON.parse(out) as RunReport).modprobe.stderr.join('\n')).toMatch(/broken\.ko: .*0x/);
    expect(modbox(['run', join(folder, 'none.ko')])).toMatchObject({ status: 1, out: '' });
  });
});

describe('modbox shell', () => {
  it('runs commands, a script, and standard input', () => {
    const load = `insmod ${MODULES}hello.ko; lsmod | wc -l; rmmod hello; exit 3`;
    expect(modbox(['shell', '-c', load])).toEqual({ status: 3, out: '2\n', err: '' });
    const script = join(folder, 'script');
    writeFileSync(script, 'echo a script\nfalse\n');
    expect(modbox(['shell', script])).toEqual({ status: 1, out: 'a script\n', err: '' });
    expect(modbox(['shell'], 'uname -r\n')).toEqual({ status: 0, out: '6.1.0-53-amd64\n', err: '' });
  });

  it('says that a command hangs', () => {
    const { status, err } = modbox(['shell', '-c', `insmod ${MODULES}faulty_endless_wait.ko`]);
    expect(status).toBe(1);
    expect(err).toContain('it hangs');
  });
});
