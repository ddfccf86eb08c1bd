import { cleanPath, type FileSource, infoOf } from '../../files/file-source.js';
import type { Say } from './messages.js';
import { isModulePath } from './names.js';
import { MAX_DEPTH, problemOfDirectory } from './search.js';

/**
 * Whether no module below lib/modules/RELEASE is newer than its modules.dep, by the second (-A). False also where
 * that cannot be told, after saying why.
 */
export function isUpToDate(files: FileSource, directory: string, say: Say): boolean {
  if (!files.list(directory)) {
    say('error', `could not open directory ${directory}: ${problemOfDirectory(files, directory)}\n`);
    return false;
  }
  const made = followed(files, `${directory}/modules.dep`);
  if (!made) {
    say('error', `could not fstatat(${directory}, modules.dep): No such file or directory\n`);
    return false;
  }
  return !hasNewer(files, directory, made.mtime, 0);
}

function hasNewer(files: FileSource, directory: string, mtime: number, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  return (files.list(directory) ?? []).some(({ name, kind }) => {
    if (name === 'build' || name === 'source') return false;
    const path = `${directory}/${name}`;
    if (kind === 'directory') return hasNewer(files, path, mtime, depth + 1);
    return kind === 'file' && isModulePath(name) && (followed(files, path)?.mtime ?? 0) > mtime;
  });
}

/** What a path leads to. */
function followed(files: FileSource, path: string): { readonly mtime: number } | undefined {
  let at = path;
  for (let links = 0; links < 40; links++) {
    const info = infoOf(files, at);
    if (info?.kind !== 'symlink') return info;
    const target = info.target ?? '';
    at = cleanPath(target.startsWith('/') ? target : `${at.slice(0, at.lastIndexOf('/'))}/${target}`);
  }
  return undefined;
}
