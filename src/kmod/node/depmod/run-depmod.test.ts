import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleDepmod } from '../../../testing/depmod-bundle.js';
import { Random } from '../../../testing/random.js';
import { type SmallModule, smallModule } from '../../../testing/small-module.js';

const RELEASE = '6.1.0';
const PACKAGE = '{"type":"module"}';

let folder = '';
let program = '';
let root = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-run-depmod-'));
  writeFileSync(join(folder, 'package.json'), PACKAGE);
  program = await bundleDepmod(join(folder, 'bin'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  root = mkdtempSync(join(folder, 'tree-'));
  plant('modules.order', '');
  plant('modules.builtin', 'kernel/x.ko\n');
  plant('modules.builtin.modinfo', 'x.alias=y\0');
});

const directory = (): string => join(root, 'lib/modules', RELEASE);

function plant(name: string, content: SmallModule | string): void {
  const path = join(directory(), name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : smallModule(content));
}

/** Makes everything in the tree look as if it were of an hour ago, but for the times of its inodes. */
function settle(): void {
  const hour = Date.now() / 1000 - 3600;
  for (const entry of readdirSync(directory(), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), hour, hour);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
}

const environment = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  MODBOX_UNAME_R: RELEASE,
  XDG_CACHE_HOME: join(root, 'cache'),
  ...more,
});

/** Exit status, output and messages of a run. */
function depmod(more: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<string> {
  return new Promise((resolve) => {
    const options = { encoding: 'utf8', env: environment(more) } as const;
    execFile(process.execPath, [program, '-b', root, ...args], options, (error, stdout, stderr) =>
      resolve(`${error ? error.code : 0} ${stdout}${stderr}`),
    );
  });
}

const OUTPUTS = [
  'dep',
  'dep.bin',
  'alias',
  'alias.bin',
  'softdep',
  'weakdep',
  'symbols',
  'symbols.bin',
  'builtin.bin',
  'builtin.alias.bin',
  'devname',
].map((name) => `modules.${name}`);

function outputs(): Record<string, string> {
  return Object.fromEntries(OUTPUTS.map((name) => [name, readFileSync(join(directory(), name), 'latin1')]));
}

const cacheFiles = (): string[] => {
  const cache = join(root, 'cache/modbox/depmod');
  return existsSync(cache) ? readdirSync(cache).map((name) => join(cache, name)) : [];
};

describe('depmod that is killed', () => {
  it('leaves whole files, old or new, whenever that is', async () => {
    const random = new Random(1);
    const names = Array.from({ length: 40 }, (_, i) => `m${i}`);
    for (const name of names)
      plant(`kernel/${name}.ko`, {
        exports: { [`${name}_s`]: 1 },
        modinfo: [`alias=${name}${'x'.repeat(200)}*`],
      });
    const orders = [names, [...names].reverse()].map((list) =>
      list.map((name) => `kernel/${name}.ko,`).join(''),
    );
    const expected: Record<string, string>[] = [];
    for (const order of orders) {
      plant('modules.order', order.replaceAll(',', '\n'));
      expect(await depmod({ MODBOX_CACHE: 'off' })).toBe('0 ');
      expected.push(outputs());
    }
    expect(expected[0]).not.toEqual(expected[1]);
    for (let kill = 0; kill < 35; kill++) {
      await killedAfter(random.below(60), orders.join(';'));
      const found = outputs();
      for (const name of OUTPUTS) expect([expected[0][name], expected[1][name]]).toContain(found[name]);
    }
    plant('modules.order', orders[1].replaceAll(',', '\n'));
    expect(await depmod()).toBe('0 ');
    expect(outputs()).toEqual(expected[1]);
  });

  async function killedAfter(milliseconds: number, orders: string): Promise<void> {
    const child: ChildProcess = spawn(process.execPath, [program, '-b', root], {
      env: environment({ MODBOX_CACHE: 'off', ALTERNATE_ORDERS: orders }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  it('leaves nothing that the next run would stumble over, and that goes once it is old', async () => {
    plant('kernel/a.ko', {});
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const old = `modules.dep.${gone}.1.1`;
    const others = [
      `modules.dep.${process.pid}.1.1`,
      'modules.dep.backup',
      `modules.mine.${gone}.1.1`,
      `modules.alias.${gone}.2.2`,
    ];
    for (const name of [old, ...others]) plant(name, 'half');
    expect(await depmod()).toBe('0 ');
    // Somebody in another container may still be at it.
    expect(readdirSync(directory())).toEqual(expect.arrayContaining([old, ...others]));
    const hour = Date.now() / 1000 - 3600;
    for (const name of [old, ...others]) utimesSync(join(directory(), name), hour, hour);
    expect(await depmod()).toBe('0 ');
    expect(readdirSync(directory())).not.toContain(old);
    expect(readdirSync(directory())).toEqual(expect.arrayContaining(others.slice(0, 3)));
  });
});

describe('what depmod keeps', () => {
  const fresh = async (): Promise<Record<string, string>> => {
    const before = outputs();
    expect(await depmod({ MODBOX_CACHE: 'off' })).toMatch(/^0 /);
    const after = outputs();
    for (const name of OUTPUTS) writeFileSync(join(directory(), name), before[name], 'latin1');
    return after;
  };

  beforeEach(() => {
    plant('kernel/a.ko', { needs: { b_s: 1 }, modinfo: ['alias=first'] });
    plant('kernel/b.ko', { exports: { b_s: 1 } });
    plant('kernel/junk.ko', 'no module at all');
    settle();
  });

  it('gives the same files and messages again', async () => {
    const first = await depmod();
    const made = outputs();
    expect(cacheFiles().length).toBe(2);
    for (const name of OUTPUTS) rmSync(join(directory(), name));
    expect(await depmod()).toBe(first);
    expect(outputs()).toEqual(made);
    expect(first).toMatch(/^0 .*failed to load symbols from .*junk\.ko: Exec format error\n$/);
  });

  it.each([
    ['a module', 'kernel/a.ko', { needs: { b_s: 1 }, modinfo: ['alias=secnd'] }],
    ['a new module', 'kernel/c.ko', { needs: { b_s: 1 } }],
    ['modules.order', 'modules.order', 'kernel/b.ko\n'],
    ['modules.builtin', 'modules.builtin', 'kernel/z.ko\n'],
    ['modules.builtin.modinfo', 'modules.builtin.modinfo', 'x.alias=z\0'],
  ])('is not used where %s changed', async (_, name, content) => {
    await depmod();
    const before = outputs();
    plant(name, content);
    // A changed module may even have its old time.
    utimesSync(join(directory(), name), Date.now() / 1000 - 3600, Date.now() / 1000 - 3600);
    await depmod();
    const after = outputs();
    expect(after).not.toEqual(before);
    expect(after).toEqual(await fresh());
  });

  it('is not used where the options are others', async () => {
    await depmod();
    expect(await depmod({}, ['-v'])).toContain('a.ko needs "b_s": ');
    expect(await depmod({}, ['-n'])).toContain('kernel/a.ko: kernel/b.ko\n');
  });

  it('is not to be relied on for a module that changed just now', async () => {
    plant('kernel/a.ko', { needs: { b_s: 1 }, modinfo: ['alias=now'] });
    for (const alias of ['one', 'two', 'six']) {
      plant('kernel/a.ko', { needs: { b_s: 1 }, modinfo: [`alias=${alias}`] });
      await depmod();
      expect(outputs()['modules.alias']).toContain(`alias ${alias} a\n`);
    }
  });

  it('may be damaged', async () => {
    const first = await depmod();
    const made = outputs();
    const random = new Random(4);
    for (let round = 0; round < 6; round++) {
      for (const file of cacheFiles()) {
        const bytes = readFileSync(file);
        if (random.below(2) === 0) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
        writeFileSync(
          file,
          bytes.subarray(0, random.below(3) === 0 ? random.below(bytes.length) : bytes.length),
        );
      }
      expect(await depmod()).toBe(first);
      expect(outputs()).toEqual(made);
    }
  });

  it('is nothing with MODBOX_CACHE=off, and nothing below the tree', async () => {
    await depmod({ MODBOX_CACHE: 'off' });
    expect(cacheFiles()).toEqual([]);
    expect(readdirSync(directory()).filter((name) => !name.startsWith('modules.'))).toEqual(['kernel']);
  });

  it('is of a bounded number of files', async () => {
    const cache = join(root, 'cache/modbox/depmod');
    mkdirSync(cache, { recursive: true });
    for (let i = 0; i < 40; i++) writeFileSync(join(cache, `old${i}`), '');
    await depmod();
    expect(cacheFiles().length).toBe(24);
  });

  it('can be used by several at once', async () => {
    const runs = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, [program, '-b', root], { env: environment(), stdio: 'ignore' });
      return new Promise<number | null>((resolve) => child.once('exit', resolve));
    });
    expect(await Promise.all(runs)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(outputs()).toEqual(await fresh());
    expect(readdirSync(directory()).filter((name) => /\.\d+$/.test(name))).toEqual([]);
  });
});
