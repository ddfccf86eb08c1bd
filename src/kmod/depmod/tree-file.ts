import type { FileSource } from '../../files/file-source.js';
import { problemOfDirectory } from './search.js';

/** A file beside the modules; what to say where it is not there. */
export type TreeFile =
  | { readonly kind: 'content'; readonly content: Uint8Array }
  /** It can be opened, and reading from it fails. */
  | { readonly kind: 'directory' }
  | { readonly kind: 'missing'; readonly warning: string };

export function treeFile(files: FileSource, directory: string, name: string): TreeFile {
  const path = `${directory}/${name}`;
  const content = files.read(path);
  if (content) return { kind: 'content', content };
  if (files.list(path)) return { kind: 'directory' };
  if (!files.list(directory)) {
    const problem = problemOfDirectory(files, directory);
    return { kind: 'missing', warning: `could not open directory ${directory}: ${problem}\n` };
  }
  const problem = problemOfDirectory(files, path).replace('Not a directory', 'Permission denied');
  return { kind: 'missing', warning: `could not open ${name} at ${directory}: ${problem}\n` };
}
