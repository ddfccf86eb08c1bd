import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { ENAMETOOLONG, ENOMEM, ESTALE } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { dentryPath } from '../paths.js';
import { Dcache } from './dcache.js';
import { Inodes } from './inodes.js';

/** The dentry functions that file systems call (fs/dcache.c). */
export class DcacheExports implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    d_alloc: (parent: Ptr, name: Ptr) => this.allocBelow(parent, this.qstr(name)),
    d_alloc_name: (parent: Ptr, name: Ptr) => this.allocBelow(parent, this.k.space.cstring(name)),
    inode_add_lru: nothing('inodes are not aged', undefined),
    get_nr_dirty_inodes: nothing('dirty inodes are not counted', 0),
    __d_alloc: (superBlock: Ptr, name: Ptr) =>
      this.cache.alloc(0, name === 0 ? '/' : this.qstr(name), superBlock),
    d_alloc_anon: (superBlock: Ptr) => this.cache.alloc(0, '/', superBlock),
    d_make_root: (inode: Ptr) => this.makeRoot(inode),
    d_obtain_root: (inode: Ptr) => this.obtain(inode),
    d_obtain_alias: (inode: Ptr) => this.obtain(inode),
    d_instantiate: (dentry: Ptr, inode: Ptr) => this.cache.instantiate(dentry, inode),
    d_instantiate_new: (dentry: Ptr, inode: Ptr) => {
      this.cache.instantiate(dentry, inode);
      const type = this.k.struct('inode');
      type.set(inode, 'i_state', type.get(inode, 'i_state') & ~this.k.get(Inodes).states.I_NEW);
    },
    d_add: (dentry: Ptr, inode: Ptr) => {
      if (inode !== 0) this.cache.instantiate(dentry, inode);
      this.cache.rehash(dentry);
    },
    d_rehash: (dentry: Ptr) => this.cache.rehash(dentry),
    d_drop: (dentry: Ptr) => this.cache.unhash(dentry),
    __d_drop: (dentry: Ptr) => this.cache.unhash(dentry),
    d_delete: (dentry: Ptr) => this.cache.delete(dentry),
    d_invalidate: (dentry: Ptr) => this.invalidate(dentry),
    d_move: (dentry: Ptr, target: Ptr) => this.cache.move(dentry, target),
    d_splice_alias: (inode: Ptr, dentry: Ptr) => this.splice(inode, dentry),
    d_find_alias: (inode: Ptr) => this.cache.get(this.cache.aliasOf(inode)),
    d_find_any_alias: (inode: Ptr) => this.cache.get(this.cache.aliasOf(inode)),
    d_lookup: (parent: Ptr, name: Ptr) => this.cache.get(this.cache.find(parent, this.qstr(name))),
    d_hash_and_lookup: (parent: Ptr, name: Ptr) => this.cache.get(this.cache.find(parent, this.qstr(name))),
    d_set_d_op: (dentry: Ptr, operations: Ptr) => this.cache.setOperations(dentry, operations),
    d_genocide: (parent: Ptr) => this.cache.genocide(parent),
    shrink_dcache_parent: (parent: Ptr) => this.cache.shrink(parent),
    shrink_dcache_sb: (superBlock: Ptr) =>
      this.cache.shrink(this.k.struct('super_block').get(superBlock, 's_root')),
    dput: (dentry: Ptr) => this.cache.put(dentry),
    dget_parent: (dentry: Ptr) => this.cache.get(this.cache.parentOf(dentry)),
    is_subdir: (dentry: Ptr, ancestor: Ptr) => this.isBelow(dentry, ancestor),
    dentry_path_raw: (dentry: Ptr, buffer: Ptr, length: number) =>
      this.putPath(dentryPath(this.k, dentry), buffer, length),
  };

  private get cache(): Dcache {
    return this.k.get(Dcache);
  }

  private qstr(name: Ptr): string {
    const type = this.k.struct('qstr');
    return this.k.space.cstring(type.get(name, 'name'), type.get(name, 'len'));
  }

  private allocBelow(parent: Ptr, name: string): Ptr {
    return this.cache.alloc(parent, name, this.k.struct('dentry').get(parent, 'd_sb'));
  }

  private makeRoot(inode: Ptr): Ptr {
    if (inode === 0) return 0;
    const dentry = this.cache.alloc(0, '/', this.k.struct('inode').get(inode, 'i_sb'));
    this.cache.instantiate(dentry, inode);
    return dentry;
  }

  private *obtain(inode: Ptr): Sleepable<Ptr> {
    if (inode === 0) return errPtr(ESTALE);
    if (isErr(inode)) return inode;
    const known = this.cache.aliasOf(inode);
    if (known !== 0) {
      yield* this.k.get(Inodes).put(inode);
      return this.cache.get(known);
    }
    const dentry = this.cache.alloc(0, '/', this.k.struct('inode').get(inode, 'i_sb'));
    if (dentry === 0) return errPtr(ENOMEM);
    this.cache.instantiate(dentry, inode);
    return dentry;
  }

  private *invalidate(dentry: Ptr): Sleepable<void> {
    if (!this.cache.isHashed(dentry)) return;
    this.cache.unhash(dentry);
    yield* this.cache.shrink(dentry);
  }

  private *splice(inode: Ptr, dentry: Ptr): Sleepable<Ptr> {
    const { cache } = this;
    if (isErr(inode)) return inode;
    if (inode !== 0) {
      const alias = cache.aliasOf(inode);
      const isDirectory = (this.k.struct('inode').get(inode, 'i_mode') & 0o170000) === 0o040000;
      if (alias !== 0 && isDirectory) {
        cache.move(alias, dentry);
        yield* this.k.get(Inodes).put(inode);
        return cache.get(alias);
      }
      cache.instantiate(dentry, inode);
    }
    cache.rehash(dentry);
    return 0;
  }

  private isBelow(dentry: Ptr, ancestor: Ptr): boolean {
    for (let at = dentry; ; ) {
      if (at === ancestor) return true;
      const parent = this.cache.parentOf(at);
      if (parent === at) return false;
      at = parent;
    }
  }

  /** Writes a path at the end of a buffer, where callers expect it. */
  private putPath(path: string, buffer: Ptr, length: number): Ptr {
    if (path.length + 1 > length) return errPtr(ENAMETOOLONG);
    const at = buffer + length - path.length - 1;
    this.k.space.storeCstring(at, path);
    return at;
  }
}
