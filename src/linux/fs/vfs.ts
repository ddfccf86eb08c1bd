import type { Ptr } from '../../cpu/layout.js';
import { type Sleepable, yieldCpu } from '../../kernel/effects.js';
import {
  DataNode,
  DeviceNode,
  DirectoryNode,
  type FileNode,
  type FileTree,
  type Location,
  MemoryFile,
  SymlinkNode,
} from '../../kernel/files/index.js';
import { TaskCredentials } from '../credentials.js';
import {
  EACCES,
  EBADF,
  EEXIST,
  EFAULT,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENOTTY,
  ENXIO,
  ESPIPE,
} from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BlockFiles } from './block-files.js';
import { CharDevices } from './char-dev.js';
import * as flags from './flags.js';
import { PathWalks } from './guest/path-walks.js';
import { HostOperations } from './host-operations.js';
import { DataServer } from './host-server.js';
import { MountCalls } from './mount-calls.js';
import { type FileServer, isServed, type OpenFile } from './open-file.js';
import { OpenFiles } from './open-files.js';
import { type FileStatus, PathCalls, UMASK } from './path-calls.js';
import { Slice } from './slice.js';

export type { FileStatus } from './path-calls.js';

import { UserMemory } from '../mm/user-memory.js';
import { FilePolling } from './poll.js';

/**
 * System calls on files, for the shell and the library: generators that run in a task of the user process.
 * Results are the system call's: a value, or a negative error number.
 */
export class Vfs implements Subsystem {
  readonly exports = {};
  private transfers = 0;
  private readonly files: OpenFiles;
  private readonly user: UserMemory;

  private readonly calls: PathCalls;

  constructor(private readonly k: LinuxKernel) {
    this.calls = new PathCalls(k);
    this.files = k.get(OpenFiles);
    this.user = k.get(UserMemory);
  }

  private get walks(): PathWalks {
    return this.k.get(PathWalks);
  }

  get tree(): FileTree {
    return this.k.files;
  }

  /** open(2): a descriptor. */
  *open(path: string, openFlags: number, mode = 0o666): Sleepable<number> {
    const open = yield* this.openFile(path, openFlags | flags.O_LARGEFILE, mode);
    return typeof open === 'number' ? open : this.files.install(open);
  }

  /** filp_open(): an open file without a descriptor, with one reference. */
  openFile(path: string, openFlags: number, mode: number): Sleepable<OpenFile | number> {
    return this.walks.during(this.walkOpenFile(path, openFlags, mode));
  }

  private *walkOpenFile(path: string, openFlags: number, mode: number): Sleepable<OpenFile | number> {
    const create = (openFlags & flags.O_CREAT) !== 0;
    const exclusive = create && (openFlags & flags.O_EXCL) !== 0;
    const follow = !exclusive && (openFlags & flags.O_NOFOLLOW) === 0;
    const location = yield* this.tree.resolve(path, { follow });
    if (typeof location === 'number') return location;
    const node = location.node ?? (create ? yield* this.create(location, mode) : -ENOENT);
    if (typeof node === 'number') return node;
    if (location.node && exclusive) return -EEXIST;
    const refusal = refuse(node, openFlags);
    if (refusal !== 0) return refusal;
    const writes = (openFlags & flags.O_ACCMODE) !== flags.O_RDONLY;
    if (writes && !this.k.get(TaskCredentials).mayWrite(node.mode)) return -EACCES;
    if (node instanceof DataNode && (openFlags & flags.O_TRUNC) !== 0) node.truncate(0);
    return yield* this.openNode(node, location.path, openFlags);
  }

  /** Opens a node that was found already. */
  *openNode(node: FileNode, path: string, openFlags: number): Sleepable<OpenFile | number> {
    const fileSystem = this.tree.mountOf(path)?.type ?? 'rootfs';
    const open = this.files.create(node, path, openFlags, fileSystem);
    this.k.get(HostOperations).attach(open);
    const server = yield* this.serve(open, node);
    if (typeof server === 'number') {
      yield* this.files.discard(open.file);
      return server;
    }
    open.server = server;
    this.files.opened(open);
    return open;
  }

  *close(fd: number): Sleepable<number> {
    return yield* this.files.closeDescriptor(fd);
  }

  /** read(2) into a buffer of its own. */
  *read(fd: number, count: number): Sleepable<Uint8Array | number> {
    const buffer = this.user.allocate(count);
    const result = yield* this.readTo(fd, buffer, count);
    const bytes = result < 0 ? result : this.k.space.bytes.slice(buffer, buffer + result);
    this.user.free(buffer);
    return bytes;
  }

  /** read(2) to a given address; pread(2) with `at`. */
  readTo(fd: number, buffer: Ptr, count: number, at?: number): Sleepable<number> {
    return this.transfer('read', fd, buffer, count, at);
  }

  *write(fd: number, bytes: Uint8Array, at?: number): Sleepable<number> {
    const buffer = this.user.store(bytes);
    const result = yield* this.writeFrom(fd, buffer, bytes.length, at);
    this.user.free(buffer);
    return result;
  }

  /** write(2) from a given address; pwrite(2) with `at`. */
  writeFrom(fd: number, buffer: Ptr, count: number, at?: number): Sleepable<number> {
    return this.transfer('write', fd, buffer, count, at);
  }

  private *transfer(
    kind: keyof typeof MODES,
    fd: number,
    buffer: Ptr,
    count: number,
    at?: number,
  ): Sleepable<number> {
    const { k } = this;
    const open = this.files.byDescriptor(fd);
    if (!open) return -EBADF;
    const type = k.struct('file');
    const mode = type.get(open.file, 'f_mode');
    const needed = MODES[kind];
    if ((mode & needed.opened) === 0) return -EBADF;
    if (at !== undefined && (mode & needed.anywhere) === 0) return -ESPIPE;
    if (open.node instanceof DirectoryNode) return -EISDIR;
    if ((mode & needed.possible) === 0) return -EINVAL;
    if (!this.user.accessible(buffer, count)) return -EFAULT;
    const bytes = Math.min(count, flags.MAX_RW_COUNT);
    const slice = new Slice(k, buffer, bytes, at ?? type.get(open.file, 'f_pos'), 'user');
    const result = yield* k.wait(open.server[kind](open, slice));
    const stream = (type.get(open.file, 'f_mode') & flags.FMODE_STREAM) !== 0;
    if (result >= 0 && at === undefined && !stream) type.set(open.file, 'f_pos', slice.position);
    yield* this.returnToUser();
    return result;
  }

  /**
   * The way back to user space, where the kernel gives way to others if a tick has come. What the base kernel does by itself
   * takes no ticks: so many transfers count as one, so that who reads without end can be stopped.
   */
  private *returnToUser(): Sleepable<void> {
    const { executor, processes } = this.k;
    const task = executor.current;
    const due = ++this.transfers % TRANSFERS_A_TURN === 0 || task?.needsResched;
    if (due && task && !task.isInterrupt && processes.preemptCount === 0) yield* yieldCpu();
  }

  *lseek(fd: number, offset: number, whence: number): Sleepable<number> {
    const open = this.files.byDescriptor(fd);
    if (!open) return -EBADF;
    if ((this.k.struct('file').get(open.file, 'f_mode') & flags.FMODE_LSEEK) === 0) return -ESPIPE;
    return yield* this.k.wait(open.server.seek(open, offset, whence));
  }

  /** ioctl(2). `arg` is the raw argument; see `UserMemory` for one that is a pointer. */
  *ioctl(fd: number, command: number, arg: bigint): Sleepable<number> {
    const open = this.files.byDescriptor(fd);
    if (!open) return -EBADF;
    if (!open.server.ioctl) return -ENOTTY;
    return yield* this.k.wait(open.server.ioctl(open, command, arg));
  }

  /** ioctl(2) with a structure: its bytes before, and as the driver left them. */
  *ioctlBytes(
    fd: number,
    command: number,
    bytes: Uint8Array,
  ): Sleepable<{ readonly result: number; readonly bytes: Uint8Array }> {
    const buffer = this.user.store(bytes, 8);
    const result = yield* this.ioctl(fd, command, this.k.space.toAddress(buffer));
    const after = this.k.space.bytes.slice(buffer, buffer + bytes.length);
    this.user.free(buffer);
    return { result, bytes: after };
  }

  /**
   * poll(2) on one descriptor: events that are ready, 0 after `timeout` nanoseconds. A timeout of 0 asks
   * without waiting, a negative one waits for ever.
   */
  *poll(fd: number, events: number, timeout = 0): Sleepable<number> {
    const open = this.files.byDescriptor(fd);
    if (!open) return POLLNVAL;
    return yield* this.k.get(FilePolling).wait(open, events, timeout);
  }

  *fsync(fd: number, dataOnly = false): Sleepable<number> {
    const open = this.files.byDescriptor(fd);
    if (!open) return -EBADF;
    return open.server.fsync ? yield* this.k.wait(open.server.fsync(open, dataOnly)) : -EINVAL;
  }

  *ftruncate(fd: number, size: number): Sleepable<number> {
    const open = this.files.byDescriptor(fd);
    if (!open) return -EBADF;
    return open.server.truncate ? yield* this.k.wait(open.server.truncate(open, size)) : -EINVAL;
  }

  /** Names in a directory. */
  readdir(path: string): Sleepable<readonly string[] | number> {
    return this.walks.during(this.calls.readdir(path));
  }

  /** stat(2), or lstat(2) without `follow`. */
  stat(path: string, follow = true): Sleepable<FileStatus | number> {
    return this.walks.during(this.calls.stat(path, follow));
  }

  fstat(fd: number): FileStatus | number {
    const open = this.files.byDescriptor(fd);
    return open?.node ? this.calls.status(open.node) : -EBADF;
  }

  mkdir(path: string, mode = 0o777): Sleepable<number> {
    return this.walks.during(this.calls.mkdir(path, mode));
  }

  mknod(path: string, mode: number, major: number, minor: number): Sleepable<number> {
    return this.walks.during(this.calls.mknod(path, mode, major, minor));
  }

  symlink(target: string, path: string): Sleepable<number> {
    return this.walks.during(this.calls.symlink(target, path));
  }

  readlink(path: string): Sleepable<string | number> {
    return this.walks.during(this.calls.readlink(path));
  }

  unlink(path: string): Sleepable<number> {
    return this.walks.during(this.calls.unlink(path));
  }

  rmdir(path: string): Sleepable<number> {
    return this.walks.during(this.calls.rmdir(path));
  }

  chmod(path: string, mode: number): Sleepable<number> {
    return this.walks.during(this.calls.chmod(path, mode));
  }

  /** mount(2) */
  mount(type: string, source: string, target: string, flags = 0, data = ''): Sleepable<number> {
    return this.walks.during(this.k.get(MountCalls).mount(type, source, target, flags, data));
  }

  /** umount(2) */
  umount(target: string): Sleepable<number> {
    return this.walks.during(this.k.get(MountCalls).umount(target));
  }

  private *create(location: Location, mode: number): Sleepable<FileNode | number> {
    const { parent, name } = location;
    if (parent.make) return yield* parent.make(name, 'file', mode & ~UMASK);
    const node = new MemoryFile(mode & ~UMASK);
    const error = this.tree.insert(location, node);
    return error === 0 ? node : error;
  }

  private *serve(open: OpenFile, node: FileNode): Sleepable<FileServer | number> {
    const inode = this.k.struct('file').get(open.file, 'f_inode');
    if (isServed(node)) return yield* this.k.wait(node.openFile(open, inode));
    if (node instanceof DataNode) return new DataServer(this.k, node);
    if (node instanceof DirectoryNode) return open.server;
    if (node instanceof DeviceNode && node.kind === 'character')
      return yield* this.k.get(CharDevices).open(open, inode);
    if (node instanceof DeviceNode && node.kind === 'block' && this.k.has(BlockFiles))
      return yield* this.k.get(BlockFiles).open(open, inode);
    return -ENXIO;
  }
}

/** What f_mode must have for a transfer: that it was opened so, at any position, and that its server can. */
const MODES = {
  read: { opened: flags.FMODE_READ, anywhere: flags.FMODE_PREAD, possible: flags.FMODE_CAN_READ },
  write: { opened: flags.FMODE_WRITE, anywhere: flags.FMODE_PWRITE, possible: flags.FMODE_CAN_WRITE },
};
/** Reads and writes of files before others have a turn. */
const TRANSFERS_A_TURN = 64;
const POLLNVAL = 0x20;

function refuse(node: FileNode, openFlags: number): number {
  const writes = (openFlags & flags.O_ACCMODE) !== flags.O_RDONLY;
  if (node instanceof SymlinkNode) return -ELOOP;
  if (node instanceof DirectoryNode) return writes || (openFlags & flags.O_CREAT) !== 0 ? -EISDIR : 0;
  return (openFlags & flags.O_DIRECTORY) !== 0 ? -ENOTDIR : 0;
}
