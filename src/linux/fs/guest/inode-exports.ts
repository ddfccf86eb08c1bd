import type { Ptr } from '../../../cpu/layout.js';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFSOCK } from '../../../files/mode.js';
import { constant } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_DEBUG } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EBUSY } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { InodeInit } from '../new-inode.js';
import { Inodes } from './inodes.js';

const S_ISGID = 0o2000;
const NANOSECONDS = 1_000_000_000n;
/** int (*)(struct inode *, void *), of parameters `test` and `set`. */
const OF_INODE = 'i:pp';

/** The inode functions that file systems call (fs/inode.c). */
export class InodeExports implements Subsystem {
  private nextNumber = 1;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    new_inode: (superBlock: Ptr) => this.inodes.create(superBlock),
    new_inode_pseudo: (superBlock: Ptr) => this.inodes.alloc(superBlock),
    inode_init_once: (inode: Ptr) => this.k.get(InodeInit).once(inode),
    inode_init_always: (superBlock: Ptr, inode: Ptr) => {
      this.k.get(InodeInit).always(inode, superBlock);
      return 0;
    },
    address_space_init_once: (mapping: Ptr) => this.k.get(InodeInit).mappingOnce(mapping),
    inode_sb_list_add: (inode: Ptr) =>
      this.inodes.addToSuper(inode, this.k.struct('inode').get(inode, 'i_sb')),
    iget_locked: (superBlock: Ptr, number: number) => this.getLocked(superBlock, number),
    iget5_locked: (superBlock: Ptr, _hash: number, test: Ptr, set: Ptr, data: Ptr) =>
      this.getLocked5(superBlock, test, set, data),
    ilookup: (superBlock: Ptr, number: number) =>
      this.inodes.find(superBlock, (inode) => this.type.get(inode, 'i_ino') === number),
    ilookup5: (superBlock: Ptr, _hash: number, test: Ptr, data: Ptr) =>
      this.inodes.find(superBlock, (inode) => this.test(test, inode, data)),
    insert_inode_locked: (inode: Ptr) => this.insertLocked(inode),
    insert_inode_locked4: (inode: Ptr, _hash: number, test: Ptr, data: Ptr) =>
      this.insertLocked4(inode, test, data),
    inode_insert5: (inode: Ptr, _hash: number, test: Ptr, set: Ptr, data: Ptr) =>
      this.insert5(inode, test, set, data),
    find_inode_nowait: (superBlock: Ptr, hash: number, match: Ptr, data: Ptr) =>
      this.findNoWait(superBlock, hash, match, data),
    find_inode_rcu: (superBlock: Ptr, _hash: number, test: Ptr, data: Ptr) =>
      this.inodes.look(superBlock, (inode) => this.test(test, inode, data)),
    find_inode_by_ino_rcu: (superBlock: Ptr, number: number) =>
      this.inodes.look(superBlock, (inode) => this.type.get(inode, 'i_ino') === number),
    __insert_inode_hash: (inode: Ptr, _hash: number) => this.inodes.hash(inode),
    __remove_inode_hash: (inode: Ptr) => this.inodes.unhash(inode),
    unlock_new_inode: (inode: Ptr) => this.unlockNew(inode),
    discard_new_inode: (inode: Ptr) => this.failed(inode),
    iget_failed: (inode: Ptr) => this.failed(inode),
    free_inode_nonrcu: (inode: Ptr) => {
      this.k.slab.free(inode);
    },
    iput: (inode: Ptr) => this.inodes.put(inode),
    ihold: (inode: Ptr) => {
      this.inodes.get(inode);
    },
    igrab: (inode: Ptr) => this.inodes.get(inode),
    clear_inode: (inode: Ptr) => this.inodes.clear(inode),
    generic_delete_inode: constant(1),
    get_next_ino: () => this.takeNumber(),
    iunique: (_superBlock: Ptr, reserved: number) => {
      this.nextNumber = Math.max(this.nextNumber, reserved + 1);
      return this.nextNumber++;
    },
    set_nlink: (inode: Ptr, links: number) => this.type.set(inode, '__i_nlink', links),
    inc_nlink: (inode: Ptr) => this.type.set(inode, '__i_nlink', this.type.get(inode, '__i_nlink') + 1),
    clear_nlink: (inode: Ptr) => this.type.set(inode, '__i_nlink', 0),
    drop_nlink: (inode: Ptr) => this.dropLink(inode),
    inode_set_flags: (inode: Ptr, flags: number, mask: number) =>
      this.type.set(inode, 'i_flags', (this.type.get(inode, 'i_flags') & ~mask) | (flags & mask)),
    inode_init_owner: (_namespace: Ptr, inode: Ptr, directory: Ptr, mode: number) =>
      this.initOwner(inode, directory, mode),
    init_special_inode: (inode: Ptr, mode: number, device: number) => this.initSpecial(inode, mode, device),
    inode_init_always_gfp: (superBlock: Ptr, inode: Ptr, _flags: number) => {
      this.k.get(InodeInit).always(inode, superBlock);
      return 0;
    },
    current_time: (_inode: Ptr) => this.now(),
    inode_set_ctime_current: (inode: Ptr) => this.stamp(inode, ['ctime']),
    simple_inode_init_ts: (inode: Ptr) => this.stamp(inode, ['atime', 'mtime', 'ctime']),
    truncate_inode_pages: (mapping: Ptr, from: number) => this.inodes.dropPages(mapping, from),
    truncate_inode_pages_final: (mapping: Ptr) => this.inodes.dropAllPages(mapping),
    evict_inodes: (superBlock: Ptr) => this.inodes.evictAll(superBlock),
    invalidate_inodes: (superBlock: Ptr, killDirty: boolean) => this.inodes.invalidate(superBlock, killDirty),
  };

  private get inodes(): Inodes {
    return this.k.get(Inodes);
  }

  /** get_next_ino() */
  takeNumber(): number {
    return this.nextNumber++;
  }

  private get type() {
    return this.k.struct('inode');
  }

  private *test(fn: Ptr, inode: Ptr, data: Ptr): Sleepable<boolean> {
    return (yield* this.k.callAs(OF_INODE, fn, inode, data)) !== 0;
  }

  private *getLocked(superBlock: Ptr, number: number): Sleepable<Ptr> {
    const known = yield* this.inodes.find(superBlock, (inode) => this.type.get(inode, 'i_ino') === number);
    if (known !== 0) return known;
    const inode = yield* this.inodes.create(superBlock);
    if (inode === 0) return 0;
    this.type.set(inode, 'i_ino', number);
    this.enter(inode);
    return inode;
  }

  private *getLocked5(superBlock: Ptr, test: Ptr, set: Ptr, data: Ptr): Sleepable<Ptr> {
    const known = yield* this.inodes.find(superBlock, (inode) => this.test(test, inode, data));
    if (known !== 0) return known;
    const inode = yield* this.inodes.create(superBlock);
    if (inode === 0) return 0;
    if (set !== 0 && (yield* this.k.callAs(OF_INODE, set, inode, data)) !== 0) {
      yield* this.inodes.put(inode);
      return 0;
    }
    this.enter(inode);
    return inode;
  }

  private *insertLocked(inode: Ptr): Sleepable<number> {
    const number = this.type.get(inode, 'i_ino');
    const superBlock = this.type.get(inode, 'i_sb');
    const known = yield* this.inodes.find(superBlock, (other) => this.type.get(other, 'i_ino') === number);
    if (known !== 0) {
      yield* this.inodes.put(known);
      return -EBUSY;
    }
    this.enter(inode);
    return 0;
  }

  /** insert_inode_locked4(): as insert_inode_locked(), where the file system says itself what is the same. */
  private *insertLocked4(inode: Ptr, test: Ptr, data: Ptr): Sleepable<number> {
    const there = yield* this.insert5(inode, test, 0, data);
    if (there === inode) return 0;
    yield* this.inodes.put(there);
    return -EBUSY;
  }

  /** inode_insert5(): the inode that there is already, with a reference, or this one; 0 where `set` refuses. */
  private *insert5(inode: Ptr, test: Ptr, set: Ptr, data: Ptr): Sleepable<Ptr> {
    const { type } = this;
    const superBlock = type.get(inode, 'i_sb');
    const known = yield* this.inodes.find(superBlock, (other) => this.test(test, other, data));
    if (known !== 0) return known;
    if (set !== 0 && (yield* this.k.callAs(OF_INODE, set, inode, data)) !== 0) return 0;
    this.enter(inode);
    if (list.isEmpty(this.k.space, type.addr(inode, 'i_sb_list'))) this.inodes.addToSuper(inode, superBlock);
    return inode;
  }

  /** find_inode_nowait(): `match` says 0 to go on, 1 for the inode, another number for none. */
  private *findNoWait(superBlock: Ptr, hash: number, match: Ptr, data: Ptr): Sleepable<Ptr> {
    for (const inode of this.inodes.all(superBlock)) {
      const said = yield* this.k.callAs('i:pLp', match, inode, hash, data);
      if (said !== 0) return said === 1 ? inode : 0;
    }
    return 0;
  }

  /** Look-ups find it, and wait until it is filled. */
  private enter(inode: Ptr): void {
    this.type.set(inode, 'i_state', this.type.get(inode, 'i_state') | this.inodes.states.I_NEW);
    this.inodes.hash(inode);
  }

  private unlockNew(inode: Ptr): void {
    const { I_NEW } = this.inodes.states;
    const state = this.type.get(inode, 'i_state');
    if ((state & I_NEW) === 0) warn(this.k, '', 'fs/inode.c', 'unlock_new_inode');
    this.type.set(inode, 'i_state', state & ~I_NEW);
  }

  private *failed(inode: Ptr): Sleepable<void> {
    this.inodes.unhash(inode);
    this.type.set(inode, '__i_nlink', 0);
    this.unlockNew(inode);
    yield* this.inodes.put(inode);
  }

  private dropLink(inode: Ptr): void {
    const links = this.type.get(inode, '__i_nlink');
    if (links === 0) warn(this.k, '', 'fs/inode.c', 'drop_nlink');
    this.type.set(inode, '__i_nlink', (links - 1) >>> 0);
  }

  private initOwner(inode: Ptr, directory: Ptr, mode: number): void {
    const { type } = this;
    let bits = mode;
    if (directory !== 0 && (type.get(directory, 'i_mode') & S_ISGID) !== 0) {
      type.set(inode, 'i_gid.val', type.get(directory, 'i_gid.val'));
      if ((mode & S_IFMT) === S_IFDIR) bits |= S_ISGID;
    }
    type.set(inode, 'i_mode', bits);
  }

  private initSpecial(inode: Ptr, mode: number, device: number): void {
    const { k, type } = this;
    type.set(inode, 'i_mode', mode);
    switch (mode & S_IFMT) {
      case S_IFCHR:
      case S_IFBLK:
        type.set(inode, 'i_rdev', device);
        break;
      case S_IFIFO:
      case S_IFSOCK:
        break;
      default: {
        const id = k.struct('super_block').text(type.get(inode, 'i_sb'), 's_id');
        const number = type.get(inode, 'i_ino');
        const octal = mode.toString(8);
        k.log.line(`init_special_inode: bogus i_mode (${octal}) for inode ${id}:${number}`, LOGLEVEL_DEBUG);
      }
    }
  }

  /** Sets times of an inode to now, which it returns. */
  private stamp(inode: Ptr, times: readonly string[]): readonly [bigint, bigint] {
    const now = this.now();
    const [seconds, nanoseconds] = now;
    const apart = this.type.has('i_ctime_sec');
    for (const time of times) {
      this.type.setBig(inode, apart ? `i_${time}_sec` : `i_${time}.tv_sec`, seconds);
      if (apart) this.type.set(inode, `i_${time}_nsec`, Number(nanoseconds));
      else this.type.setBig(inode, `i_${time}.tv_nsec`, nanoseconds);
    }
    return now;
  }

  /** struct timespec64 by value. */
  private now(): readonly [bigint, bigint] {
    const { clock } = this.k;
    const nanoseconds = clock.bootTime + BigInt(Math.floor(clock.now));
    return [nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS];
  }
}
