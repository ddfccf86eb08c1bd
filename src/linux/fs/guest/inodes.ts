import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { hlist } from '../../abi/hlist.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { type InodeStates, inodeStates } from '../inode-states.js';
import { InodeInit } from '../new-inode.js';

/** super_block.s_flags: fully set up. */
export const SB_ACTIVE = 1 << 30;

/** Inodes of file systems that modules implement: allocation, the hash and the last reference (fs/inode.c). */
export class Inodes implements Subsystem {
  readonly exports = {};
  private readonly owned = new Set<Ptr>();
  /** Hashed inodes by super_block. */
  private readonly hashed = new Map<Ptr, Set<Ptr>>();
  /** The list that hashed inodes are in, so that each can tell that it is. */
  private bucket: Ptr = 0;

  readonly states: InodeStates;

  constructor(private readonly k: LinuxKernel) {
    this.states = inodeStates(k);
  }

  /** alloc_inode(): from the file system's own cache if it has one; 0 without memory. */
  *alloc(superBlock: Ptr): Sleepable<Ptr> {
    const { k } = this;
    let inode: Ptr;
    if (this.has(superBlock, 'alloc_inode')) inode = yield* this.tell(superBlock, 'alloc_inode', superBlock);
    else {
      inode = k.slab.allocateBytes(k.sizeOf('inode'), true);
      if (inode !== 0) k.get(InodeInit).once(inode);
    }
    if (inode === 0) return 0;
    k.get(InodeInit).always(inode, superBlock);
    k.struct('inode').set(inode, 'i_state', 0);
    this.owned.add(inode);
    return inode;
  }

  /** new_inode(): on the super_block's list. */
  *create(superBlock: Ptr): Sleepable<Ptr> {
    const inode = yield* this.alloc(superBlock);
    if (inode !== 0) this.addToSuper(inode, superBlock);
    return inode;
  }

  addToSuper(inode: Ptr, superBlock: Ptr): void {
    const { k } = this;
    const link = k.struct('inode').addr(inode, 'i_sb_list');
    list.add(k.space, link, k.struct('super_block').addr(superBlock, 's_inodes'));
  }

  hash(inode: Ptr): void {
    const type = this.k.struct('inode');
    const superBlock = type.get(inode, 'i_sb');
    const known = this.hashed.get(superBlock);
    if (known) known.add(inode);
    else this.hashed.set(superBlock, new Set([inode]));
    this.bucket ||= this.k.permanent(8);
    hlist.addHead(this.k.space, type.addr(inode, 'i_hash'), this.bucket);
  }

  unhash(inode: Ptr): void {
    const type = this.k.struct('inode');
    this.hashed.get(type.get(inode, 'i_sb'))?.delete(inode);
    hlist.delInit(this.k.space, type.addr(inode, 'i_hash'));
  }

  isHashed(inode: Ptr): boolean {
    return this.k.struct('inode').get(inode, 'i_hash.pprev') !== 0;
  }

  /** A hashed inode for which `test` holds, with a new reference; 0 if there is none. */
  *find(superBlock: Ptr, test: (inode: Ptr) => boolean | Sleepable<boolean>): Sleepable<Ptr> {
    const type = this.k.struct('inode');
    for (const inode of this.hashed.get(superBlock) ?? []) {
      if ((type.get(inode, 'i_state') & this.states.I_FREEING) !== 0) continue;
      if (yield* this.k.wait(test(inode))) return this.get(inode);
    }
    return 0;
  }

  /** The first inode that is not being freed and that a test is true of; no reference is taken. */
  *look(superBlock: Ptr, test: (inode: Ptr) => boolean | Sleepable<boolean>): Sleepable<Ptr> {
    const type = this.k.struct('inode');
    for (const inode of this.all(superBlock))
      if ((type.get(inode, 'i_state') & this.states.I_FREEING) === 0 && (yield* this.k.wait(test(inode))))
        return inode;
    return 0;
  }

  /** Inodes of a file system that are hashed, in that order. */
  all(superBlock: Ptr): readonly Ptr[] {
    return [...(this.hashed.get(superBlock) ?? [])];
  }

  get(inode: Ptr): Ptr {
    const type = this.k.struct('inode');
    type.set(inode, 'i_count.counter', type.get(inode, 'i_count.counter') + 1);
    return inode;
  }

  /** iput(): the last reference evicts the inode unless it is to stay cached. */
  *put(inode: Ptr): Sleepable<void> {
    const { k } = this;
    if (inode === 0) return;
    const type = k.struct('inode');
    const count = type.get(inode, 'i_count.counter') - 1;
    type.set(inode, 'i_count.counter', Math.max(count, 0));
    if (count > 0 || !this.owned.has(inode)) return;
    const superBlock = type.get(inode, 'i_sb');
    const drop = this.has(superBlock, 'drop_inode')
      ? (yield* this.tell(superBlock, 'drop_inode', inode)) !== 0
      : type.get(inode, '__i_nlink') === 0 || !this.isHashed(inode);
    const active = (k.struct('super_block').get(superBlock, 's_flags') & SB_ACTIVE) !== 0;
    if (drop || !active) yield* this.evict(inode);
  }

  /** evict_inodes(): every inode of a super_block that nobody uses. */
  *evictAll(superBlock: Ptr): Sleepable<void> {
    const type = this.k.struct('inode');
    for (const inode of this.of(superBlock))
      if (type.get(inode, 'i_count.counter') === 0) yield* this.evict(inode);
    this.hashed.delete(superBlock);
  }

  /** invalidate_inodes(): as evict_inodes(), of a device that is gone; whether some are in use, or kept since they are dirty. */
  *invalidate(superBlock: Ptr, killDirty: boolean): Sleepable<number> {
    const type = this.k.struct('inode');
    const { I_NEW, I_FREEING, I_DIRTY, I_DIRTY_TIME } = this.states;
    let busy = 0;
    for (const inode of this.of(superBlock)) {
      const state = type.get(inode, 'i_state');
      if ((state & (I_NEW | I_FREEING)) !== 0) continue;
      const kept = (state & (I_DIRTY | I_DIRTY_TIME)) !== 0 && !killDirty;
      if (kept || type.get(inode, 'i_count.counter') !== 0) busy = 1;
      else yield* this.evict(inode);
    }
    return busy;
  }

  private of(superBlock: Ptr): readonly Ptr[] {
    const { k } = this;
    const head = k.struct('super_block').addr(superBlock, 's_inodes');
    return [...list.entries(k.space, head)].map((link) => k.struct('inode').of(link, 'i_sb_list'));
  }

  /** truncate_inode_pages(): what a mapping holds in memory from a byte on goes. Only the target's own code puts something there. */
  *dropPages(mapping: Ptr, from: number): Sleepable<void> {
    const { k } = this;
    const type = k.struct('address_space');
    if (type.get(mapping, 'nrpages') === 0 && type.get(mapping, 'i_pages.xa_head') === 0) return;
    yield* k.callAs('v:pqq', k.fn('truncate_inode_pages_range'), mapping, from, -1);
  }

  /** truncate_inode_pages_final(): nothing comes any more, either. */
  *dropAllPages(mapping: Ptr): Sleepable<void> {
    const type = this.k.struct('address_space');
    const exiting = 1n << BigInt(this.k.enumValue('AS_EXITING'));
    type.setBig(mapping, 'flags', type.getBig(mapping, 'flags') | exiting);
    yield* this.dropPages(mapping, 0);
  }

  private *evict(inode: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('inode');
    const superBlock = type.get(inode, 'i_sb');
    type.set(inode, 'i_state', type.get(inode, 'i_state') | this.states.I_FREEING);
    yield* k.get(InodeInit).leaveWriteback(inode);
    list.delInit(k.space, type.addr(inode, 'i_sb_list'));
    if (this.has(superBlock, 'evict_inode')) yield* this.tell(superBlock, 'evict_inode', inode);
    else {
      yield* this.dropAllPages(type.addr(inode, 'i_data'));
      this.clear(inode);
    }
    this.unhash(inode);
    yield* this.destroy(inode, superBlock);
  }

  /** clear_inode() */
  clear(inode: Ptr): void {
    this.k.struct('inode').set(inode, 'i_state', this.states.I_FREEING | this.states.I_CLEAR);
  }

  private *destroy(inode: Ptr, superBlock: Ptr): Sleepable<void> {
    const { k } = this;
    this.owned.delete(inode);
    const frees = this.has(superBlock, 'free_inode');
    if (this.has(superBlock, 'destroy_inode')) {
      yield* this.tell(superBlock, 'destroy_inode', inode);
      if (!frees) return;
    }
    if (frees) yield* this.tell(superBlock, 'free_inode', inode);
    else k.slab.free(inode);
  }

  /** Whether the file system has an operation of its own. */
  private has(superBlock: Ptr, operation: string): boolean {
    const table = this.k.struct('super_block').get(superBlock, 's_op');
    return table !== 0 && this.k.struct('super_operations').get(table, operation) !== 0;
  }

  private tell(superBlock: Ptr, operation: string, object: Ptr): Sleepable<number> {
    const table = this.k.struct('super_block').get(superBlock, 's_op');
    return this.k.struct('super_operations').call(table, operation, object);
  }
}
