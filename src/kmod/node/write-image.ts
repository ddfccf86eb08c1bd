import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Closure } from '../closure/closure.js';
import { imageFiles } from '../closure/image-files.js';
import { ModuleTree } from '../module-tree.js';
import { DiskFiles } from './disk-files.js';
import { DiskWriter } from './disk-writer.js';

export interface WriteImageOptions {
  /** The image may have a tree of this release already. */
  readonly add?: boolean;
  /** Copy modprobe.d too. */
  readonly config?: boolean;
}

/** An image that is there already, and was not to be added to. */
export class ImageExistsError extends Error {
  override readonly name = 'ImageExistsError';
  readonly syscall = 'mkdir';
}

/**
 * Writes a closure below a directory, with the index files of all that is then there. Throws ImageExistsError, and errors
 * of the file system; the index is written last, so an image without one is one that was not finished.
 */
export function writeImage(
  tree: ModuleTree,
  closure: Closure,
  out: string,
  options: WriteImageOptions = {},
): void {
  const modules = join(out, tree.directory);
  if (!options.add && existsSync(modules))
    throw new ImageExistsError(`${modules} is there already: --add adds to it`);
  for (const file of imageFiles(tree, closure, { config: options.config ?? false })) {
    const path = join(out, file.path);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    if (file.kind === 'symlink') symlinkSync(file.target, path);
    else writeFileSync(path, file.content);
  }
  ModuleTree.open(modules, { files: new DiskFiles('') }).write(new DiskWriter(''));
}
