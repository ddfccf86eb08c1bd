import type { Ptr } from '../../../cpu/layout.js';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../../files/mode.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { hlist } from '../../abi/hlist.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { VfsObjects } from '../objects.js';
import { Inodes } from './inodes.js';

/** d_flags: which operations d_op has, and the type of the inode (include/linux/dcache.h). */
const DCACHE_OP_HASH = 0x1;
const DCACHE_OP_COMPARE = 0x2;
const DCACHE_OP_REVALIDATE = 0x4;
const DCACHE_OP_DELETE = 0x8;
const DCACHE_OP_PRUNE = 0x10;
const DCACHE_DONTCACHE = 0x80;
const DCACHE_ENTRY_TYPE = 0x70_0000;
const DIRECTORY_TYPE = 0x20_0000;
const AUTODIR_TYPE = 0x30_0000;
const REGULAR_TYPE = 0x40_0000;
const SPECIAL_TYPE = 0x50_0000;
const SYMLINK_TYPE = 0x60_0000;

/** Dentries of file systems that modules implement: names, their tree and their references (fs/dcache.c). */
export class Dcache implements Subsystem {
  readonly exports = {};
  /** Hashed children by parent and name. */
  private readonly children = new Map<Ptr, Map<string, Ptr>>();
  /** Dentries made here, each with an object that stands for it as long as it lives. */
  private readonly owned = new Map<Ptr, object>();

  constructor(private readonly k: LinuxKernel) {}

  /** d_alloc(): a negative dentry with one reference, below `parent` unless that is 0. */
  alloc(parent: Ptr, name: string, superBlock: Ptr): Ptr {
    const { k } = this;
    const dentry = k.get(VfsObjects).makeDentry(name, 0, parent, superBlock);
    this.owned.set(dentry, {});
    if (parent !== 0) {
      this.get(parent);
      this.linkChild(dentry, parent);
    }
    if (superBlock !== 0) {
      const operations = k.struct('super_block').get(superBlock, 's_d_op');
      if (operations !== 0) this.setOperations(dentry, operations);
    }
    return dentry;
  }

  /** What tells a dentry from those that had its memory before. */
  identityOf(dentry: Ptr): object | undefined {
    return this.owned.get(dentry);
  }

  nameOf(dentry: Ptr): string {
    const type = this.k.struct('dentry');
    return this.k.space.cstring(type.get(dentry, 'd_name.name'), type.get(dentry, 'd_name.len'));
  }

  inodeOf(dentry: Ptr): Ptr {
    return this.k.struct('dentry').get(dentry, 'd_inode');
  }

  parentOf(dentry: Ptr): Ptr {
    return this.k.struct('dentry').get(dentry, 'd_parent');
  }

  setOperations(dentry: Ptr, operations: Ptr): void {
    const type = this.k.struct('dentry');
    const table = this.k.struct('dentry_operations');
    type.set(dentry, 'd_op', operations);
    if (operations === 0) return;
    const bits: readonly (readonly [string, number])[] = [
      ['d_hash', DCACHE_OP_HASH],
      ['d_compare', DCACHE_OP_COMPARE],
      ['d_revalidate', DCACHE_OP_REVALIDATE],
      ['d_delete', DCACHE_OP_DELETE],
      ['d_prune', DCACHE_OP_PRUNE],
    ];
    let flags = type.get(dentry, 'd_flags');
    for (const [name, bit] of bits) if (table.get(operations, name) !== 0) flags |= bit;
    type.set(dentry, 'd_flags', flags);
  }

  /** d_instantiate(): the dentry becomes positive; takes over the caller's reference to the inode. */
  instantiate(dentry: Ptr, inode: Ptr): void {
    const type = this.k.struct('dentry');
    type.set(dentry, 'd_inode', inode);
    if (inode === 0) return;
    const flags = type.get(dentry, 'd_flags') & ~DCACHE_ENTRY_TYPE;
    type.set(dentry, 'd_flags', flags | this.typeOf(inode));
    this.addAlias(dentry, inode);
  }

  /** d_rehash(): look-ups find it. */
  rehash(dentry: Ptr): void {
    const parent = this.parentOf(dentry);
    let names = this.children.get(parent);
    if (!names) {
      names = new Map();
      this.children.set(parent, names);
    }
    names.set(this.nameOf(dentry), dentry);
    const type = this.k.struct('dentry');
    type.set(dentry, 'd_hash.pprev', type.addr(dentry, 'd_hash'));
  }

  /** d_drop() */
  unhash(dentry: Ptr): void {
    const names = this.children.get(this.parentOf(dentry));
    const name = this.nameOf(dentry);
    if (names?.get(name) === dentry) names.delete(name);
    this.k.struct('dentry').set(dentry, 'd_hash.pprev', 0);
  }

  isHashed(dentry: Ptr): boolean {
    return this.k.struct('dentry').get(dentry, 'd_hash.pprev') !== 0;
  }

  /** d_lookup() without a reference. */
  find(parent: Ptr, name: string): Ptr {
    return this.children.get(parent)?.get(name) ?? 0;
  }

  /** Children in the order of d_subdirs, newest first. */
  childrenOf(parent: Ptr): Ptr[] {
    return [...(this.children.get(parent)?.values() ?? [])].reverse();
  }

  get(dentry: Ptr): Ptr {
    const type = this.k.struct('dentry');
    if (dentry !== 0) type.set(dentry, 'd_lockref.count', type.get(dentry, 'd_lockref.count') + 1);
    return dentry;
  }

  /** dput(): the last reference frees it unless it is to stay cached. */
  *put(start: Ptr): Sleepable<void> {
    const type = this.k.struct('dentry');
    for (let dentry = start; dentry !== 0; ) {
      const count = type.get(dentry, 'd_lockref.count') - 1;
      type.set(dentry, 'd_lockref.count', Math.max(count, 0));
      if (count > 0 || !this.owned.has(dentry)) return;
      if (yield* this.staysCached(dentry)) return;
      const parent = this.parentOf(dentry);
      yield* this.kill(dentry);
      dentry = parent === dentry ? 0 : parent;
    }
  }

  /** d_delete(): turns the only user's dentry negative, or hides it. */
  *delete(dentry: Ptr): Sleepable<void> {
    if (this.k.struct('dentry').get(dentry, 'd_lockref.count') !== 1) this.unhash(dentry);
    else yield* this.unlinkInode(dentry);
  }

  /** Drops what is cached below a dentry and nobody uses (shrink_dcache_parent). */
  *shrink(parent: Ptr): Sleepable<void> {
    const type = this.k.struct('dentry');
    for (const child of this.childrenOf(parent)) {
      yield* this.shrink(child);
      if (type.get(child, 'd_lockref.count') === 0) {
        yield* this.kill(child);
        type.set(parent, 'd_lockref.count', Math.max(0, type.get(parent, 'd_lockref.count') - 1));
      }
    }
  }

  /** d_genocide(): takes away the reference that keeps each entry of a memory file system. */
  genocide(parent: Ptr): void {
    const type = this.k.struct('dentry');
    for (const child of this.childrenOf(parent)) {
      this.genocide(child);
      if (this.inodeOf(child) !== 0)
        type.set(child, 'd_lockref.count', Math.max(0, type.get(child, 'd_lockref.count') - 1));
    }
  }

  /** d_move(): gives a dentry the place and name of another, which leaves the tree. */
  move(dentry: Ptr, target: Ptr): void {
    const type = this.k.struct('dentry');
    const parent = this.parentOf(target);
    const before = this.parentOf(dentry);
    const name = this.nameOf(target);
    this.unhash(dentry);
    this.unhash(target);
    this.k.get(VfsObjects).nameDentry(dentry, name, parent);
    if (before !== parent) {
      this.unlinkChild(dentry);
      type.set(dentry, 'd_parent', parent);
      this.linkChild(dentry, parent);
      this.get(parent);
      type.set(before, 'd_lockref.count', type.get(before, 'd_lockref.count') - 1);
    }
    this.rehash(dentry);
  }

  /** A hashed dentry of an inode, 0 if there is none; without a reference. */
  aliasOf(inode: Ptr): Ptr {
    const first = this.k.space.loadPtr(this.k.struct('inode').addr(inode, 'i_dentry'));
    return first === 0 ? 0 : this.k.struct('dentry').of(first, 'd_u');
  }

  private *staysCached(dentry: Ptr): Sleepable<boolean> {
    const type = this.k.struct('dentry');
    const flags = type.get(dentry, 'd_flags');
    if (!this.isHashed(dentry) || (flags & DCACHE_DONTCACHE) !== 0) return false;
    if ((flags & DCACHE_OP_DELETE) === 0) return true;
    const operations = this.k.struct('dentry_operations');
    return (yield* operations.call(type.get(dentry, 'd_op'), 'd_delete', dentry)) === 0;
  }

  /** __dentry_kill() */
  private *kill(dentry: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('dentry');
    const operations = type.get(dentry, 'd_op');
    const table = k.struct('dentry_operations');
    if (operations !== 0 && table.get(operations, 'd_prune') !== 0)
      yield* table.call(operations, 'd_prune', dentry);
    this.unhash(dentry);
    this.unlinkChild(dentry);
    yield* this.unlinkInode(dentry);
    if (operations !== 0 && table.get(operations, 'd_release') !== 0)
      yield* table.call(operations, 'd_release', dentry);
    this.children.delete(dentry);
    this.owned.delete(dentry);
    k.get(VfsObjects).freeDentry(dentry);
  }

  private *unlinkInode(dentry: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('dentry');
    const inode = type.get(dentry, 'd_inode');
    if (inode === 0) return;
    this.removeAlias(dentry);
    type.set(dentry, 'd_inode', 0);
    type.set(dentry, 'd_flags', type.get(dentry, 'd_flags') & ~DCACHE_ENTRY_TYPE);
    const operations = type.get(dentry, 'd_op');
    const table = k.struct('dentry_operations');
    if (operations !== 0 && table.get(operations, 'd_iput') !== 0)
      yield* table.call(operations, 'd_iput', dentry, inode);
    else yield* k.get(Inodes).put(inode);
  }

  private typeOf(inode: Ptr): number {
    const { k } = this;
    const type = k.struct('inode');
    const operations = type.get(inode, 'i_op');
    const has = (name: string): boolean =>
      operations !== 0 && k.struct('inode_operations').get(operations, name) !== 0;
    switch (type.get(inode, 'i_mode') & S_IFMT) {
      case S_IFDIR:
        return has('lookup') ? DIRECTORY_TYPE : AUTODIR_TYPE;
      case S_IFLNK:
        return has('get_link') ? SYMLINK_TYPE : REGULAR_TYPE;
      case S_IFREG:
        return REGULAR_TYPE;
      default:
        return SPECIAL_TYPE;
    }
  }

  private addAlias(dentry: Ptr, inode: Ptr): void {
    const { k } = this;
    hlist.addHead(k.space, this.aliasNode(dentry), k.struct('inode').addr(inode, 'i_dentry'));
  }

  private removeAlias(dentry: Ptr): void {
    hlist.delInit(this.k.space, this.aliasNode(dentry));
  }

  /** d_u.d_alias */
  private aliasNode(dentry: Ptr): Ptr {
    return this.k.struct('dentry').addr(dentry, 'd_u');
  }

  /** From 6.8 on, children are in a list of one pointer at its head. */
  private linkChild(dentry: Ptr, parent: Ptr): void {
    const { space } = this.k;
    const type = this.k.struct('dentry');
    if (type.has('d_sib')) hlist.addHead(space, type.addr(dentry, 'd_sib'), type.addr(parent, 'd_children'));
    else list.add(space, type.addr(dentry, 'd_child'), type.addr(parent, 'd_subdirs'));
  }

  private unlinkChild(dentry: Ptr): void {
    const { space } = this.k;
    const type = this.k.struct('dentry');
    if (type.has('d_sib')) hlist.delInit(space, type.addr(dentry, 'd_sib'));
    else list.delInit(space, type.addr(dentry, 'd_child'));
  }
}
