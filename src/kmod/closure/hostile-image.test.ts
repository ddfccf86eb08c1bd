import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putFile, putLink } from '../../testing/disk-tree.js';
import { MemoryFiles, ModuleTree } from '../index.js';
import { DiskFiles } from '../node/disk-files.js';
import { DiskWriter } from '../node/disk-writer.js';
import { writeImage } from '../node/write-image.js';
import { type Closure, closureOf } from './closure.js';
import { FirmwareTree } from './firmware.js';
import { imageFiles } from './image-files.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const RELEASE = 'test';
const DIR = `lib/modules/${RELEASE}`;

let folder: string;
let root: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modbox-hostile-'));
  root = join(folder, 'arch/rootfs');
  out = join(folder, 'home/initrd');
  mkdirSync(join(folder, 'home'), { recursive: true });
  copy('hello', `${DIR}/kernel/hello.ko`);
  put(`${DIR}/modules.order`, 'kernel/hello.ko\n');
  put(`${DIR}/modules.builtin`, '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (path: string, content: string): void => putFile(root, path, content);
const link = (path: string, target: string): void => putLink(root, path, target);
const copy = (name: string, path: string): void =>
  putFile(root, path, readFileSync(join(MODULES, `${name}.ko`)));
const tree = (): ModuleTree => new ModuleTree(new DiskFiles(root), { release: RELEASE });
const firmware = (name: string): { readonly path: string; readonly link: string | undefined }[] =>
  new FirmwareTree(new DiskFiles(root), '', RELEASE).find(name).map(({ path, link }) => ({ path, link }));

/** Everything below a folder, but for one of its own. */
function snapshot(place: string, without: string): string[] {
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path !== without && !path.startsWith(`${without}/`))
    .map((path) => `${path} ${lstatSync(path).isFile() ? readFileSync(path, 'utf8') : ''}`)
    .sort();
}

describe('firmware of a hostile image', () => {
  it('is looked for in the image, whatever its links say', () => {
    writeFileSync(join(folder, 'arch/.vdir'), 'of the host');
    link('lib/firmware/S', '../../../.vdir');
    link('lib/firmware/abs', join(folder, 'arch/.vdir'));
    expect(firmware('S')).toEqual([]);
    expect(firmware('abs')).toEqual([]);
    put('.vdir', 'of the image');
    expect(firmware('S').at(-1)).toEqual({ path: '/.vdir', link: undefined });
  });

  it('has links that lead to the same place from anywhere', () => {
    put('opt/fw', 'firmware');
    link('lib/firmware/a/abs', '/opt/fw');
    link('lib/firmware/climbs', '../../../../opt/fw');
    expect(firmware('a/abs')[0].link).toBe('../../../opt/fw');
    expect(firmware('climbs')[0].link).toBe('../../opt/fw');
  });

  it('comes with the linked directories on the way', () => {
    put('lib/firmware/real/x.bin', 'firmware');
    link('lib/firmware/alias', 'real');
    expect(firmware('alias/x.bin')).toEqual([
      { path: '/lib/firmware/alias', link: 'real' },
      { path: '/lib/firmware/real/x.bin', link: undefined },
    ]);
  });
});

describe('a closure of a hostile image', () => {
  const closure = (files: Closure['firmware']): Closure => ({
    ...closureOf(tree(), ['hello']),
    firmware: files,
  });

  it('writes nothing outside of its folder over a link that it made itself', () => {
    mkdirSync(join(folder, 'home/.vdir'));
    writeFileSync(join(folder, 'home/.vdir/victim'), 'precious');
    link('lib/firmware/S', '../../../.vdir');
    put('.vdir/victim', 'attack');
    const before = snapshot(folder, out);
    const files = firmware('S/victim').map((file) => ({ ...file, name: 'S/victim' }));
    writeImage(tree(), closure(files), out);
    expect(snapshot(folder, out)).toEqual(before);
    const bare = [
      { name: 'S', path: '/lib/firmware/S', link: '../../../.vdir' },
      { name: 'S/victim', path: '/lib/firmware/S/victim', link: undefined },
    ];
    rmSync(out, { recursive: true });
    expect(() => writeImage(tree(), closure(bare), out)).toThrow();
    expect(snapshot(folder, out)).toEqual(before);
  });

  it.each([
    ['../../../../out.ko', '/out.ko'],
    ['/../../out.ko', '/out.ko'],
    ['kernel/../../../../../../../out.ko', '/out.ko'],
  ])('does not follow %s of an index', (path, inImage) => {
    copyFileSync(join(MODULES, 'hello.ko'), join(folder, 'arch/out.ko'));
    copyFileSync(join(MODULES, 'hello.ko'), join(folder, 'out.ko'));
    put(`${DIR}/modules.dep`, `${path}:\n`);
    const name = 'out';
    expect(closureOf(tree(), [name]).missingFiles).toHaveLength(1);
    copy('hello', inImage);
    const before = snapshot(folder, out);
    const found = closureOf(tree(), [name]);
    expect(found.missingFiles).toEqual([]);
    writeImage(tree(), found, out);
    expect(snapshot(folder, out)).toEqual(before);
    for (const file of imageFiles(tree(), found)) expect(file.path).not.toContain('..');
  });

  it('keeps permissions', () => {
    chmodSync(join(root, DIR, 'kernel/hello.ko'), 0o600);
    chmodSync(join(root, DIR, 'kernel'), 0o700);
    writeImage(tree(), closure([]), out);
    expect(lstatSync(join(out, DIR, 'kernel/hello.ko')).mode & 0o7777).toBe(0o600);
    expect(lstatSync(join(out, DIR, 'kernel')).mode & 0o7777).toBe(0o700);
  });

  it('leaves nothing behind where it fails', () => {
    put('lib/firmware/f', 'firmware');
    const gone = [
      { name: 'f', path: '/lib/firmware/f', link: undefined },
      { name: 'g', path: '/lib/firmware/gone', link: undefined },
    ];
    mkdirSync(out);
    expect(() => writeImage(tree(), closure(gone), out)).toThrow(/not there/);
    expect(readdirSync(out)).toEqual([]);
  });

  it('names files that are gone, and dead links, as missing', () => {
    copy('exporter', `${DIR}/kernel/exporter.ko`);
    copy('importer', `${DIR}/kernel/importer.ko`);
    tree().write(new DiskWriter(root));
    rmSync(join(root, DIR, 'kernel/exporter.ko'));
    expect(closureOf(tree(), ['importer']).missingFiles).toEqual([`/${DIR}/kernel/exporter.ko`]);
    link(`${DIR}/kernel/exporter.ko`, 'nowhere.ko');
    expect(closureOf(tree(), ['importer']).missingFiles).toEqual([`/${DIR}/kernel/exporter.ko`]);
    link(`${DIR}/kernel/x`, '.');
  });
});

describe('an index', () => {
  it('is written in the image over links that lead out of it', () => {
    mkdirSync(join(folder, 'elsewhere'));
    rmSync(join(root, 'lib'), { recursive: true });
    copy('hello', `usr/${DIR}/hello.ko`);
    link('lib', '../../elsewhere');
    const before = snapshot(join(folder, 'elsewhere'), '');
    expect(new DiskWriter(root).makeDirectories(`/${DIR}`)).toBe(0);
    expect(snapshot(join(folder, 'elsewhere'), '')).toEqual(before);
  });

  it('replaces a link, not what it leads to', () => {
    writeFileSync(join(folder, 'victim'), 'precious');
    link(`${DIR}/modules.dep`, '../../../../../victim');
    tree().write(new DiskWriter(root));
    expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('precious');
    expect(lstatSync(join(root, DIR, 'modules.dep')).isFile()).toBe(true);
  });

  it('of a tree that is opened by its path stays below that', () => {
    writeFileSync(join(folder, 'arch/secret'), 'options hello whom=host\n');
    link('etc/modprobe.d/a.conf', '../../../secret');
    const opened = ModuleTree.open(root, { files: new DiskFiles('') });
    expect(opened.options('hello')).toBe('');
    put('secret', 'options hello whom=image\n');
    expect(ModuleTree.open(root, { files: new DiskFiles('') }).options('hello')).toBe('whom=image');
    expect(readlinkSync(join(root, 'etc/modprobe.d/a.conf'))).toBe('../../../secret');
  });
});

describe('what an image needs besides', () => {
  const files = (config: string): MemoryFiles =>
    new MemoryFiles([
      [`/${DIR}/hello.ko`, readFileSync(join(MODULES, 'hello.ko'))],
      [`/${DIR}/exporter.ko`, readFileSync(join(MODULES, 'exporter.ko'))],
      [`/${DIR}/modules.builtin`, 'kernel/drivers/inside.ko\n'],
      [`/${DIR}/modules.builtin.modinfo`, 'inside.license=GPL\0inside.firmware=acme/in.bin\0'],
      ['/lib/firmware/acme/in.bin', 'firmware'],
      ['/etc/modprobe.d/a.conf', config],
    ]);

  it('are weak dependencies', () => {
    const weak = new ModuleTree(files('weakdep hello exporter\n'), { release: RELEASE });
    expect(closureOf(weak, ['hello']).modules.map(({ name }) => name)).toEqual(['hello', 'exporter']);
  });

  it('is firmware of modules that are built in', () => {
    const found = closureOf(new ModuleTree(files(''), { release: RELEASE }), ['inside', 'hello']);
    expect(found.firmware.map(({ path }) => path)).toEqual(['/lib/firmware/acme/in.bin']);
  });
});
