import { type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FileEntry, FileInfo, FileSource } from '../../files/file-source.js';
import {
  type DiskNode,
  DiskRoot,
  diskEntries,
  diskNode,
  hostPath,
  type Located,
} from '../../files/node/disk-root.js';
import { readGiven } from '../../files/node/read-given.js';

/**
 * A directory of the host's disk as a file tree. Nothing is ever written. Where a root is given, no path and no link
 * below it leads out of it, and no device, pipe or socket below it is opened ({@link DiskRoot}).
 */
export class DiskFiles implements FileSource {
  private readonly tree: DiskRoot | undefined;

  /**
   * `root` stands for "/"; '' is the disk itself, as the process sees it. Relative paths are the host's, from where the
   * process is: only what a user typed may be one.
   */
  constructor(
    private readonly root: string,
    /** A directory of the source below which the same holds as below a root. */
    private readonly below?: { readonly directory: string; readonly tree: DiskRoot },
  ) {
    this.tree = root === '' ? undefined : new DiskRoot(root);
  }

  confined(directory: string): DiskFiles {
    const clean = directory.replace(/\/+$/, '');
    if (clean === '') return this;
    const host = this.locate(clean)?.host ?? join(this.root, clean);
    return new DiskFiles(this.root, { directory: clean, tree: new DiskRoot(host) });
  }

  read(path: string): Uint8Array | undefined {
    const within = this.treeOf(path);
    if (within) return within[0].read(within[1]);
    try {
      return readGiven(path);
    } catch {
      return undefined;
    }
  }

  list(path: string): readonly FileEntry[] | undefined {
    const within = this.treeOf(path);
    const entries = within ? within[0].list(within[1]) : diskEntries(path);
    return entries
      ?.map(({ name, kind }) => ({ name, kind: kind ?? this.kind(`${path}/${name}`) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  stamp(path: string): string | undefined {
    const stat = this.locate(path)?.stat;
    return stat && `${stat.size}:${stat.mtimeMs}`;
  }

  info(path: string): FileInfo | undefined {
    const node = this.nodeAt(path);
    if (!node) return undefined;
    const { kind, target, stat } = node;
    const common = { size: stat.size, mode: stat.mode & 0o7777, mtime: Math.floor(stat.mtimeMs / 1000) };
    if (kind === 'symlink') return { kind, ...common, target: target ?? '' };
    if (kind === 'directory') return { kind, ...common };
    return { kind: 'file', ...common, ...(stat.isFile() ? {} : { format: stat.mode & 0o170000 }) };
  }

  /** The place on the host that a path leads to, links followed; undefined where there is nothing. */
  locate(path: string): Located | undefined {
    const within = this.treeOf(path);
    if (within) return within[0].locate(within[1]);
    const stat = hostStat(path);
    return stat && { host: path, path, stat };
  }

  /** What is at a path, the last link not followed. */
  private nodeAt(path: string): DiskNode | undefined {
    const within = this.treeOf(path);
    if (!within) return diskNode(path);
    const found = within[0].resolve(within[1], { follow: false });
    return found.kind === 'found' ? found.node : undefined;
  }

  /** The tree that a path is confined to, and the path within it. */
  private treeOf(path: string): readonly [DiskRoot, string] | undefined {
    const { below } = this;
    if (below && (path === below.directory || path.startsWith(`${below.directory}/`)))
      return [below.tree, path.slice(below.directory.length) || '/'];
    return this.tree && path.startsWith('/') ? [this.tree, path] : undefined;
  }

  /** What a symbolic link (or a device) leads to. */
  private kind(path: string): FileEntry['kind'] {
    const stat = this.locate(path)?.stat;
    return stat?.isDirectory() ? 'directory' : stat?.isFile() ? 'file' : 'other';
  }
}

function hostStat(path: string): Stats | undefined {
  try {
    return statSync(hostPath(path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
