import { type FileSource, infoOf } from '../../files/file-source.js';
import { S_IFREG } from '../../files/mode.js';
import { rawBytes } from '../../files/raw-text.js';

/** What fts_read(3) comes to: a directory before what is in it, and files. */
export type Visit =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly name: string };

interface Named {
  readonly path: string;
  readonly name: string;
  readonly isDirectory: boolean;
}

/**
 * Walks file trees as kldxref does, with fts(3): no links are followed (those of `paths` where `follow`), files come before
 * directories, each by the bytes of their names. In which order a directory lists them does not matter.
 */
export function* walk(files: FileSource, paths: readonly string[], follow: boolean): Generator<Visit> {
  const roots = paths.map((path) => ({
    path,
    name: lastName(path),
    isDirectory: isDirectory(files, path, follow),
  }));
  yield* visit(
    files,
    roots.filter((root) => root.isDirectory || isRegular(files, root.path, follow)),
  );
}

function* visit(files: FileSource, entries: readonly Named[]): Generator<Visit> {
  for (const { path, name, isDirectory } of [...entries].sort(compare)) {
    if (!isDirectory) {
      yield { kind: 'file', path, name };
      continue;
    }
    yield { kind: 'directory', path };
    yield* visit(files, entriesOf(files, path));
  }
}

function entriesOf(files: FileSource, directory: string): readonly Named[] {
  const base = directory.endsWith('/') ? directory : `${directory}/`;
  return (files.list(directory) ?? [])
    .map(({ name }) => ({ path: base + name, name, isDirectory: isDirectory(files, base + name, false) }))
    .filter((entry) => entry.isDirectory || isRegular(files, entry.path, false));
}

function compare(a: Named, b: Named): number {
  if (a.isDirectory !== b.isDirectory) return a.isDirectory ? 1 : -1;
  return compareBytes(rawBytes(a.name), rawBytes(b.name));
}

/** strcmp(3). */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** Whether a path is a directory, or leads to one where links are followed. */
export function isDirectory(files: FileSource, path: string, follow: boolean): boolean {
  const info = infoOf(files, path);
  if (info?.kind === 'symlink') return follow && files.list(path) !== undefined;
  return info?.kind === 'directory';
}

/** Whether a path is a regular file, or leads to one. */
export function isRegular(files: FileSource, path: string, follow: boolean): boolean {
  const info = infoOf(files, path);
  if (info?.kind === 'symlink') return follow && files.read(path) !== undefined;
  return info?.kind === 'file' && (info.format === undefined || info.format === S_IFREG);
}

function lastName(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 || slash === path.length - 1 ? path : path.slice(slash + 1);
}
