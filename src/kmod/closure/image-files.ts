import { cleanPath, DIRECTORY, type FileInfo, infoOf, readText } from '../../files/file-source.js';
import { rawBytes } from '../../files/raw-text.js';
import { resolveInRoot } from '../../files/resolve-path.js';
import { CONFIG_DIRECTORIES } from '../config/modprobe-config.js';
import type { IndexedModule } from '../index/module-index.js';
import type { ModuleTree } from '../module-tree.js';
import type { Closure } from './closure.js';

/** A file or a symbolic link of an image; paths are absolute within it. */
type ImageFile =
  | { readonly kind: 'file'; readonly path: string; readonly content: Uint8Array; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string };

interface ImageOptions {
  /** Copy modprobe.d too. */
  readonly config?: boolean;
}

/** A file that an index names is not there (any more). */
export class MissingFileError extends Error {
  override readonly name = 'MissingFileError';
}

/**
 * The files of an image that holds a closure, without depmod's: modules as they are (packed or not) where they were,
 * firmware, and what depmod wants to read. Throws MissingFileError where a file is gone.
 */
export function* imageFiles(
  tree: ModuleTree,
  closure: Closure,
  options: ImageOptions = {},
): Generator<ImageFile> {
  const { directory } = tree;
  for (const module of closure.modules)
    yield file(
      tree,
      imagePath(tree, module),
      module.path.startsWith('/') ? module.path : tree.pathOf(module),
    );
  yield* firmwareFiles(tree, closure);
  yield {
    kind: 'file',
    path: `${directory}/modules.order`,
    content: moduleOrder(tree, closure),
    mode: modeOf(tree, `${directory}/modules.order`),
  };
  for (const name of ['modules.builtin', 'modules.builtin.modinfo', 'modules.builtin.ranges'])
    if (tree.files.read(`${tree.rootDirectory}${directory}/${name}`))
      yield file(tree, `${directory}/${name}`, `${directory}/${name}`);
  if (options.config) yield* configFiles(tree);
}

/** Where a module goes: where it was; one from outside the tree's directory to `updates`, where depmod looks first. */
function imagePath(tree: ModuleTree, module: IndexedModule): string {
  const path = cleanPath(tree.pathOf(module));
  if (!module.path.startsWith('/') && path.startsWith(`${tree.directory}/`)) return path;
  return `${tree.directory}/updates/${module.path.slice(module.path.lastIndexOf('/') + 1)}`;
}

function file(tree: ModuleTree, path: string, from: string): ImageFile {
  const content = tree.files.read(`${tree.rootDirectory}${from}`);
  if (!content) throw new MissingFileError(`${from}: named by the index, but not there`);
  return { kind: 'file', path, content, mode: modeOf(tree, from) };
}

/** Permissions of a file, those of what it leads to where it is a link. */
function modeOf(tree: ModuleTree, path: string): number {
  const { files, rootDirectory: root } = tree;
  const found = resolveInRoot<FileInfo>(path, (place) => infoOf(files, `${root}${place}`), DIRECTORY);
  return found.kind === 'found' ? found.node.mode & 0o777 : 0o644;
}

function* firmwareFiles(tree: ModuleTree, closure: Closure): Generator<ImageFile> {
  for (const { path, link } of closure.firmware) {
    const within = path.slice(tree.rootDirectory.length);
    if (link !== undefined) yield { kind: 'symlink', path: within, target: link };
    else yield file(tree, within, within);
  }
}

/** modules.order decides the order of the index and so that of loading: the lines of these modules, as they stand. */
function moduleOrder(tree: ModuleTree, { modules }: Closure): Uint8Array {
  const unpacked = new Set(modules.map(({ path }) => path.replace(/\.(gz|xz|zst)$/, '')));
  const text = readText(tree.files, `${tree.rootDirectory}${tree.directory}/modules.order`) ?? '';
  const lines = text.split('\n').filter((line) => unpacked.has(line));
  return rawBytes(lines.map((line) => `${line}\n`).join(''));
}

function* configFiles(tree: ModuleTree): Generator<ImageFile> {
  for (const directory of CONFIG_DIRECTORIES)
    for (const { name, kind } of tree.files.list(`${tree.rootDirectory}${directory}`) ?? [])
      if (kind !== 'directory' && name.endsWith('.conf'))
        yield file(tree, `${directory}/${name}`, `${directory}/${name}`);
}
