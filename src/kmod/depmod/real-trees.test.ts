import { execFile, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORPUS_RELEASE, corpusTree, packageTree } from '../../testing/corpus.js';
import { bundleDepmod } from '../../testing/depmod-bundle.js';
import { DiskFiles } from '../node/disk-files.js';
import { indexTree } from './index-tree.js';

const run = promisify(execFile);

/** All that kmod 30 writes; it knows no modules.weakdep. */
const FILES = [
  'dep',
  'dep.bin',
  'alias',
  'alias.bin',
  'softdep',
  'symbols',
  'symbols.bin',
  'builtin.bin',
  'builtin.alias.bin',
  'devname',
].map((name) => `modules.${name}`);
const SUBSET = /^kernel\/(?:drivers\/(?:usb\/(?!gadget)|hid\/[a-h])|net\/bluetooth|lib)/;

let folder = '';
let tree: string | undefined;
let depmod = '';
let program = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-real-'));
  tree = await corpusTree();
  const kmod = await packageTree('kmod');
  depmod = join(folder, 'depmod');
  if (kmod) symlinkSync(join(kmod, existsSync(join(kmod, 'bin/kmod')) ? 'bin/kmod' : 'usr/bin/kmod'), depmod);
  else tree = undefined;
  program = await bundleDepmod(join(folder, 'bin'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const modules = (root: string): string => join(root, 'lib/modules', CORPUS_RELEASE);

/** A copy of the corpus with the modules that `wanted` takes. */
function copy(name: string, wanted: (path: string) => boolean): string {
  const root = join(folder, name);
  const from = modules(tree!);
  for (const entry of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    const isModule = entry.endsWith('.ko');
    if (isModule ? !wanted(entry) : !/^modules\.(?:order|builtin)/.test(entry)) continue;
    mkdirSync(dirname(join(modules(root), entry)), { recursive: true });
    if (isModule) link(join(from, entry), join(modules(root), entry));
    else cpSync(join(from, entry), join(modules(root), entry));
  }
  return root;
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

async function kmodIndex(root: string): Promise<void> {
  expect(await run(depmod, ['-b', root, CORPUS_RELEASE])).toEqual({ stdout: '', stderr: '' });
}

async function ourIndex(root: string): Promise<void> {
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
  const args = [program, '-b', root, CORPUS_RELEASE];
  expect(await run(process.execPath, args, { env })).toEqual({ stdout: '', stderr: '' });
}

function take(root: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of FILES) {
    found.set(name, readFileSync(join(modules(root), name)));
    rmSync(join(modules(root), name));
  }
  return found;
}

/** Names of the files that differ: they are too large to print. */
const differing = (a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): string[] =>
  FILES.filter((name) => Buffer.compare(a.get(name)!, b.get(name)!) !== 0);

describe('the index of a real tree', () => {
  it("of all of Debian's modules is the one that kmod makes, byte for byte", async (context) => {
    if (!tree) return context.skip();
    const root = copy('all', () => true);
    await kmodIndex(root);
    const expected = take(root);
    await ourIndex(root);
    expect(differing(take(root), expected)).toEqual([]);
    // From the cache, and from the core alone.
    await ourIndex(root);
    expect(differing(take(root), expected)).toEqual([]);
    expect(differing(indexTree(new DiskFiles(root), `/lib/modules/${CORPUS_RELEASE}`), expected)).toEqual([]);
    return undefined;
  });

  const PACKINGS = [
    { ending: 'xz', command: ['xz', '--check=crc32', '-1'] },
    { ending: 'zst', command: ['zstd', '-q', '--rm', '-3'] },
    { ending: 'gz', command: ['gzip', '-1'] },
  ] as const;
  for (const { ending, command } of PACKINGS) {
    it(`packed as .ko.${ending} is the one that kmod makes`, async (context) => {
      const [program_, ...args] = command;
      if (!tree || spawnSync(program_, ['--version']).status !== 0) return context.skip();
      const root = copy(ending, (path) => SUBSET.test(path));
      const plain = copy(`${ending}-plain`, (path) => SUBSET.test(path));
      const list = readdirSync(modules(root), { recursive: true, encoding: 'utf8' }).filter((path) =>
        path.endsWith('.ko'),
      );
      expect(list.length).toBeGreaterThan(150);
      // Links are not packed in place.
      for (const path of list) {
        rmSync(join(modules(root), path));
        cpSync(join(modules(tree), path), join(modules(root), path));
      }
      await run(program_, [...args, ...list.map((path) => join(modules(root), path))]);
      await ourIndex(root);
      const found = take(root);
      // Debian's kmod 30 cannot read gzip: what names no file is as of the tree that is not packed.
      const comparable = ending === 'gz' ? FILES.filter((name) => !name.startsWith('modules.dep')) : FILES;
      await kmodIndex(ending === 'gz' ? plain : root);
      const expected = take(ending === 'gz' ? plain : root);
      expect(differing(found, expected).filter((name) => comparable.includes(name))).toEqual([]);
      if (ending === 'gz')
        expect(found.get('modules.dep')!.toString().replaceAll('.ko.gz', '.ko')).toBe(
          expected.get('modules.dep')!.toString(),
        );
      return undefined;
    });
  }
});
