import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from '../../files/mode.js';
import type { Sleepable } from '../../kernel/effects.js';
import {
  DeviceNode,
  DirectoryNode,
  type FileNode,
  type FileTree,
  type Location,
  MemoryDirectory,
  MemoryFile,
  SpecialNode,
  SymlinkNode,
} from '../../kernel/files/index.js';
import { EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { modeOf, VfsObjects } from './objects.js';

export const UMASK = 0o022;

/** What stat(2) tells. */
export interface FileStatus {
  /** Type and permission bits. */
  readonly mode: number;
  readonly size: number;
  readonly inode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  /** Of device nodes. */
  readonly major: number;
  readonly minor: number;
}

/**
 * System calls that take a path and open nothing (fs/namei.c, fs/stat.c). What they find is held by the walk
 * around them (`PathWalks`).
 */
export class PathCalls {
  constructor(private readonly k: LinuxKernel) {}

  *readdir(path: string): Sleepable<readonly string[] | number> {
    const node = yield* this.find(path);
    if (typeof node === 'number') return node;
    if (!(node instanceof DirectoryNode)) return -ENOTDIR;
    return node.list ? yield* node.list() : node.names();
  }

  *stat(path: string, follow: boolean): Sleepable<FileStatus | number> {
    const node = yield* this.find(path, follow);
    return typeof node === 'number' ? node : this.status(node);
  }

  *mkdir(path: string, mode: number): Sleepable<number> {
    const location = yield* this.vacant(path);
    if (typeof location === 'number') return location;
    if (location.parent.make) {
      const made = yield* location.parent.make(location.name, 'directory', mode);
      return typeof made === 'number' ? made : 0;
    }
    return this.tree.insert(location, new MemoryDirectory(mode & ~UMASK));
  }

  *mknod(path: string, mode: number, major: number, minor: number): Sleepable<number> {
    const location = yield* this.vacant(path);
    if (typeof location === 'number') return location;
    const node = specialNode(mode, major, minor);
    return node ? this.tree.insert(location, node) : -EINVAL;
  }

  *symlink(target: string, path: string): Sleepable<number> {
    const location = yield* this.vacant(path);
    if (typeof location === 'number') return location;
    return this.tree.insert(location, new SymlinkNode(target));
  }

  *readlink(path: string): Sleepable<string | number> {
    const node = yield* this.find(path, false);
    if (typeof node === 'number') return node;
    return node instanceof SymlinkNode ? node.target : -EINVAL;
  }

  *unlink(path: string): Sleepable<number> {
    const location = yield* this.tree.resolve(path, { follow: false });
    if (typeof location === 'number') return location;
    if (!location.node) return -ENOENT;
    if (location.node instanceof DirectoryNode) return -EISDIR;
    return yield* this.drop(location);
  }

  *rmdir(path: string): Sleepable<number> {
    const location = yield* this.tree.resolve(path, { follow: false });
    if (typeof location === 'number') return location;
    if (!location.node) return -ENOENT;
    if (!(location.node instanceof DirectoryNode)) return -ENOTDIR;
    return yield* this.drop(location);
  }

  *chmod(path: string, mode: number): Sleepable<number> {
    const node = yield* this.find(path);
    if (typeof node === 'number') return node;
    node.mode = mode & 0o7777;
    return 0;
  }

  private *drop(location: Location): Sleepable<number> {
    const { parent, name } = location;
    return parent.drop ? yield* parent.drop(name) : this.tree.numberOf(parent.remove(name));
  }

  private *find(path: string, follow = true): Sleepable<FileNode | number> {
    const location = yield* this.tree.resolve(path, { follow });
    if (typeof location === 'number') return location;
    return location.node ?? -ENOENT;
  }

  /** Where a new entry can be made. */
  private *vacant(path: string): Sleepable<Location | number> {
    const location = yield* this.tree.resolve(path, { follow: false });
    if (typeof location === 'number') return location;
    return location.node ? -EEXIST : location;
  }

  status(node: FileNode): FileStatus {
    const device = node instanceof DeviceNode ? node : undefined;
    return {
      mode: modeOf(node),
      size: node.size,
      inode: this.k.get(VfsObjects).number(node),
      links: node.links,
      uid: node.uid,
      gid: node.gid,
      mtime: node.mtime,
      major: device?.major ?? 0,
      minor: device?.minor ?? 0,
    };
  }

  private get tree(): FileTree {
    return this.k.files;
  }
}

function specialNode(mode: number, major: number, minor: number): FileNode | undefined {
  const permissions = mode & 0o7777 & ~UMASK;
  switch (mode & S_IFMT) {
    case S_IFCHR:
      return new DeviceNode('character', permissions, major, minor);
    case S_IFBLK:
      return new DeviceNode('block', permissions, major, minor);
    case S_IFIFO:
      return new SpecialNode('fifo', permissions);
    case S_IFSOCK:
      return new SpecialNode('socket', permissions);
    case S_IFREG:
    case 0:
      return new MemoryFile(permissions);
    default:
      return undefined;
  }
}
