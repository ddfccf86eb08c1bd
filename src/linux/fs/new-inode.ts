import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { GFP_HIGHUSER_MOVABLE } from '../abi/gfp.js';
import { list } from '../abi/list.js';
import { ENXIO } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { RwSemaphores } from '../locking/rwsem.js';
import type { Subsystem } from '../subsystem.js';
import { waitsByAddress } from './inode-states.js';

/** Nobody has looked for an access control list yet (include/linux/fs.h). */
const ACL_NOT_CACHED = 0xffff_ffff_ffff_ffffn;
/** inode.i_opflags: the file system has extended attributes. */
const IOP_XATTR = 0x0008;
const INODE_LISTS = ['i_io_list', 'i_lru', 'i_sb_list', 'i_wb_list', 'i_devices'] as const;
/** What inode_init_always() begins with: the file system's cache may hand out an inode that was another before. */
const ZEROS = [
  'i_blocks',
  'i_bytes',
  'i_dio_count.counter',
  'i_dir_seq',
  'i_flctx',
  'i_fsnotify_mask',
  'i_generation',
  'i_ino',
  'i_link',
  'i_pipe',
  'i_private',
  'i_rdev',
  'i_sequence.counter',
  'i_size',
  'i_uid.val',
  'i_gid.val',
  'i_wb_frn_avg_time',
  'i_wb_frn_history',
  'i_wb_frn_winner',
  'i_write_hint',
  'i_writecount.counter',
  'dirtied_when',
] as const;
const MAPPING_ZEROS = [
  'flags',
  'i_mmap_writable.counter',
  'private_data',
  'i_private_data',
  'wb_err',
  'writeback_index',
] as const;

/** What every new struct inode begins with, whoever allocated it (fs/inode.c). */
export class InodeInit implements Subsystem {
  readonly exports = {};
  private emptyTable: Ptr = 0;
  private closedTable: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  /** inode_init_once(): a zeroed inode whose lists are empty. */
  once(inode: Ptr): void {
    const type = this.k.struct('inode');
    this.k.space.writable(inode, type.size).fill(0);
    for (const head of INODE_LISTS) list.init(this.k.space, type.addr(inode, head));
    this.mappingOnce(type.addr(inode, 'i_data'));
  }

  /** address_space_init_once() */
  mappingOnce(mapping: Ptr): void {
    const { k } = this;
    const type = k.struct('address_space');
    for (const head of ['private_list', 'i_private_list'] as const)
      if (type.has(head)) list.init(k.space, type.addr(mapping, head));
    k.get(RwSemaphores).init(type.addr(mapping, 'i_mmap_rwsem'));
  }

  /** inode_init_always(): what every new inode of a file system starts with; `superBlock` is 0 for none. */
  always(inode: Ptr, superBlock: Ptr): void {
    const { k } = this;
    const type = k.struct('inode');
    for (const member of ZEROS) if (type.has(member)) type.set(inode, member, 0);
    type.set(inode, 'i_sb', superBlock);
    type.set(inode, 'i_flags', 0);
    type.set(inode, 'i_opflags', 0);
    if (superBlock !== 0) this.bySuperBlock(inode, superBlock);
    type.set(inode, 'i_count.counter', 1);
    type.set(inode, '__i_nlink', 1);
    type.set(inode, 'i_op', this.noOperations());
    type.set(inode, 'i_fop', this.closedOperations());
    for (const acl of ['i_acl', 'i_default_acl'] as const)
      if (type.has(acl)) type.setBig(inode, acl, ACL_NOT_CACHED);
    k.get(RwSemaphores).init(type.addr(inode, 'i_rwsem'));
    const mapping = type.addr(inode, 'i_data');
    this.mapping(mapping, inode);
    type.set(inode, 'i_mapping', mapping);
  }

  /** What evict() does first: an inode that is about to go is in none of the lists of what is to be written back. */
  *leaveWriteback(inode: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('inode');
    if (list.isEmpty(k.space, type.addr(inode, 'i_io_list'))) return;
    // Only the target's own code puts it there.
    yield* this.callNative('inode_io_list_del', inode);
    const isLocked = waitsByAddress(k);
    const lock = type.addr(inode, 'i_lock');
    if (isLocked) yield* k.callAs('v:p', k.fn('_raw_spin_lock'), lock);
    yield* this.callNative('inode_wait_for_writeback', inode);
    if (isLocked) yield* k.callAs('v:p', k.fn('_raw_spin_unlock'), lock);
  }

  private *callNative(name: string, inode: Ptr): Sleepable<void> {
    const fn = this.k.addressOfNative(name);
    if (fn !== undefined) yield* this.k.callAs('v:p', fn, inode);
  }

  private bySuperBlock(inode: Ptr, superBlock: Ptr): void {
    const type = this.k.struct('inode');
    const supers = this.k.struct('super_block');
    type.set(inode, 'i_blkbits', supers.get(superBlock, 's_blocksize_bits'));
    if (supers.get(superBlock, 's_xattr') !== 0) type.set(inode, 'i_opflags', IOP_XATTR);
  }

  private mapping(mapping: Ptr, host: Ptr): void {
    const { k } = this;
    const type = k.struct('address_space');
    for (const member of MAPPING_ZEROS) if (type.has(member)) type.set(mapping, member, 0);
    type.set(mapping, 'host', host);
    type.set(mapping, 'gfp_mask', GFP_HIGHUSER_MOVABLE);
    if (k.hasSymbol('empty_aops')) type.set(mapping, 'a_ops', k.symbol('empty_aops'));
    if (type.has('invalidate_lock')) k.get(RwSemaphores).init(type.addr(mapping, 'invalidate_lock'));
  }

  /** empty_iops: a table in which there is nothing. */
  private noOperations(): Ptr {
    this.emptyTable ||= this.k.permanent(this.k.sizeOf('inode_operations'));
    return this.emptyTable;
  }

  /** no_open_fops: of files that nobody can open. */
  private closedOperations(): Ptr {
    const type = this.k.struct('file_operations');
    if (this.closedTable === 0) {
      this.closedTable = this.k.permanent(type.size);
      type.bind(this.closedTable, 'open', 'no_open', () => -ENXIO);
    }
    return this.closedTable;
  }
}
