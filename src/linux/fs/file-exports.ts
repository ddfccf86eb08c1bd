import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EBADF, EINVAL, ENAMETOOLONG, ENOENT, ENOMEM, ENOTTY } from '../errno.js';
import { errPtr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { FMODE_CAN_READ, FMODE_CAN_WRITE } from './flags.js';
import { fileOperations } from './guest-ops.js';
import { GuestServer } from './guest-server.js';
import type { OpenFile } from './open-file.js';
import { OpenFiles } from './open-files.js';
import { dentryPath, filePath } from './paths.js';
import { Vfs } from './vfs.js';

/** Files that kernel code opens, reads and writes itself (fs/open.c, fs/read_write.c, fs/anon_inodes.c). */
export class FileExports implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    filp_open: (path: Ptr, flags: number, mode: number) => this.open(this.k.space.cstring(path), flags, mode),
    filp_close: (file: Ptr, _owner: Ptr) => this.close(file),
    kernel_read: (file: Ptr, buffer: Ptr, count: number, position: Ptr) =>
      this.transfer('read', file, buffer, count, position),
    __kernel_read: (file: Ptr, buffer: Ptr, count: number, position: Ptr) =>
      this.transfer('read', file, buffer, count, position),
    __kernel_write: (file: Ptr, buffer: Ptr, count: number, position: Ptr) =>
      this.transfer('write', file, buffer, count, position),
    kernel_write: (file: Ptr, buffer: Ptr, count: number, position: Ptr) =>
      this.transfer('write', file, buffer, count, position),
    vfs_llseek: (file: Ptr, offset: number, whence: number) => this.files.seek(file, offset, whence),
    vfs_fsync: (file: Ptr, dataOnly: number) => this.sync(file, dataOnly !== 0),
    compat_ptr_ioctl: (file: Ptr, command: number, arg: bigint) => this.compat(file, command, arg),
    anon_inode_getfile: (name: Ptr, operations: Ptr, data: Ptr, flags: number) =>
      this.anonymous(this.k.space.cstring(name), operations, data, flags),
    anon_inode_getfd: (name: Ptr, operations: Ptr, data: Ptr, flags: number) =>
      this.anonymousDescriptor(this.k.space.cstring(name), operations, data, flags),
    file_path: (file: Ptr, buffer: Ptr, length: number) =>
      this.putPath(filePath(this.k, file), buffer, length),
    d_path: (path: Ptr, buffer: Ptr, length: number) =>
      this.putPath(dentryPath(this.k, this.k.struct('path').get(path, 'dentry')), buffer, length),
  };

  readonly signatures = { compat_ptr_ioctl: 'l:puQ' };

  private get files(): OpenFiles {
    return this.k.get(OpenFiles);
  }

  private *open(path: string, flags: number, mode: number): Sleepable<Ptr> {
    const open = yield* this.k.get(Vfs).openFile(path, flags, mode);
    return typeof open === 'number' ? errPtr(-open) : open.file;
  }

  private *close(file: Ptr): Sleepable<number> {
    const open = this.files.of(file);
    const result = open?.server.flush ? yield* this.k.wait(open.server.flush(open)) : 0;
    yield* this.files.put(file);
    return result;
  }

  private *transfer(
    kind: 'read' | 'write',
    file: Ptr,
    buffer: Ptr,
    count: number,
    at: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const open = this.files.of(file);
    const needed = kind === 'read' ? FMODE_CAN_READ : FMODE_CAN_WRITE;
    if (!open) return -EBADF;
    if ((k.struct('file').get(file, 'f_mode') & needed) === 0) return -EINVAL;
    return yield* this.files.transfer(kind, open, buffer, count, at, 'kernel');
  }

  private *sync(file: Ptr, dataOnly: boolean): Sleepable<number> {
    const open = this.files.of(file);
    if (!open) return -EBADF;
    return open.server.fsync ? yield* this.k.wait(open.server.fsync(open, dataOnly)) : -EINVAL;
  }

  /** A 32-bit caller's ioctl whose argument is a pointer: 32 bits of it. */
  private *compat(file: Ptr, command: number, arg: bigint): Sleepable<number> {
    const operations = fileOperations(this.k, file);
    if (operations.get('ioctl') === 0) return -ENOTTY;
    return yield* operations.call('ioctl', file, command, arg & 0xffff_ffffn);
  }

  /** A file that no path leads to, served by a module's operations. */
  private anonymous(name: string, operations: Ptr, data: Ptr, flags: number): Ptr {
    const { k, files } = this;
    const table = files.getOperations(operations);
    if (table === 0) return errPtr(ENOENT);
    const open: OpenFile = files.create(undefined, `anon_inode:${name}`, flags, 'anon_inodefs');
    const type = k.struct('file');
    type.set(open.file, 'f_op', table);
    type.set(open.file, 'private_data', data);
    open.server = new GuestServer(k, fileOperations(k, open.file));
    files.opened(open);
    return open.file;
  }

  private anonymousDescriptor(name: string, operations: Ptr, data: Ptr, flags: number): number {
    const file = this.anonymous(name, operations, data, flags);
    const open = this.files.of(file);
    return open ? this.files.install(open) : -ENOMEM;
  }

  /** Paths are written at the end of the buffer; the result is where they begin. */
  private putPath(path: string, buffer: Ptr, length: number): Ptr {
    if (path.length + 1 > length) return errPtr(ENAMETOOLONG);
    const at = buffer + length - path.length - 1;
    this.k.space.storeCstring(at, path);
    return at;
  }
}
