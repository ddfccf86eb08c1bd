import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FileEntry, FileInfo, FileSource } from '../file-source.js';

/** A directory of the host's disk as a file tree. Nothing is ever written. */
export class DiskFiles implements FileSource {
  /** `root` stands for "/". Relative paths are the host's, from where the process is. */
  constructor(private readonly root: string) {}

  read(path: string): Uint8Array | undefined {
    try {
      return readFileSync(this.host(path));
    } catch {
      return undefined;
    }
  }

  list(path: string): readonly FileEntry[] | undefined {
    try {
      return readdirSync(this.host(path), { withFileTypes: true })
        .map((entry) => ({
          name: entry.name,
          kind: entry.isDirectory()
            ? ('directory' as const)
            : entry.isFile()
              ? ('file' as const)
              : this.kind(path, entry.name),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch {
      return undefined;
    }
  }

  stamp(path: string): string | undefined {
    try {
      const { size, mtimeMs } = statSync(this.host(path));
      return `${size}:${mtimeMs}`;
    } catch {
      return undefined;
    }
  }

  info(path: string): FileInfo | undefined {
    try {
      const stat = lstatSync(this.host(path));
      const common = { size: stat.size, mode: stat.mode & 0o7777, mtime: Math.floor(stat.mtimeMs / 1000) };
      if (stat.isSymbolicLink()) return { kind: 'symlink', ...common, target: readlinkSync(this.host(path)) };
      if (stat.isDirectory()) return { kind: 'directory', ...common };
      return { kind: 'file', ...common, ...(stat.isFile() ? {} : { format: stat.mode & 0o170000 }) };
    } catch {
      return undefined;
    }
  }

  private host(path: string): string {
    return this.root === '' || !path.startsWith('/') ? path : join(this.root, path);
  }

  /** What a symbolic link (or a device) leads to. */
  private kind(directory: string, name: string): FileEntry['kind'] {
    try {
      const stat = statSync(this.host(join(directory, name)));
      return stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'other';
    } catch {
      return 'other';
    }
  }
}
