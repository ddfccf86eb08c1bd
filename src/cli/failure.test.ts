import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeWhole } from '../files/node/write-whole.js';
import { main as check } from './commands/check.js';
import { main as run } from './commands/run.js';
import { main as target } from './commands/target.js';
import { whyOf } from './failure.js';
import { runCommand } from './testing/command.js';

const HELLO = fileURLToPath(new URL('../../tests/modules/hello.ko', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-failure-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('what goes wrong', () => {
  it('is one line that names the file', async () => {
    const end = (line: string): object => ({ status: 1, err: `modbox: ${line}\n` });
    expect(await runCommand(run, ['none.ko'])).toMatchObject(end('none.ko: No such file or directory'));
    expect(await runCommand(run, [HELLO, '--key', 'nokey'])).toMatchObject(
      end('nokey: No such file or directory'),
    );
    expect(await runCommand(check, [HELLO, '--junit', '/nowhere/x'])).toMatchObject(
      end('/nowhere/x: No such file or directory'),
    );
  });

  it('inside of modbox is one line too, with what was done and how to tell', () => {
    const text = whyOf(new TypeError('a is\nundefined'), 'modbox run x.ko');
    expect(text).toMatch(
      /^internal error in 'modbox run x.ko': TypeError: a is undefined at .*please report/,
    );
    expect(text).not.toContain('\n');
  });

  it.each([
    [['x.ko', 'y.ko'], /one module at a time, and y.ko is no parameter/],
    [['--timeout', 'x', 'x.ko'], /--timeout x: not a whole number/],
    [['--jobs', 'abc', 'x.ko'], /--jobs abc: not a whole number/],
    [['--jobs', '2', 'x.ko'], /--jobs goes with --each-from/],
    [['--jobs', '1e3', '--each-from', 'list'], /--jobs 1e3: not a whole number/],
  ])('in the command line %s is a usage error', async (args, message) => {
    const [first, ...rest] = args.map((word) => (word === 'x.ko' ? HELLO : word));
    const { status, err } = await runCommand(run, [first, ...rest]);
    expect(status).toBe(2);
    expect(err).toMatch(message);
  });
});

describe('a kernel that is none', () => {
  it.each([
    ['text', Buffer.from('hello\n'), 'text'],
    ['rpm', Buffer.from([0xed, 0xab, 0xee, 0xdb, 3, 0]), 'an RPM package'],
    ['cpio', Buffer.from('070701000000'), 'a cpio archive'],
    ['zip', Buffer.from('PK\u0003\u0004'), 'a zip archive'],
    ['nothing', Buffer.alloc(0), 'nothing: it is empty'],
    ['module', readFileSync(HELLO), 'a kernel module'],
  ])('is called what it is: %s', async (name, content, what) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    const { status, err } = await runCommand(target, ['add', path]);
    expect(status).toBe(1);
    expect(err).toContain(`${path} is ${what}`);
  });
});

describe('a file that is written', () => {
  it('is there wholly or not at all', () => {
    writeWhole(join(folder, 'a'), 'one');
    writeWhole(join(folder, 'a'), 'two');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('two');
    expect(() => writeWhole(join(folder, 'none/a'), 'x')).toThrow(
      expect.objectContaining({ path: join(folder, 'none/a') }),
    );
    expect(() => writeWhole('/dev/full', 'x')).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('is the one that a link leads to', () => {
    writeFileSync(join(folder, 'real'), '');
    symlinkSync('real', join(folder, 'link'));
    writeWhole(join(folder, 'link'), 'new');
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('new');
  });
});
