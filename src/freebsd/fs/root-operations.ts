import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import {
  DataNode,
  DirectoryNode,
  type FileNode,
  MemoryDirectory,
  MemoryFile,
  SymlinkNode,
} from '../../kernel/files/index.js';
import { withScratch } from '../dev/scratch.js';
import { EBADF, EINVAL, EISDIR, ENODEV, ENOTDIR } from '../errno.js';
import { Uio } from '../kern/uio.js';
import type { FreebsdKernel } from '../kernel.js';
import { below, type RootEntry, type RootVnodes } from './root-vnodes.js';
import { VfsDefault } from './vfs-default.js';

/** Bytes that are moved at once. */
const CHUNK = 65_536;
const BLOCK = 4096;
/** Entries of directories begin at multiples of it (_GENERIC_DIRLEN(), sys/dirent.h). */
const DIRENT_ALIGN = 8;
/** d_type (sys/dirent.h). */
const DT: Readonly<Record<FileNode['kind'], number>> = {
  fifo: 1,
  character: 2,
  directory: 4,
  block: 6,
  file: 8,
  symlink: 10,
  socket: 12,
};

type Operation = (args: Ptr) => number | Sleepable<number>;

/** What vnodes of the machine's own tree can do, but for look-ups. */
export class RootOperations {
  private readonly fileIds = new WeakMap<FileNode, number>();
  private nextFileId = 3;

  constructor(
    private readonly k: FreebsdKernel,
    private readonly vnodes: RootVnodes,
  ) {}

  readonly functions: Readonly<Record<string, Operation>> = {
    access: (args) => this.access(args),
    create: (args) => this.make('vop_create', args, (mode) => new MemoryFile(mode)),
    getattr: (args) => this.attributes(args),
    mkdir: (args) => this.make('vop_mkdir', args, (mode) => new MemoryDirectory(mode)),
    read: (args) => this.read(args),
    readdir: (args) => this.readDirectory(args),
    readlink: (args) => this.readLink(args),
    remove: (args) => this.remove('vop_remove', args),
    rmdir: (args) => this.remove('vop_rmdir', args),
    setattr: (args) => this.setAttributes(args),
    symlink: (args) => this.symlink(args),
    write: (args) => this.write(args),
  };

  /** The name that an operation is about. */
  nameOf(cnp: Ptr): string {
    const type = this.k.struct('componentname');
    const at = type.get(cnp, 'cn_nameptr');
    return new TextDecoder().decode(this.k.space.bytes.slice(at, at + type.get(cnp, 'cn_namelen')));
  }

  private entry(operation: string, args: Ptr, member = 'a_vp'): RootEntry | undefined {
    return this.vnodes.entryOf(this.k.struct(`${operation}_args`).get(args, member));
  }

  private fileId(node: FileNode): number {
    const known = this.fileIds.get(node) ?? this.nextFileId++;
    this.fileIds.set(node, known);
    return known;
  }

  /** What the whole tree says of itself. */
  statfs(place: Ptr): number {
    const type = this.k.struct('statfs');
    const blocks = Math.floor(this.k.budget.limit / BLOCK);
    for (const member of ['f_bsize', 'f_iosize']) type.set(place, member, BLOCK);
    for (const member of ['f_blocks', 'f_bfree', 'f_bavail']) type.set(place, member, blocks);
    return 0;
  }

  private attributes(args: Ptr): number {
    const { k } = this;
    const type = k.struct('vop_getattr_args');
    const [vp, vap] = [type.get(args, 'a_vp'), type.get(args, 'a_vap')];
    const node = this.vnodes.entryOf(vp)?.node;
    if (!node) return EBADF;
    const attributes = k.struct('vattr');
    const values: Readonly<Record<string, number>> = {
      va_type: k.struct('vnode').get(vp, 'v_type'),
      va_mode: node.mode,
      va_uid: node.uid,
      va_gid: node.gid,
      va_nlink: node.links,
      va_size: node.size,
      va_fileid: this.fileId(node),
      va_blocksize: BLOCK,
      va_bytes: node.size,
      va_flags: 0,
      va_gen: 0,
    };
    for (const [member, value] of Object.entries(values)) attributes.set(vap, member, value);
    for (const time of ['va_atime', 'va_mtime', 'va_ctime', 'va_birthtime']) {
      attributes.set(vap, `${time}.tv_sec`, node.mtime);
      attributes.set(vap, `${time}.tv_nsec`, 0);
    }
    return 0;
  }

  /** Those that have a value: VNOVAL is -1. */
  private setAttributes(args: Ptr): number {
    const { k } = this;
    const type = k.struct('vattr');
    const vap = k.struct('vop_setattr_args').get(args, 'a_vap');
    const node = this.entry('vop_setattr', args)?.node;
    if (!node) return EBADF;
    const given = (member: string, bits: number): number | undefined => {
      const value = type.getBig(vap, member) & ((1n << BigInt(bits)) - 1n);
      return BigInt.asIntN(bits, value) === -1n ? undefined : Number(value);
    };
    const size = given('va_size', 64);
    if (size !== undefined) {
      if (!(node instanceof DataNode)) return EISDIR;
      const failed = k.files.numberOf(node.truncate(size));
      if (failed !== 0) return failed;
    }
    node.mode = given('va_mode', 16) ?? node.mode;
    node.uid = given('va_uid', 32) ?? node.uid;
    node.gid = given('va_gid', 32) ?? node.gid;
    node.mtime = given('va_mtime.tv_sec', 64) ?? node.mtime;
    return 0;
  }

  private access(args: Ptr): number {
    const { k } = this;
    const type = k.struct('vop_access_args');
    const vp = type.get(args, 'a_vp');
    const node = this.vnodes.entryOf(vp)?.node;
    if (!node) return EBADF;
    const { mode, uid, gid } = node;
    return k.get(VfsDefault).vaccess({
      vnodeType: k.struct('vnode').get(vp, 'v_type'),
      mode,
      uid,
      gid,
      accmode: type.get(args, 'a_accmode'),
      cred: type.get(args, 'a_cred'),
    });
  }

  private *make(operation: string, args: Ptr, fresh: (mode: number) => FileNode): Sleepable<number> {
    const { k } = this;
    const type = k.struct(`${operation}_args`);
    const directory = this.entry(operation, args, 'a_dvp');
    if (!(directory?.node instanceof DirectoryNode)) return ENOTDIR;
    const node = fresh(k.struct('vattr').get(type.get(args, 'a_vap'), 'va_mode') & 0o7777);
    const cnp = type.get(args, 'a_cnp');
    const name = this.nameOf(cnp);
    node.uid = k.struct('ucred').get(k.struct('componentname').get(cnp, 'cn_cred'), 'cr_uid');
    node.gid = directory.node.gid;
    const failed = k.files.numberOf(directory.node.insert(name, node));
    if (failed !== 0) return failed;
    const flags = k.macro('LK_EXCLUSIVE');
    const vp = yield* this.vnodes.vnodeOf(node, below(directory.path, name), flags);
    k.space.storePtr(type.get(args, 'a_vpp'), vp);
    return 0;
  }

  private *symlink(args: Ptr): Sleepable<number> {
    const target = this.k.struct('vop_symlink_args').string(args, 'a_target');
    return yield* this.make('vop_symlink', args, () => new SymlinkNode(target));
  }

  private remove(operation: string, args: Ptr): number {
    const { k } = this;
    const directory = this.entry(operation, args, 'a_dvp')?.node;
    if (!(directory instanceof DirectoryNode)) return ENOTDIR;
    return k.files.numberOf(directory.remove(this.nameOf(k.struct(`${operation}_args`).get(args, 'a_cnp'))));
  }

  /** The bytes of a file, or why it has none. */
  private data(operation: string, args: Ptr): DataNode | number {
    const node = this.entry(operation, args)?.node;
    if (node instanceof DataNode) return node;
    return node instanceof DirectoryNode ? EISDIR : ENODEV;
  }

  private *read(args: Ptr): Sleepable<number> {
    const { k } = this;
    const uio = k.struct('vop_read_args').get(args, 'a_uio');
    const node = this.data('vop_read', args);
    if (typeof node === 'number') return node;
    const type = k.struct('uio');
    if (type.get(uio, 'uio_offset') < 0) return EINVAL;
    return yield* withScratch(k, CHUNK, function* (buffer): Sleepable<number> {
      for (;;) {
        const count = Math.min(type.get(uio, 'uio_resid'), CHUNK);
        const bytes = node.read(type.get(uio, 'uio_offset'), count);
        if (bytes.length === 0) return 0;
        k.space.bytes.set(bytes, buffer);
        const error = yield* k.get(Uio).move(buffer, bytes.length, uio);
        if (error !== 0) return error;
      }
    });
  }

  private *write(args: Ptr): Sleepable<number> {
    const { k } = this;
    const arguments_ = k.struct('vop_write_args');
    const uio = arguments_.get(args, 'a_uio');
    const node = this.data('vop_write', args);
    if (typeof node === 'number') return node;
    const type = k.struct('uio');
    if (arguments_.get(args, 'a_ioflag') & k.macro('IO_APPEND')) type.set(uio, 'uio_offset', node.size);
    return yield* withScratch(k, CHUNK, function* (buffer): Sleepable<number> {
      while (type.get(uio, 'uio_resid') > 0) {
        const offset = type.get(uio, 'uio_offset');
        const count = Math.min(type.get(uio, 'uio_resid'), CHUNK);
        const error = yield* k.get(Uio).move(buffer, count, uio);
        if (error !== 0) return error;
        const failed = k.files.numberOf(node.write(offset, k.space.bytes.slice(buffer, buffer + count)));
        if (failed !== 0) return failed;
      }
      return 0;
    });
  }

  private *readLink(args: Ptr): Sleepable<number> {
    const { k } = this;
    const node = this.entry('vop_readlink', args)?.node;
    if (!(node instanceof SymlinkNode)) return EINVAL;
    const text = new TextEncoder().encode(node.target);
    const uio = k.struct('vop_readlink_args').get(args, 'a_uio');
    return yield* withScratch(k, text.length + 1, (at) => {
      k.space.bytes.set(text, at);
      return k.get(Uio).move(at, text.length, uio);
    });
  }

  /** struct dirent for entries, whose offsets are their places in the list. Nobody gets cookies. */
  private *readDirectory(args: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('vop_readdir_args');
    const [uio, eof, cookies] = ['a_uio', 'a_eofflag', 'a_ncookies'].map((member) => type.get(args, member));
    const entry = this.entry('vop_readdir', args);
    if (!(entry?.node instanceof DirectoryNode)) return ENOTDIR;
    const { node } = entry;
    const listed = node.list ? yield* node.list() : node.names();
    if (typeof listed === 'number') return listed;
    if (cookies !== 0) k.space.store32(cookies, 0);
    const all = ['.', '..', ...listed];
    const move = k.struct('uio');
    let at = move.get(uio, 'uio_offset');
    const first = at;
    for (; at < all.length; at++) {
      const found = at < 2 ? node : node.find ? yield* node.find(all[at]) : node.lookup(all[at]);
      if (typeof found === 'number' || !found) continue;
      const error = yield* this.giveEntry(uio, all[at], found, at + 1);
      if (error === NO_ROOM) break;
      if (error !== 0) return error;
    }
    move.set(uio, 'uio_offset', at);
    if (eof !== 0) k.space.store32(eof, Number(at >= all.length));
    return at === first && at < all.length ? EINVAL : 0;
  }

  private *giveEntry(uio: Ptr, name: string, node: FileNode, next: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('dirent');
    const text = new TextEncoder().encode(name);
    const needed = type.offsetOf('d_name') + text.length + 1;
    const length = Math.ceil(needed / DIRENT_ALIGN) * DIRENT_ALIGN;
    if (length > k.struct('uio').get(uio, 'uio_resid')) return NO_ROOM;
    return yield* withScratch(k, length, (at) => {
      type.set(at, 'd_fileno', this.fileId(node));
      type.set(at, 'd_off', next);
      type.set(at, 'd_reclen', length);
      type.set(at, 'd_type', DT[node.kind]);
      type.set(at, 'd_namlen', text.length);
      k.space.bytes.set(text, type.addr(at, 'd_name'));
      return k.get(Uio).move(at, length, uio);
    });
  }
}

/** The buffer has no room for another entry. */
const NO_ROOM = -1;
