import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORPUS_RELEASE, corpusTree, newerTree } from '../../testing/corpus.js';
import { Random } from '../../testing/random.js';
import { moduleNameOf } from '../index.js';
import { DiskFiles } from '../node/disk-files.js';
import { runTool } from '../testing/captured-host.js';
import { realKmod } from '../testing/real-kmod.js';
import { modprobe } from './modprobe.js';

type RealKmod = NonNullable<Awaited<ReturnType<typeof realKmod>>>;

const folder = mkdtempSync(join(tmpdir(), 'modbox-trees-'));
let real: RealKmod | undefined;

beforeAll(async () => {
  real = await realKmod();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A kernel package's modules (below some of its directories), with an index by the real depmod. */
function indexed(name: string, source: string, release: string, parts: readonly string[]): string {
  const root = join(folder, name);
  const from = join(source, 'lib/modules', release);
  const to = join(root, 'lib/modules', release);
  mkdirSync(join(to, 'kernel'), { recursive: true });
  for (const part of parts) cpSync(join(from, 'kernel', part), join(to, 'kernel', part), { recursive: true });
  for (const file of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
    copyFileSync(join(from, file), join(to, file));
  const run = real!('depmod', ['-b', root, release]);
  if (run.status !== 0) throw new Error(run.err);
  return root;
}

/** Lines of an index's text, without its comments. */
function lines(root: string, release: string, file: string): string[] {
  const text = readFileSync(join(root, 'lib/modules', release, file), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** A name that a pattern matches. */
function instance(pattern: string, random: Random): string {
  return pattern.replace(/\*|\?|\[([^\]]*)\]/g, (special, set: string | undefined) => {
    if (set !== undefined) return random.pick([set[0], set[set.length - 1]]);
    return special === '?' ? random.pick(['0', 'a', 'Z']) : random.pick(['', '0', '00000A01', 'x']);
  });
}

function agree(root: string, release: string, args: readonly string[]): void {
  const all = ['-C', '/nowhere', '-d', root, '-S', release, ...args];
  const want = real!('modprobe', all);
  const got = runTool(modprobe, new DiskFiles(''), all, { directory: process.cwd() });
  expect(got.stderr).toBe(want.err);
  expect(got.stdout).toBe(want.out.toString());
  expect(got.exit).toBe(want.status);
}

function check(root: string, release: string, draws: number): void {
  const modules = lines(root, release, 'modules.dep').map((line) => moduleNameOf(line.split(':')[0]));
  const builtin = lines(root, release, 'modules.builtin').map(moduleNameOf);
  agree(root, release, ['-D', '-a', ...modules, ...builtin, 'no-such-module']);
  agree(root, release, ['-R', '-a', ...modules]);
  const random = new Random(1991);
  const patterns = lines(root, release, 'modules.alias').map((line) => line.split(' ')[1]);
  const aliases = Array.from({ length: draws }, () => instance(random.pick(patterns), random));
  agree(root, release, ['-D', '-a', ...aliases]);
  agree(root, release, ['-R', '-a', ...aliases]);
  const symbols = lines(root, release, 'modules.symbols').map((line) => line.split(' ')[1]);
  agree(root, release, ['-R', '-a', ...Array.from({ length: 200 }, () => random.pick(symbols))]);
  agree(root, release, ['-c']);
}

describe('on real kernels, kmod and modbox agree on', () => {
  it("every module of Debian's 6.1, 2,000 aliases drawn from its own, symbols, and the whole listing", async (context) => {
    const source = await corpusTree();
    if (!source || !real) return context.skip();
    const parts = readdirSync(join(source, 'lib/modules', CORPUS_RELEASE, 'kernel'));
    const root = indexed('6.1', source, CORPUS_RELEASE, parts);
    check(root, CORPUS_RELEASE, 2000);
  }, 240_000);

  it('packed modules of a 6.12', async (context) => {
    const source = await newerTree();
    if (!source || !real) return context.skip();
    const [release] = readdirSync(join(source, 'lib/modules'));
    const parts = ['net', 'crypto', 'lib', 'fs'].filter((part) =>
      existsSync(join(source, 'lib/modules', release, 'kernel', part)),
    );
    const root = indexed('6.12', source, release, parts);
    check(root, release, 500);
  }, 240_000);
});
