import type { HostTree } from '../../kernel/files/index.js';
import { type FileSource, infoOf } from '../../kmod/index.js';

/** A file source as the file tree of a kernel sees the world outside. */
export function hostTreeOf(files: FileSource): HostTree {
  return {
    entry: (path) => infoOf(files, path) ?? (path === '/' ? ROOT : undefined),
    list: (path) => (files.list(path) ?? []).map(({ name }) => name),
    read: (path) => files.read(path) ?? new Uint8Array(),
    readLink: (path) => infoOf(files, path)?.target ?? '',
  };
}

const ROOT = { kind: 'directory', size: 0, mode: 0o755, mtime: 0 } as const;
