import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FreebsdMachine, type FreebsdTarget, loadBundled } from '../../index.js';
import { main as check } from '../commands/check.js';
import { main as kldxref } from '../commands/kldxref.js';
import { main as run } from '../commands/run.js';
import { main as shell } from '../commands/shell.js';
import { runCommand } from '../testing/command.js';
import { atLoaderPrompt } from './loader-prompt.js';

const FIXTURES = fileURLToPath(new URL('../../../tests/modules/freebsd/', import.meta.url));
const TARGET = ['--target', 'freebsd/14.2-amd64'];
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modbox-freebsd-'));
  mkdirSync(join(root, 'boot/modules'), { recursive: true });
  for (const name of ['hello.ko', 'provider.ko', 'consumer.ko', 'missing.ko'])
    copyFileSync(join(FIXTURES, name), join(root, 'boot/modules', name));
});

afterEach(() => rmSync(root, { recursive: true }));

describe('modbox on FreeBSD', () => {
  it('runs commands while a kld is loaded', async () => {
    const end = await runCommand(run, [
      join(FIXTURES, 'hello.ko'),
      '--exec',
      'kldstat -q -n hello.ko && uname -r',
      '--json',
    ]);
    expect(JSON.parse(end.out).exec).toEqual([
      { command: 'kldstat -q -n hello.ko && uname -r', exit: 0, stdout: '14.2-RELEASE\n', stderr: '' },
    ]);
    expect(end.status).toBe(0);
  });

  it('has a shell, on the tree and what its loader.conf asks for', async () => {
    writeFileSync(join(root, 'boot/loader.conf'), 'consumer_load="YES"\nnone_load="YES"\n');
    const end = await runCommand(shell, [
      ...TARGET,
      '--root',
      root,
      '-c',
      'kldstat | wc -l; kldload nothing; exit 3',
    ]);
    expect(end.out).toBe('4\n');
    expect(end.err).toBe(
      "loader: can't find 'none'\nkldload: can't load nothing: No such file or directory\n",
    );
    expect(end.status).toBe(3);
  });

  it('asks at the prompt of the loader what to boot', async () => {
    const target = loadBundled('freebsd/14.2-amd64') as FreebsdTarget;
    const output = new PassThrough();
    const input = new PassThrough();
    input.end('load nothing\nshow kernel\nboot\n');
    const request = await atLoaderPrompt({ target }, { input, output });
    const said = String(output.read());
    expect(said).toContain("can't find 'nothing'\n");
    expect(said).toContain('kernel\n');
    expect(request === 'left' || FreebsdMachine.boot({ target, loader: request }).kldstat().length).toBe(1);
    const ended = new PassThrough();
    ended.end('show\n');
    expect(await atLoaderPrompt({ target }, { input: ended, output: new PassThrough() })).toBe('left');
  });

  it('writes linker.hints', async () => {
    const folder = join(root, 'boot/modules');
    expect(await runCommand(kldxref, [folder])).toEqual({ status: 0, out: '', err: '' });
    expect(existsSync(join(folder, 'linker.hints'))).toBe(true);
    expect((await runCommand(kldxref, ['-d', folder])).out).toContain('module consumer');
    expect(await runCommand(kldxref, [])).toMatchObject({
      status: 1,
      err: 'usage: kldxref [-Rdv] [-f hintsfile] path ...\n',
    });
  });

  it('checks klds, by their file, or by name in a tree', async () => {
    const good = await runCommand(check, [join(FIXTURES, 'consumer.ko')]);
    expect(good).toEqual({ status: 0, out: 'consumer.ko on freebsd/14.2-amd64: loads\n', err: '' });
    const bad = await runCommand(check, [...TARGET, '--root', root, 'missing', '--json']);
    expect(bad.status).toBe(1);
    expect(JSON.parse(bad.out).verdicts[0].reasons[0].symbol).toBe('modbox_missing_function');
    expect(await runCommand(check, [...TARGET, '--tree', root])).toMatchObject({ status: 1 });
    expect((await runCommand(check, [...TARGET, 'none'])).err).toContain('check: none: no such file');
  });
});
