import type { Ptr } from '../../../cpu/layout.js';
import { PAGE_SHIFT, PAGE_SIZE } from '../../../cpu/layout.js';
import { NAME_MAX } from '../../../files/limits.js';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../../files/mode.js';
import { constant } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, EISDIR, ENAMETOOLONG, ENOMEM, ENOTEMPTY } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Dcache } from './dcache.js';
import { Inodes } from './inodes.js';

/** Parts of file systems that live in memory (fs/libfs.c). */
export class LibFs implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    simple_lookup: (_directory: Ptr, dentry: Ptr, _flags: number) => this.lookup(dentry),
    simple_statfs: (dentry: Ptr, out: Ptr) => {
      const type = this.k.struct('kstatfs');
      const superBlock = this.k.struct('dentry').get(dentry, 'd_sb');
      type.set(out, 'f_type', this.k.struct('super_block').get(superBlock, 's_magic'));
      type.set(out, 'f_bsize', PAGE_SIZE);
      type.set(out, 'f_namelen', NAME_MAX);
      return 0;
    },
    simple_fill_super: (superBlock: Ptr, magic: number, files: Ptr) =>
      this.fillSuper(superBlock, magic, files),
    simple_link: (old: Ptr, _directory: Ptr, dentry: Ptr) => this.link(old, dentry),
    simple_unlink: (_directory: Ptr, dentry: Ptr) => this.unlink(dentry),
    simple_rmdir: (directory: Ptr, dentry: Ptr) => this.rmdir(directory, dentry),
    simple_empty: (dentry: Ptr) => this.isEmpty(dentry),
    simple_nosetlease: constant(-EINVAL),
    generic_read_dir: constant(-EISDIR),
    noop_fsync: constant(0),
    always_delete_dentry: constant(1),
  };

  /** Operation tables that file systems refer to. */
  readonly data = {
    simple_dentry_operations: (at: Ptr) =>
      this.k.struct('dentry_operations').set(at, 'd_delete', this.k.fn('always_delete_dentry')),
    simple_dir_inode_operations: (at: Ptr) =>
      this.k.struct('inode_operations').set(at, 'lookup', this.k.fn('simple_lookup')),
    simple_dir_operations: (at: Ptr) => {
      const type = this.k.struct('file_operations');
      type.set(at, 'read', this.k.fn('generic_read_dir'));
      type.set(at, 'fsync', this.k.fn('noop_fsync'));
    },
  };

  /** No such name: a negative dentry that does not stay. */
  private lookup(dentry: Ptr): Ptr {
    const { k } = this;
    const cache = k.get(Dcache);
    if (k.struct('dentry').get(dentry, 'd_name.len') > NAME_MAX) return errPtr(ENAMETOOLONG);
    const superBlock = k.struct('dentry').get(dentry, 'd_sb');
    if (k.struct('super_block').get(superBlock, 's_d_op') === 0 && k.hasSymbol('simple_dentry_operations'))
      cache.setOperations(dentry, k.symbol('simple_dentry_operations'));
    cache.rehash(dentry);
    return 0;
  }

  private *fillSuper(superBlock: Ptr, magic: number, files: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('super_block');
    type.set(superBlock, 's_magic', magic);
    type.set(superBlock, 's_blocksize', PAGE_SIZE);
    type.set(superBlock, 's_blocksize_bits', PAGE_SHIFT);
    type.set(superBlock, 's_op', this.superOperations());
    const root = yield* this.makeInode(superBlock, 1, S_IFDIR | 0o755, 0);
    if (root === 0) return -ENOMEM;
    k.struct('inode').set(root, '__i_nlink', 2);
    const cache = k.get(Dcache);
    const dentry = cache.alloc(0, '/', superBlock);
    cache.instantiate(dentry, root);
    const entries = k.struct('tree_descr');
    for (let index = 0, at = files; ; index++, at += entries.size) {
      const name = entries.get(at, 'name');
      if (name === 0) continue;
      const text = k.space.cstring(name);
      if (text === '') break;
      const mode = S_IFREG | entries.get(at, 'mode');
      const inode = yield* this.makeInode(superBlock, index, mode, entries.get(at, 'ops'));
      const child = cache.alloc(dentry, text, superBlock);
      cache.instantiate(child, inode);
      cache.rehash(child);
    }
    type.set(superBlock, 's_root', dentry);
    return 0;
  }

  private *makeInode(superBlock: Ptr, number: number, mode: number, operations: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const inode = yield* k.get(Inodes).create(superBlock);
    if (inode === 0) return 0;
    const type = k.struct('inode');
    type.set(inode, 'i_ino', number);
    type.set(inode, 'i_mode', mode);
    const directory = (mode & S_IFMT) === S_IFDIR;
    if (directory) type.set(inode, 'i_op', k.symbol('simple_dir_inode_operations'));
    type.set(inode, 'i_fop', directory ? k.symbol('simple_dir_operations') : operations);
    return inode;
  }

  superOperations(): Ptr {
    const { k } = this;
    const table = k.permanent(k.sizeOf('super_operations'));
    k.struct('super_operations').set(table, 'statfs', k.fn('simple_statfs'));
    return table;
  }

  private link(old: Ptr, dentry: Ptr): number {
    const cache = this.k.get(Dcache);
    const inode = cache.inodeOf(old);
    const type = this.k.struct('inode');
    type.set(inode, '__i_nlink', type.get(inode, '__i_nlink') + 1);
    this.k.get(Inodes).get(inode);
    cache.get(dentry);
    cache.instantiate(dentry, inode);
    return 0;
  }

  private *unlink(dentry: Ptr): Sleepable<number> {
    const cache = this.k.get(Dcache);
    const type = this.k.struct('inode');
    const inode = cache.inodeOf(dentry);
    type.set(inode, '__i_nlink', type.get(inode, '__i_nlink') - 1);
    yield* cache.put(dentry);
    return 0;
  }

  private *rmdir(directory: Ptr, dentry: Ptr): Sleepable<number> {
    if (!this.isEmpty(dentry)) return -ENOTEMPTY;
    const type = this.k.struct('inode');
    const inode = this.k.get(Dcache).inodeOf(dentry);
    type.set(inode, '__i_nlink', type.get(inode, '__i_nlink') - 1);
    yield* this.unlink(dentry);
    type.set(directory, '__i_nlink', type.get(directory, '__i_nlink') - 1);
    return 0;
  }

  private isEmpty(dentry: Ptr): boolean {
    const cache = this.k.get(Dcache);
    return cache.childrenOf(dentry).every((child) => cache.inodeOf(child) === 0);
  }
}
