import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FileSource, infoOf } from '../../files/file-source.js';
import { DiskRoot } from '../../files/node/disk-root.js';
import { OutputFolder } from '../../files/node/output-folder.js';
import type { Closure } from '../closure/closure.js';
import { imageFiles } from '../closure/image-files.js';
import { ModuleTree } from '../module-tree.js';
import { DiskFiles } from './disk-files.js';
import { DiskWriter } from './disk-writer.js';

interface WriteImageOptions {
  /** The image may have a tree of this release already. */
  readonly add?: boolean;
  /** Copy modprobe.d too. */
  readonly config?: boolean;
}

/** An image that is there already, and was not to be added to. */
class ImageExistsError extends Error {
  override readonly name = 'ImageExistsError';
  readonly syscall = 'mkdir';
}

/**
 * Writes a closure below a directory, with the index files of all that is then there. Throws ImageExistsError,
 * MissingFileError, and errors of the file system; what was written until then is taken away again.
 */
export function writeImage(
  tree: ModuleTree,
  closure: Closure,
  out: string,
  options: WriteImageOptions = {},
): void {
  const { files, rootDirectory, directory, release } = tree;
  if (!options.add && new DiskFiles(out).list(directory))
    throw new ImageExistsError(`${join(out, directory)} is there already: --add adds to it`);
  mkdirSync(out, { recursive: true });
  const folder = new OutputFolder(new DiskRoot(out), {
    replace: options.add ?? false,
    // No directory is open to more people than the one that it is a copy of; its owner has to write to it.
    modeOf: (path) => (directoryMode(files, `${rootDirectory}${path}`) & 0o777) | 0o700,
  });
  try {
    for (const file of imageFiles(tree, closure, { config: options.config ?? false })) {
      if (file.kind === 'symlink') folder.link(file.path, file.target);
      else folder.file(file.path, file.content, file.mode);
    }
    folder.directory(directory);
    new ModuleTree(new DiskFiles(out), { release }).write(new DiskWriter(out));
  } catch (error) {
    folder.undo();
    throw error;
  }
}

function directoryMode(files: FileSource, path: string): number {
  const info = infoOf(files, `${path}/.`);
  return info?.kind === 'directory' ? info.mode : 0o755;
}
