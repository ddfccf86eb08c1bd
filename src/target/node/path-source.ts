import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type DebOptions, isDeb } from '../../formats/archive/deb.js';
import type { ReadModule } from '../module-table.js';
import { debSource, memorySource } from '../package-source.js';
import type { ReadTargetOptions, TargetSource } from '../source.js';
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
  const bytes = readFileSync(path);
  if (isDeb(bytes)) return { source: debSource(bytes, path, options) };
  return imageSource(path, bytes);
}

/** A directory tree, such as `/` or an unpacked package. Only what may matter is listed. */
export function treeSource(root: string): TargetSource {
  const files = filesIn(root, '').concat(filesIn(root, 'boot'));
  for (const modules of ['lib/modules', 'usr/lib/modules']) {
    for (const release of entries(join(root, modules)).filter((e) => e.isDirectory())) {
      const folder = `${modules}/${release.name}`;
      files.push(...filesIn(root, folder), ...filesIn(root, `${folder}/build`));
      const module = firstModule(root, folder);
      if (module !== undefined) files.push(module);
    }
  }
  return {
    name: root,
    files,
    read: (path) => readFileSync(join(root, path)),
    tree: resolve(root),
    modules: (release) => modulesIn(root, release),
  };
}

function modulesIn(root: string, release: string): readonly ReadModule[] {
  const found = new SourceModules(root);
  const top = ['lib/modules', 'usr/lib/modules'].find((folder) => existsSync(join(root, folder, release)));
  if (top === undefined) return [];
  const walk = (folder: string): void => {
    for (const entry of entries(join(root, top, release, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (moduleFile(`${top}/${release}/${path}`))
        found.add(release, path, readFileSync(join(root, top, release, path)));
    }
  };
  walk('');
  return found.of(release);
}

/** An image by itself; in a tree's boot/ it is that tree's kernel, and else its config may lie next to it. */
function imageSource(path: string, bytes: Uint8Array): PathSource {
  const folder = dirname(resolve(path));
  const release = /^vmlinu[xz]-(.+)$/.exec(basename(path))?.[1];
  if (basename(folder) === 'boot' && release !== undefined)
    return { source: treeSource(dirname(folder)), release };
  const contents = new Map([['vmlinuz', bytes]]);
  const config = join(folder, `config-${release}`);
  if (release !== undefined && existsSync(config))
    contents.set(`boot/config-${release}`, readFileSync(config));
  return { source: memorySource(path, contents) };
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function filesIn(root: string, folder: string): string[] {
  const names = entries(join(root, folder)).filter((entry) => !entry.isDirectory());
  return names.map(({ name }) => (folder === '' ? name : `${folder}/${name}`));
}

function firstModule(root: string, folder: string): string | undefined {
  for (const entry of entries(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isFile() && /\.ko(\.\w+)?$/.test(entry.name)) return path;
    const below = entry.isDirectory() ? firstModule(root, path) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}
