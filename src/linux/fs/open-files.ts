import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FileNode } from '../../kernel/files/index.js';
import { TaskCredentials } from '../credentials.js';
import { EBADF, EMFILE } from '../errno.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { Mutexes } from '../locking/mutex.js';
import type { Subsystem } from '../subsystem.js';
import * as flags from './flags.js';
import { Dcache } from './guest/dcache.js';
import { iocbFlags } from './iocb-flags.js';
import { InodeInit } from './new-inode.js';
import { VfsObjects } from './objects.js';
import type { FileServer, OpenFile } from './open-file.js';
import { type BufferOwner, Slice } from './slice.js';

/** errseq_t: whether somebody has looked since the last error (lib/errseq.c). */
const ERRSEQ_SEEN = 1 << 12;
/** RLIMIT_NOFILE of the one user process. */
const MOST_DESCRIPTORS = 1024;

/** struct files and the descriptors of the one user process (fs/file.c, fs/file_table.c). */
export class OpenFiles implements Subsystem {
  private readonly files = new Map<Ptr, OpenFile>();
  private readonly descriptors: (Ptr | 'reserved' | undefined)[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    fput: (file: Ptr) => this.put(file),
    __fput_sync: (file: Ptr) => this.put(file),
    fget: (fd: number) => this.fget(fd),
    fget_raw: (fd: number) => this.fget(fd),
    __fdget: (fd: number) => BigInt.asUintN(64, this.descriptorWord(fd)),
    fdget: (fd: number) => BigInt.asUintN(64, this.descriptorWord(fd)),
    lookup_fdget_rcu: (fd: number) => this.fget(fd),
    file_close_fd: (fd: number) => this.takeOut(fd),
    get_unused_fd_flags: (_flags: number) => this.reserveDescriptor(),
    put_unused_fd: (fd: number) => {
      this.descriptors[fd] = undefined;
    },
    fd_install: (fd: number, file: Ptr) => {
      this.descriptors[fd] = file;
    },
    close_fd: (fd: number) => this.closeDescriptor(fd),
    get_file_rcu: (file: Ptr) => this.getUnlessZero(file),
  };

  /** struct fd is one word. */
  readonly signatures = { get_file_rcu: 'i:p', fdget: 'Q:u' };

  /** A struct file with one reference. `server` is undefined until the node was opened. */
  create(node: FileNode | undefined, path: string, openFlags: number, fileSystem: string): OpenFile {
    const { k } = this;
    const type = k.struct('file');
    const file = k.slab.allocateBytes(type.size, true);
    const open: OpenFile = { file, node, path, server: NO_SERVER };
    if (node) {
      const objects = k.get(VfsObjects).take(node, path.slice(path.lastIndexOf('/') + 1) || '/', fileSystem);
      type.set(file, 'f_path.mnt', objects.mount);
      type.set(file, 'f_path.dentry', objects.dentry);
      this.setInode(file, objects.inode);
    }
    type.set(file, 'f_flags', openFlags);
    type.set(file, 'f_mode', initialMode(openFlags));
    type.set(file, countField(this.k), 1);
    k.get(Mutexes).init(type.addr(file, 'f_pos_lock'));
    if (k.hasSymbol('init_cred')) type.set(file, 'f_cred', k.symbol('init_cred'));
    this.files.set(file, open);
    return open;
  }

  setInode(file: Ptr, inode: Ptr): void {
    const type = this.k.struct('file');
    type.set(file, 'f_inode', inode);
    type.set(file, 'f_mapping', this.k.struct('inode').get(inode, 'i_mapping'));
  }

  /** After a successful open: what read and write may be tried on. */
  opened(open: OpenFile): void {
    const type = this.k.struct('file');
    let mode = type.get(open.file, 'f_mode');
    if ((mode & flags.FMODE_READ) !== 0 && open.server.canRead(open)) mode |= flags.FMODE_CAN_READ;
    if ((mode & flags.FMODE_WRITE) !== 0 && open.server.canWrite(open)) mode |= flags.FMODE_CAN_WRITE;
    type.set(open.file, 'f_mode', mode | flags.FMODE_OPENED);
    this.sampleMapping(open.file);
    const only = flags.O_CREAT | flags.O_EXCL | flags.O_TRUNC;
    type.set(open.file, 'f_flags', type.get(open.file, 'f_flags') & ~only);
    if (type.has('f_iocb_flags')) type.set(open.file, 'f_iocb_flags', iocbFlags(this.k, open.file));
  }

  /** What do_dentry_open() takes from the mapping of a file: from where on errors concern it, and how much is read ahead. */
  private sampleMapping(file: Ptr): void {
    const { k } = this;
    const type = k.struct('file');
    const mapping = type.get(file, 'f_mapping');
    if (mapping === 0) return;
    type.set(file, 'f_wb_err', sampled(k.struct('address_space').get(mapping, 'wb_err')));
    const host = k.struct('address_space').get(mapping, 'host');
    const superBlock = host === 0 ? 0 : k.struct('inode').get(host, 'i_sb');
    if (superBlock === 0) return;
    type.set(file, 'f_sb_err', sampled(k.struct('super_block').get(superBlock, 's_wb_err')));
    const device = this.backingDevice(host, superBlock);
    const pages = device === 0 ? 0 : k.struct('backing_dev_info').get(device, 'ra_pages');
    type.set(file, 'f_ra.ra_pages', pages);
    type.setBig(file, 'f_ra.prev_pos', -1n);
  }

  /** inode_to_bdi(): of the disk, where the inode is that of a block device. */
  private backingDevice(inode: Ptr, superBlock: Ptr): Ptr {
    const { k } = this;
    const supers = k.struct('super_block');
    if (supers.text(superBlock, 's_id') !== 'bdev' || !k.types.findType('struct bdev_inode'))
      return supers.get(superBlock, 's_bdi');
    const whole = k.struct('bdev_inode');
    const disk = k.struct('block_device').get(whole.addr(whole.of(inode, 'vfs_inode'), 'bdev'), 'bd_disk');
    return disk === 0 ? 0 : k.struct('gendisk').get(disk, 'bdi');
  }

  /** The base kernel's record of a struct file; undefined for one that it did not make. */
  of(file: Ptr): OpenFile | undefined {
    return this.files.get(file);
  }

  byDescriptor(fd: number): OpenFile | undefined {
    const file = this.descriptors[fd];
    return typeof file === 'number' ? this.files.get(file) : undefined;
  }

  /** Reads or writes as ->read and ->write are called: the position is at `at`, which is NULL for files that have none. */
  *transfer(
    kind: 'read' | 'write',
    open: OpenFile,
    buffer: Ptr,
    count: number,
    at: Ptr,
    owner: BufferOwner,
  ): Sleepable<number> {
    const { k } = this;
    const slice = new Slice(k, buffer, count, at === 0 ? 0 : k.space.loadS64(at), owner);
    const result = yield* k.wait(open.server[kind](open, slice));
    if (result > 0 && at !== 0) k.space.storeLong(at, slice.position);
    return result;
  }

  /** Moves the position of a struct file: vfs_llseek(). */
  *seek(file: Ptr, offset: number, whence: number): Sleepable<number> {
    const open = this.files.get(file);
    return open ? yield* this.k.wait(open.server.seek(open, offset, whence)) : -EBADF;
  }

  /** Every open file, for those who revoke or list them. */
  all(): IterableIterator<OpenFile> {
    return this.files.values();
  }

  /** Gives an open file the lowest free descriptor: it, or -EMFILE. */
  install(open: OpenFile): number {
    const fd = this.reserveDescriptor();
    if (fd >= 0) this.descriptors[fd] = open.file;
    return fd;
  }

  /** The open file that a descriptor was, which its reference goes to. */
  private takeOut(fd: number): Ptr {
    const open = this.byDescriptor(fd);
    if (!open) return 0;
    this.descriptors[fd] = undefined;
    return open.file;
  }

  *closeDescriptor(fd: number): Sleepable<number> {
    const open = this.byDescriptor(fd);
    if (!open) return -EBADF;
    this.descriptors[fd] = undefined;
    const result = open.server.flush ? yield* this.k.wait(open.server.flush(open)) : 0;
    yield* this.put(open.file);
    return result;
  }

  /** fput(): drops a reference; the last one releases the file. */
  *put(file: Ptr): Sleepable<void> {
    const type = this.k.struct('file');
    const count = type.get(file, countField(this.k)) - 1;
    type.set(file, countField(this.k), count);
    if (count > 0) return;
    const open = this.files.get(file);
    if (!open && count === 0) yield* this.releaseNative(file);
    if (open?.server.release) yield* this.k.wait(open.server.release(open));
    yield* this.discard(file);
  }

  /** __fput() of a file that the target's own code has made: TypeScript knows it by what it is told of it alone. */
  private *releaseNative(file: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('file');
    // One that was never opened has nothing but its memory and its owner.
    if ((type.get(file, 'f_mode') & flags.FMODE_OPENED) !== 0) yield* this.closeNative(file);
    const owner = type.get(file, 'f_cred');
    if (k.get(TaskCredentials).count(owner, -1) === 0) yield* k.callAs('v:p', k.fn('__put_cred'), owner);
    k.slab.free(file);
  }

  private *closeNative(file: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('file');
    const operations = type.get(file, 'f_op');
    const table = k.struct('file_operations');
    if (operations !== 0 && table.get(operations, 'release') !== 0)
      yield* table.call(operations, 'release', type.get(file, 'f_inode'), file);
    this.putOperations(file);
    const [dentry, mount] = [type.get(file, 'f_path.dentry'), type.get(file, 'f_path.mnt')];
    if (dentry !== 0) yield* k.get(Dcache).put(dentry);
    if (mount !== 0) yield* k.callAs('v:p', k.fn('mntput'), mount);
  }

  /** Frees a struct file without asking its server: after release, or when open failed. */
  *discard(file: Ptr): Sleepable<void> {
    const open = this.files.get(file);
    if (!open) return;
    this.putOperations(file);
    this.files.delete(file);
    const objects = open.node && this.k.get(VfsObjects).of(open.node);
    if (objects) yield* this.k.get(InodeInit).leaveWriteback(objects.inode);
    const dentry = open.node ? this.k.get(VfsObjects).release(open.node) : 0;
    if (dentry !== 0) yield* this.k.get(Dcache).put(dentry);
    this.k.slab.free(file);
  }

  /** fops_get(): the table with a reference on its module, 0 if that is on its way out. */
  getOperations(table: Ptr): Ptr {
    if (table === 0) return 0;
    const owner = this.k.struct('file_operations').get(table, 'owner');
    return this.k.get(Modules).tryGet(owner) ? table : 0;
  }

  private putOperations(file: Ptr): void {
    const table = this.k.struct('file').get(file, 'f_op');
    if (table === 0) return;
    this.k.get(Modules).putStruct(this.k.struct('file_operations').get(table, 'owner'));
  }

  private fget(fd: number): Ptr {
    const open = this.byDescriptor(fd);
    if (!open) return 0;
    this.getUnlessZero(open.file);
    return open.file;
  }

  /** struct fd in one word: the file, and FDPUT_FPUT where a reference was taken. */
  private descriptorWord(fd: number): bigint {
    const open = this.byDescriptor(fd);
    return open ? this.k.space.toAddress(open.file) : 0n;
  }

  private getUnlessZero(file: Ptr): number {
    const type = this.k.struct('file');
    const count = type.get(file, countField(this.k));
    if (count === 0) return 0;
    type.set(file, countField(this.k), count + 1);
    return 1;
  }

  private reserveDescriptor(): number {
    let fd = 3;
    while (this.descriptors[fd] !== undefined) fd++;
    if (fd >= MOST_DESCRIPTORS) return -EMFILE;
    this.descriptors[fd] = 'reserved';
    return fd;
  }
}

/** The member of struct file that counts its references. */
export function countField(k: LinuxKernel): string {
  return k.struct('file').has('f_count') ? 'f_count.counter' : 'f_ref.refcnt.counter';
}

function initialMode(openFlags: number): number {
  const access = ((openFlags & flags.O_ACCMODE) + 1) & flags.O_ACCMODE;
  return access | flags.FMODE_LSEEK | flags.FMODE_PREAD | flags.FMODE_PWRITE;
}

/** errseq_sample(): an error that nobody has seen yet is still to be told. */
function sampled(errors: number): number {
  return (errors & ERRSEQ_SEEN) === 0 ? 0 : errors;
}

/** Stands in until a file was opened. */
const NO_SERVER: FileServer = {
  canRead: () => false,
  canWrite: () => false,
  read: () => -EBADF,
  write: () => -EBADF,
  seek: () => -EBADF,
};
