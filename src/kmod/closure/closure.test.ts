import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CORPUS_RELEASE, corpusTree } from '../../testing/corpus.js';
import { type FileSource, MemoryFiles, ModuleTree, OverlayFiles, showDepends } from '../index.js';
import { DiskFiles } from '../node/disk-files.js';
import { writeImage } from '../node/write-image.js';
import { closureOf } from './closure.js';
import { FirmwareTree } from './firmware.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const RELEASE = 'test';
const DIR = `/lib/modules/${RELEASE}`;
const module = (name: string): Uint8Array => readFileSync(`${MODULES}${name}.ko`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-closure-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function ownFiles(config = ''): MemoryFiles {
  return new MemoryFiles([
    [`${DIR}/extra/exporter.ko`, module('exporter')],
    [`${DIR}/extra/importer.ko`, module('importer')],
    [`${DIR}/extra/hello.ko`, module('hello')],
    [`${DIR}/modules.order`, 'extra/importer.ko\nextra/hello.ko\nextra/exporter.ko\n'],
    [`${DIR}/modules.builtin`, 'kernel/drivers/inside.ko\n'],
    ['/etc/modprobe.d/test.conf', config],
  ]);
}

const treeOf = (files: FileSource, release = RELEASE): ModuleTree => new ModuleTree(files, { release });
const namesOf = (tree: ModuleTree, ...names: string[]): string[] =>
  closureOf(tree, names).modules.map(({ name }) => name);

describe('the closure of modules', () => {
  it('is what modprobe would load, what is needed first', () => {
    expect(namesOf(treeOf(ownFiles()), 'importer')).toEqual(['exporter', 'importer']);
    expect(namesOf(treeOf(ownFiles('softdep exporter pre: hello\n')), 'importer')).toEqual([
      'hello',
      'exporter',
      'importer',
    ]);
  });

  it('tells what is built in, and names that stand for nothing', () => {
    const closure = closureOf(treeOf(ownFiles('softdep hello pre: inside\n')), ['hello', 'nowhere']);
    expect(closure.builtin).toEqual(['inside']);
    expect(closure.unknown).toEqual(['nowhere']);
  });

  it('has the firmware that modules name, or says that it is missing', async ({ skip }) => {
    const root = await corpusTree();
    if (root === undefined) return skip();
    const firmware = new MemoryFiles([['/lib/firmware/rtl_nic/rtl8168e-1.fw', 'firmware']]);
    const tree = treeOf(new OverlayFiles([firmware, new DiskFiles(root)]), CORPUS_RELEASE);
    const closure = closureOf(tree, ['r8169']);
    expect(closure.modules.map(({ name }) => name)).toEqual(['libphy', 'mdio_devres', 'realtek', 'r8169']);
    expect(closure.firmware.map(({ path }) => path)).toEqual(['/lib/firmware/rtl_nic/rtl8168e-1.fw']);
    expect(closure.missingFirmware).toContainEqual({ name: 'rtl_nic/rtl8168e-2.fw', module: 'r8169' });
  });
});

describe('firmware', () => {
  const put = (path: string, content: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const find = (name: string): string[] =>
    new FirmwareTree(new DiskFiles(folder), '', RELEASE).find(name).map(({ path }) => path);

  it('of an update hides the others', () => {
    put('lib/firmware/a.bin', '1');
    expect(find('a.bin')).toEqual(['/lib/firmware/a.bin']);
    put(`lib/firmware/${RELEASE}/a.bin`, '2');
    expect(find('a.bin')).toEqual([`/lib/firmware/${RELEASE}/a.bin`]);
    put('lib/firmware/updates/a.bin', '3');
    expect(find('a.bin')).toEqual(['/lib/firmware/updates/a.bin']);
  });

  it('may be packed', () => {
    put('lib/firmware/a.bin.xz', '1');
    expect(find('a.bin')).toEqual(['/lib/firmware/a.bin.xz']);
  });

  it('may be named with wildcards', () => {
    put('lib/firmware/gpu/a_one.bin', '1');
    put('lib/firmware/gpu/a_two.bin', '2');
    put('lib/firmware/gpu/b.bin', '3');
    expect(find('gpu/a_*.bin')).toEqual(['/lib/firmware/gpu/a_one.bin', '/lib/firmware/gpu/a_two.bin']);
  });

  it('that is a link comes with what the link leads to', () => {
    put('lib/firmware/real/a.bin', '1');
    symlinkSync('real/a.bin', join(folder, 'lib/firmware/a.bin'));
    symlinkSync('nowhere', join(folder, 'lib/firmware/dangling.bin'));
    symlinkSync('loop.bin', join(folder, 'lib/firmware/loop.bin'));
    expect(find('a.bin')).toEqual(['/lib/firmware/a.bin', '/lib/firmware/real/a.bin']);
    expect(find('dangling.bin')).toEqual([]);
    expect(find('loop.bin')).toEqual([]);
  });

  it('is never looked for outside its directory', () => {
    put('secret', '1');
    expect(find('../../secret')).toEqual([]);
  });
});

describe('an image', () => {
  it('has the modules where they were, and resolves them in the same order', () => {
    const tree = treeOf(ownFiles('softdep exporter pre: hello\n'));
    writeImage(tree, closureOf(tree, ['importer']), folder, { config: true });
    const image = treeOf(new DiskFiles(folder));
    expect(showDepends(image, 'importer')).toEqual(showDepends(tree, 'importer'));
    expect(readFileSync(join(folder, `${DIR}/extra/importer.ko`))).toEqual(Buffer.from(module('importer')));
    expect(readFileSync(join(folder, `${DIR}/modules.order`), 'utf8')).toBe(
      'extra/importer.ko\nextra/hello.ko\nextra/exporter.ko\n',
    );
  });

  it("has depmod's index files", () => {
    const tree = treeOf(ownFiles());
    writeImage(tree, closureOf(tree, ['importer']), folder);
    expect(readFileSync(join(folder, `${DIR}/modules.dep`), 'utf8')).toBe(
      'extra/importer.ko: extra/exporter.ko\nextra/exporter.ko:\n',
    );
    for (const name of ['dep.bin', 'alias.bin', 'symbols.bin', 'builtin.bin', 'softdep', 'devname'])
      expect(readFileSync(join(folder, `${DIR}/modules.${name}`))).toBeDefined();
  });

  it('is not written over one that is there, unless added to', () => {
    const tree = treeOf(ownFiles());
    writeImage(tree, closureOf(tree, ['exporter']), folder);
    expect(() => writeImage(tree, closureOf(tree, ['hello']), folder)).toThrow(/is there already/);
    writeImage(tree, closureOf(tree, ['importer', 'hello']), folder, { add: true });
    expect(treeOf(new DiskFiles(folder)).resolve('hello')[0].module?.path).toBe('extra/hello.ko');
  });

  it('keeps links of firmware', async ({ skip }) => {
    const root = await corpusTree();
    if (root === undefined) return skip();
    const firmware = join(folder, 'firmware');
    mkdirSync(join(firmware, 'lib/firmware/rtl_nic'), { recursive: true });
    writeFileSync(join(firmware, 'lib/firmware/rtl_nic/real.fw'), 'firmware');
    symlinkSync('real.fw', join(firmware, 'lib/firmware/rtl_nic/rtl8168e-1.fw'));
    const tree = treeOf(new OverlayFiles([new DiskFiles(firmware), new DiskFiles(root)]), CORPUS_RELEASE);
    writeImage(tree, closureOf(tree, ['r8169']), join(folder, 'image'));
    expect(readlinkSync(join(folder, 'image/lib/firmware/rtl_nic/rtl8168e-1.fw'))).toBe('real.fw');
    expect(readFileSync(join(folder, 'image/lib/firmware/rtl_nic/real.fw'), 'utf8')).toBe('firmware');
  });
});
