import { rawText } from './raw-text.js';

/** What a name in a directory is. */
export interface FileEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
}

/** What is known of a file without reading it. */
export interface FileInfo {
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Of a device, pipe or socket: what stat(2) calls S_IFMT. */
  readonly format?: number;
  /** Of a symbolic link: where it leads. */
  readonly target?: string;
}

/**
 * A file tree to read from: a disk, an archive, or memory. Paths are absolute, with '/' between names.
 * Everything is synchronous, so that it can be asked in the middle of a module's init.
 */
export interface FileSource {
  /** Content of a file; undefined where there is none (or it cannot be read). */
  read(path: string): Uint8Array | undefined;
  /** Names in a directory, sorted; undefined where there is no such directory. */
  list(path: string): readonly FileEntry[] | undefined;
  /** A text that changes when the file does, to key caches by; undefined where there is no file. */
  stamp?(path: string): string | undefined;
  /** What a path is, not following a symbolic link; undefined where there is nothing. */
  info?(path: string): FileInfo | undefined;
  /** The same files, of which no path and no link below a directory leads out of it. */
  confined?(directory: string): FileSource;
}

/** A file tree in memory: for tests, archives and browsers. */
export class MemoryFiles implements FileSource {
  private readonly files = new Map<string, Uint8Array>();

  constructor(files: Iterable<readonly [path: string, content: Uint8Array | string]> = []) {
    for (const [path, content] of files) this.add(path, content);
  }

  add(path: string, content: Uint8Array | string): void {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    this.files.set(cleanPath(path), bytes);
  }

  read(path: string): Uint8Array | undefined {
    return this.files.get(cleanPath(path));
  }

  list(path: string): readonly FileEntry[] | undefined {
    const clean = cleanPath(path);
    const prefix = clean === '/' ? '/' : `${clean}/`;
    const found = new Map<string, FileEntry>();
    for (const file of this.files.keys()) {
      if (!file.startsWith(prefix)) continue;
      const rest = file.slice(prefix.length);
      const slash = rest.indexOf('/');
      const name = slash < 0 ? rest : rest.slice(0, slash);
      found.set(name, { name, kind: slash < 0 ? 'file' : 'directory' });
    }
    if (found.size === 0) return undefined;
    return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** Files of several trees over each other: the first that has a file wins, directories are merged. */
export class OverlayFiles implements FileSource {
  constructor(private readonly layers: readonly FileSource[]) {}

  read(path: string): Uint8Array | undefined {
    for (const layer of this.layers) {
      const bytes = layer.read(path);
      if (bytes) return bytes;
    }
    return undefined;
  }

  list(path: string): readonly FileEntry[] | undefined {
    const lists = this.layers.map((layer) => layer.list(path)).filter((list) => list !== undefined);
    if (lists.length < 2) return lists[0];
    const merged = new Map<string, FileEntry>();
    for (const list of lists)
      for (const entry of list) if (!merged.has(entry.name)) merged.set(entry.name, entry);
    return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  stamp(path: string): string | undefined {
    for (const layer of this.layers) {
      const stamp = layer.stamp?.(path);
      if (stamp !== undefined) return stamp;
    }
    return undefined;
  }

  info(path: string): FileInfo | undefined {
    for (const layer of this.layers) {
      const info = infoOf(layer, path);
      if (info) return info;
    }
    return undefined;
  }

  confined(directory: string): FileSource {
    return new OverlayFiles(this.layers.map((layer) => confined(layer, directory)));
  }
}

/** {@link FileSource.confined}, of a source that may have no links at all. */
export function confined(files: FileSource, directory: string): FileSource {
  return files.confined?.(directory) ?? files;
}

/** What a path is, in a source that may not have `info`. */
export function infoOf(files: FileSource, path: string): FileInfo | undefined {
  if (files.info) return files.info(path);
  const bytes = files.read(path);
  if (bytes) return { kind: 'file', size: bytes.length, mode: 0o644, mtime: 0 };
  return files.list(path) && { kind: 'directory', size: 0, mode: 0o755, mtime: 0 };
}

/** Makes a path absolute and takes out '.', '..', and doubled or trailing slashes. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Text of a file, or undefined. Bytes that are no UTF-8 stay in it (src/files/raw-text.ts). */
export function readText(files: FileSource, path: string): string | undefined {
  const bytes = files.read(path);
  return bytes && rawText(bytes);
}

/** What is said of a directory that only the paths in it tell of. */
export const DIRECTORY = { kind: 'directory', size: 0, mode: 0o755, mtime: 0 } as const;
