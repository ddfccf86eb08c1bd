import type { Ptr } from '../../cpu/layout.js';
import { hlist } from '../abi/hlist.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import { Mutexes } from '../locking/mutex.js';
import { RtMutexes } from '../locking/rtmutex.js';
import { RwSemaphores } from '../locking/rwsem.js';
import { ListLrus } from '../mm/list-lru.js';
import type { Subsystem } from '../subsystem.js';

const LISTS = ['s_mounts', 's_inodes', 's_inodes_wb'];
const MUTEXES = ['s_vfs_rename_mutex', 's_sync_lock'];
const LRUS = ['s_dentry_lru', 's_inode_lru'];
/** File systems without large files: MAX_NON_LFS. */
const MAX_NON_LFS = 0x7fff_ffffn;
/** A block that nobody has chosen the size of is a page. */
const BLOCK_BITS = 12;

/** struct super_block as it is made and goes, and the list of all (alloc_super(), __put_super() in fs/super.c). */
export class SuperBlockObjects implements Subsystem {
  readonly exports = {};
  /** Those that are there now. */
  private readonly linked = new Set<Ptr>();
  private nextDevice = 21;
  private noOperations: Ptr = 0;

  readonly keeps = ['sb_lock', 'super_blocks'];

  constructor(private readonly k: LinuxKernel) {
    if (k.hasSymbol('super_blocks')) list.init(k.space, k.symbol('super_blocks'));
  }

  /** Makes zeroed memory a super_block of a kind of file system; its s_umount is free. */
  init(superBlock: Ptr, kind: Ptr): void {
    const { k } = this;
    const type = k.struct('super_block');
    for (const head of LISTS) list.init(k.space, type.addr(superBlock, head));
    k.get(RwSemaphores).init(type.addr(superBlock, 's_umount'));
    if (type.has('s_dquot.dqio_sem')) k.get(RwSemaphores).init(type.addr(superBlock, 's_dquot.dqio_sem'));
    for (const mutex of MUTEXES) k.get(Mutexes).init(type.addr(superBlock, mutex));
    if (type.has('s_writers.wait_unfrozen'))
      list.init(k.space, type.addr(superBlock, 's_writers.wait_unfrozen.head'));
    for (const level of this.levels(superBlock)) k.get(RtMutexes).exports.__percpu_init_rwsem(level);
    for (const lru of LRUS) k.get(ListLrus).exports.__list_lru_init(type.addr(superBlock, lru), true);
    type.set(superBlock, 's_count', 1);
    type.set(superBlock, 's_active.counter', 1);
    type.set(superBlock, 's_blocksize', 1 << BLOCK_BITS);
    type.set(superBlock, 's_blocksize_bits', BLOCK_BITS);
    type.set(superBlock, 's_time_gran', 1_000_000_000);
    type.setBig(superBlock, 's_maxbytes', MAX_NON_LFS);
    type.setBig(superBlock, 's_time_min', -(1n << 63n));
    type.setBig(superBlock, 's_time_max', (1n << 63n) - 1n);
    type.set(superBlock, 's_op', this.operations());
    if (k.hasSymbol('init_user_ns')) type.set(superBlock, 's_user_ns', k.symbol('init_user_ns'));
    if (k.hasSymbol('noop_backing_dev_info'))
      type.set(superBlock, 's_bdi', k.symbol('noop_backing_dev_info'));
    type.set(superBlock, 's_dev', this.nextDevice++);
    type.set(superBlock, 's_type', kind);
    this.link(superBlock, kind);
  }

  /** Nobody finds it through its file system any more (generic_shutdown_super()). */
  unlinkInstance(superBlock: Ptr): void {
    hlist.delInit(this.k.space, this.k.struct('super_block').addr(superBlock, 's_instances'));
  }

  /** The last reference is gone: nobody has it, and its parts are given back. The memory is the caller's. */
  destroy(superBlock: Ptr): void {
    const { k } = this;
    const type = k.struct('super_block');
    this.unlinkInstance(superBlock);
    if (this.linked.delete(superBlock)) list.del(k.space, type.addr(superBlock, 's_list'));
    for (const level of this.levels(superBlock)) k.get(RtMutexes).exports.percpu_free_rwsem(level);
    for (const lru of LRUS) k.get(ListLrus).exports.list_lru_destroy(type.addr(superBlock, lru));
  }

  private link(superBlock: Ptr, kind: Ptr): void {
    const { k } = this;
    const type = k.struct('super_block');
    if (k.hasSymbol('super_blocks'))
      list.addTail(k.space, type.addr(superBlock, 's_list'), k.symbol('super_blocks'));
    else list.init(k.space, type.addr(superBlock, 's_list'));
    this.linked.add(superBlock);
    const supers = k.struct('file_system_type').addr(kind, 'fs_supers');
    hlist.addHead(k.space, type.addr(superBlock, 's_instances'), supers);
  }

  /** s_writers.rw_sem, one for each level of freezing. */
  private *levels(superBlock: Ptr): Generator<Ptr> {
    const { k } = this;
    const type = k.struct('super_block');
    const bytes = type.member('s_writers.rw_sem').size;
    const each = k.sizeOf('percpu_rw_semaphore');
    for (let at = 0; at < bytes; at += each) yield type.addr(superBlock, 's_writers.rw_sem') + at;
  }

  /** default_op: a table in which there is nothing. */
  private operations(): Ptr {
    this.noOperations ||= this.k.permanent(this.k.sizeOf('super_operations'));
    return this.noOperations;
  }
}
