import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type DiskEntry, DiskRoot } from '../../files/node/disk-root.js';
import { readGiven } from '../../files/node/read-given.js';
import { type DebOptions, isDeb } from '../../formats/archive/deb.js';
import { compressionOf } from '../../formats/compressed/unpack.js';
import { isBzImage } from '../../formats/compressed/vmlinuz.js';
import { isElf } from '../../formats/elf/index.js';
import type { ReadModule } from '../module-table.js';
import { debSource, memorySource } from '../package-source.js';
import { notAKernel, type ReadTargetOptions, type TargetSource } from '../source.js';
import { moduleFile, SourceModules } from '../source-modules.js';
import { TargetError } from '../target-error.js';

/** What a path gives: a source, and the release that the path itself names. */
export interface PathSource extends ReadTargetOptions {
  readonly source: TargetSource;
}

/** A `.deb`, a `vmlinuz`, a `vmlinux` or the root of a tree with boot/ and lib/modules/. */
export function sourceOfPath(path: string, options: DebOptions = {}): PathSource {
  if (!existsSync(path)) throw new TargetError(`${path}: no such file or directory`);
  if (statSync(path).isDirectory()) return { source: treeSource(path) };
  const bytes = readGiven(path);
  if (isDeb(bytes)) return { source: { ...debSource(bytes, path, options), tree: resolve(path) } };
  if (!isElf(bytes) && !isBzImage(bytes) && compressionOf(bytes) === 'none') throw notAKernel(path, bytes);
  return imageSource(path, bytes);
}

/**
 * A directory tree, such as `/` or an unpacked package. Only what may matter is listed, and nothing is read that lies
 * outside of it, whatever its links say.
 */
export function treeSource(root: string): TargetSource {
  const tree = new DiskRoot(root);
  const files = filesIn(tree, '').concat(filesIn(tree, 'boot'));
  for (const release of releasesIn(tree)) {
    const folder = `lib/modules/${release}`;
    files.push(...filesIn(tree, folder), ...filesIn(tree, `${folder}/build`));
    const module = firstModule(tree, folder);
    if (module !== undefined) files.push(module);
  }
  return {
    name: root,
    files,
    read: (path) => readIn(tree, path),
    tree: resolve(root),
    modules: (release) => modulesIn(tree, root, release),
  };
}

function modulesIn(tree: DiskRoot, name: string, release: string): readonly ReadModule[] {
  const found = new SourceModules(name);
  const top = `lib/modules/${release}`;
  const walk = (folder: string): void => {
    for (const entry of entries(tree, `${top}/${folder}`)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.kind === 'directory') walk(path);
      else if (moduleFile(`${top}/${path}`)) addModule(found, tree, release, path);
    }
  };
  walk('');
  return found.of(release);
}

/** A link that leads nowhere, or a device of a module's name, is no module. */
function addModule(found: SourceModules, tree: DiskRoot, release: string, path: string): void {
  const bytes = tree.read(`/lib/modules/${release}/${path}`);
  if (bytes) found.add(release, path, bytes);
}

function readIn(tree: DiskRoot, path: string): Uint8Array {
  const bytes = tree.read(`/${path}`);
  if (!bytes)
    throw new TargetError(`${tree.directory}: ${path}: cannot be read, or is no file within the tree`);
  return bytes;
}

/** An image by itself; in a tree's boot/ it is that tree's kernel, and else its config may lie next to it. */
function imageSource(path: string, bytes: Uint8Array): PathSource {
  const folder = dirname(resolve(path));
  const release = /^vmlinu[xz]-(.+)$/.exec(basename(path))?.[1];
  if (basename(folder) === 'boot' && release !== undefined)
    return { source: treeSource(dirname(folder)), release };
  const contents = new Map([['vmlinuz', bytes]]);
  const config = join(folder, `config-${release}`);
  if (release !== undefined && existsSync(config)) contents.set(`boot/config-${release}`, readGiven(config));
  return { source: memorySource(path, contents) };
}

/** Names of lib/modules, those that are links to directories too. */
function releasesIn(tree: DiskRoot): string[] {
  const names = ['lib/modules', 'usr/lib/modules'].flatMap((folder) =>
    entries(tree, folder).map(({ name }) => name),
  );
  return [...new Set(names)].filter((name) => tree.locate(`/lib/modules/${name}`)?.stat.isDirectory());
}

function entries(tree: DiskRoot, folder: string): readonly DiskEntry[] {
  return tree.list(`/${folder}`) ?? [];
}

function filesIn(tree: DiskRoot, folder: string): string[] {
  const names = entries(tree, folder).filter(({ kind }) => kind !== 'directory');
  return names.map(({ name }) => (folder === '' ? name : `${folder}/${name}`));
}

function firstModule(tree: DiskRoot, folder: string): string | undefined {
  for (const entry of entries(tree, folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.kind === 'file' && /\.ko(\.\w+)?$/.test(entry.name)) return path;
    const below = entry.kind === 'directory' ? firstModule(tree, path) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}
