import type { Ptr } from '../../cpu/layout.js';
import { isSleepable, type Sleepable } from '../../kernel/effects.js';
import {
  DataNode,
  DirectoryNode,
  type FileNode,
  MemoryDirectory,
  MemoryFile,
} from '../../kernel/files/index.js';
import type { Task } from '../../kernel/task/task.js';
import { EBADF, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENXIO } from '../errno.js';
import { Conf } from '../kern/conf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { CdevFile } from './cdev-file.js';
import { CdevNode } from './devfs.js';
import { TreeFile } from './memory-file.js';
import type { CallNumber, FileStatus, OpenFile } from './open-file.js';

/** open(2)'s flags that the kernel has other numbers for: FREAD and FWRITE are O_RDONLY + 1 and so on (FFLAGS(), sys/fcntl.h). */
const O_ACCMODE = 3;

/** Opens a node that another part of the kernel keeps: undefined for one that it does not know. */
export type Opener = (
  node: FileNode,
  path: string,
  flags: number,
) => Sleepable<OpenFile | { readonly errno: number }> | undefined;

/** System calls on files (sys/kern/vfs_syscalls.c, sys_generic.c), and the descriptors of the machine's processes. */
export class Files implements Subsystem {
  private readonly open = new Map<number, OpenFile>();
  /** The file that a thread works on: td_fpop. */
  private readonly current = new Map<Task, CdevFile>();
  readonly openers: Opener[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    devfs_set_cdevpriv: (data: Ptr, destructor: Ptr) => this.setPrivate(data, destructor),
    devfs_get_cdevpriv: (place: Ptr) => this.getPrivate(place),
    devfs_clear_cdevpriv: () => this.clearPrivate(),
  };

  boot(): void {
    this.openers.push((node, path, flags) =>
      node instanceof CdevNode ? this.openDevice(node.device, path, flags) : undefined,
    );
    this.k.get(Conf).onDestroy.push((device) => this.destroyPrivates(device));
  }

  /** Before a device goes its driver takes back what it keeps at open files (devfs_destroy_cdevpriv()). */
  private *destroyPrivates(device: Ptr): Sleepable<void> {
    for (const file of [...this.open.values()])
      if (file instanceof CdevFile && file.device === device) yield* file.destroyPrivate();
  }

  /** open(2): a descriptor. `flags` as in fcntl.h. */
  *openAt(path: string, flags: number, mode = 0o666): Sleepable<CallNumber> {
    const { k } = this;
    const created = flags & k.macro('O_CREAT') ? yield* this.create(path, flags, mode) : 0;
    if (created !== 0) return { errno: created };
    const found = yield* k.files.resolve(path);
    if (typeof found === 'number') return { errno: found };
    const node = found.node ?? (yield* this.cloned(found.path));
    if (!node) return { errno: ENOENT };
    const opened = yield* this.openNode(node, found.path, flags);
    if ('errno' in opened) return opened;
    return { value: this.install(opened) };
  }

  /** A device that a driver makes when its name is looked up (dev_clone). */
  private *cloned(path: string): Sleepable<FileNode | undefined> {
    if (!path.startsWith('/dev/')) return undefined;
    const device = yield* this.k.get(Conf).clone(path.slice('/dev/'.length));
    if (device === 0) return undefined;
    const found = yield* this.k.files.resolve(path);
    return typeof found === 'number' ? undefined : found.node;
  }

  private *create(path: string, flags: number, mode: number): Sleepable<number> {
    const { k } = this;
    const found = yield* k.files.resolve(path);
    if (typeof found === 'number') return found;
    if (found.node) return flags & k.macro('O_EXCL') ? EEXIST : 0;
    if (!found.parent.make) return k.files.insert(found, new MemoryFile(mode & 0o777));
    const made = yield* found.parent.make(found.name, 'file', mode & 0o777);
    return typeof made === 'number' ? made : 0;
  }

  /** mkdir(2): 0, or an error number. */
  *makeDirectory(path: string, mode = 0o777): Sleepable<number> {
    const found = yield* this.k.files.resolve(path);
    if (typeof found === 'number') return found;
    if (found.node) return EEXIST;
    if (!found.parent.make) return this.k.files.insert(found, new MemoryDirectory(mode & 0o777));
    const made = yield* found.parent.make(found.name, 'directory', mode & 0o777);
    return typeof made === 'number' ? made : 0;
  }

  /** unlink(2) and rmdir(2): 0, or an error number. */
  *remove(path: string): Sleepable<number> {
    const found = yield* this.k.files.resolve(path, { follow: false });
    if (typeof found === 'number') return found;
    if (!found.node) return ENOENT;
    if (found.parent.drop) return yield* found.parent.drop(found.name);
    return this.k.files.numberOf(found.parent.remove(found.name));
  }

  private *openNode(
    node: FileNode,
    path: string,
    given: number,
  ): Sleepable<OpenFile | { readonly errno: number }> {
    const { k } = this;
    const flags = (given & ~O_ACCMODE) | ((given & O_ACCMODE) + 1);
    for (const opener of this.openers) {
      const opening = opener(node, path, flags);
      if (opening) return yield* opening;
    }
    if (node instanceof DirectoryNode)
      return flags & k.macro('FWRITE') ? { errno: EISDIR } : { errno: EINVAL };
    if (!(node instanceof DataNode)) return { errno: ENXIO };
    if (given & k.macro('O_TRUNC')) node.truncate(0);
    return new TreeFile(path, flags, node, (given & k.macro('O_APPEND')) !== 0);
  }

  private *openDevice(
    device: Ptr,
    path: string,
    flags: number,
  ): Sleepable<OpenFile | { readonly errno: number }> {
    const { k } = this;
    const type = k.struct('file');
    const guest = k.slab.allocateBytes(type.size, true);
    type.set(guest, 'f_flag', flags);
    type.set(guest, 'f_count', 1);
    const file = new CdevFile(k, path, device, flags, guest, (one, body) => this.within(one, body));
    file.isOpenElsewhere = () => this.isOpen(device, file);
    const error = yield* file.open();
    if (error === 0) return file;
    yield* file.destroyPrivate();
    k.slab.free(guest);
    return { errno: error };
  }

  private isOpen(device: Ptr, except: CdevFile): boolean {
    for (const file of this.open.values())
      if (file instanceof CdevFile && file.device === device && file !== except) return true;
    return false;
  }

  private *within<T>(file: CdevFile, body: Sleepable<T>): Sleepable<T> {
    const { current } = this.k.executor;
    if (!current) return yield* body;
    const before = this.current.get(current);
    this.current.set(current, file);
    try {
      return isSleepable(body) ? yield* body : body;
    } finally {
      if (before) this.current.set(current, before);
      else this.current.delete(current);
    }
  }

  private get ownFile(): CdevFile | undefined {
    const { current } = this.k.executor;
    return current && this.current.get(current);
  }

  private setPrivate(data: Ptr, destructor: Ptr): number {
    const file = this.ownFile;
    if (!file) return ENOENT;
    if (file.private) return this.k.macro('EBUSY');
    file.private = { data, destructor };
    return 0;
  }

  private getPrivate(place: Ptr): number {
    const kept = this.ownFile?.private;
    if (!kept) return this.ownFile ? ENOENT : EBADF;
    this.k.space.storePtr(place, kept.data);
    return 0;
  }

  private *clearPrivate(): Sleepable<void> {
    yield* this.ownFile?.destroyPrivate() ?? [];
  }

  /** The lowest descriptor that is free, for an open file: falloc(). */
  install(file: OpenFile): number {
    let descriptor = 3;
    while (this.open.has(descriptor)) descriptor++;
    this.open.set(descriptor, file);
    return descriptor;
  }

  /** The open file of a descriptor. */
  file(descriptor: number): OpenFile | undefined {
    return this.open.get(descriptor);
  }

  *close(descriptor: number): Sleepable<CallNumber> {
    const file = this.open.get(descriptor);
    if (!file) return { errno: EBADF };
    this.open.delete(descriptor);
    const errno = yield* file.close();
    if (file.file !== 0) this.k.slab.free(file.file);
    return errno === 0 ? { value: 0 } : { errno };
  }

  /** stat(2), or lstat(2) without `follow`. */
  *stat(path: string, follow = true): Sleepable<FileStatus | { readonly errno: number }> {
    const found = yield* this.k.files.resolve(path, { follow });
    if (typeof found === 'number') return { errno: found };
    if (!found.node) return { errno: ENOENT };
    const { kind, mode, size, uid, gid } = found.node;
    return { kind, mode, size, uid, gid };
  }

  *list(path: string): Sleepable<readonly string[] | { readonly errno: number }> {
    const found = yield* this.k.files.resolve(path);
    if (typeof found === 'number') return { errno: found };
    if (!found.node) return { errno: ENOENT };
    if (!(found.node instanceof DirectoryNode)) return { errno: ENOTDIR };
    const listed = found.node.list ? yield* found.node.list() : found.node.names();
    return typeof listed === 'number' ? { errno: listed } : listed;
  }
}
