import type { Ptr } from '../../../cpu/layout.js';
import { PAGE_SHIFT, PAGE_SIZE } from '../../../cpu/layout.js';
import { S_IFDIR } from '../../../files/mode.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { ENOMEM } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { MAX_LFS_FILESIZE } from '../flags.js';
import { Dcache } from './dcache.js';
import { InodeExports } from './inode-exports.js';
import { Inodes } from './inodes.js';
import { LibFs } from './libfs.js';
import { SuperBlocks } from './super.js';

const SB_NOUSER = 1 << 31;
/** inode.i_flags: of the kernel's own. */
const S_PRIVATE = 1 << 9;

/** File systems that user space cannot mount, whose files have no names: of pipes, sockets, buffers (fs/libfs.c). */
export class PseudoFileSystems implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    init_pseudo: (context: Ptr, magic: number) => this.init(context, magic),
    pseudo_fs_free: (context: Ptr) =>
      this.k.slab.free(this.k.struct('fs_context').get(context, 'fs_private')),
    pseudo_fs_get_tree: (context: Ptr) =>
      this.k.get(SuperBlocks).getTree(context, (superBlock) => this.fill(superBlock, context), 'new'),
    pseudo_fs_fill_super: (superBlock: Ptr, context: Ptr) => this.fill(superBlock, context),
    alloc_anon_inode: (superBlock: Ptr) => this.allocateAnonymous(superBlock),
  };

  /** init_pseudo(): makes a context one of a pseudo file system; what the caller may still fill in, or 0. */
  private init(context: Ptr, magic: number): Ptr {
    const { k } = this;
    const type = k.struct('pseudo_fs_context');
    const pseudo = k.slab.allocateBytes(type.size, true);
    if (pseudo === 0) return 0;
    type.set(pseudo, 'magic', magic);
    const contexts = k.struct('fs_context');
    contexts.set(context, 'fs_private', pseudo);
    contexts.set(context, 'ops', this.contextOperations());
    contexts.set(context, 'sb_flags', (contexts.get(context, 'sb_flags') | SB_NOUSER) >>> 0);
    contexts.set(context, 'global', 1);
    return pseudo;
  }

  private contextOperations(): Ptr {
    if (this.operations === 0) {
      const { k } = this;
      const type = k.struct('fs_context_operations');
      this.operations = k.permanent(type.size);
      type.set(this.operations, 'free', k.fn('pseudo_fs_free'));
      type.set(this.operations, 'get_tree', k.fn('pseudo_fs_get_tree'));
    }
    return this.operations;
  }

  private operations: Ptr = 0;

  private *fill(superBlock: Ptr, context: Ptr): Sleepable<number> {
    const { k } = this;
    const pseudo = k.struct('fs_context').get(context, 'fs_private');
    const from = k.struct('pseudo_fs_context');
    const type = k.struct('super_block');
    type.setBig(superBlock, 's_maxbytes', MAX_LFS_FILESIZE);
    type.set(superBlock, 's_blocksize', PAGE_SIZE);
    type.set(superBlock, 's_blocksize_bits', PAGE_SHIFT);
    type.setBig(superBlock, 's_magic', from.getBig(pseudo, 'magic'));
    type.set(superBlock, 's_op', from.get(pseudo, 'ops') || k.get(LibFs).superOperations());
    type.set(superBlock, 's_xattr', from.get(pseudo, 'xattr'));
    type.set(superBlock, 's_time_gran', 1);
    const root = yield* k.get(Inodes).create(superBlock);
    if (root === 0) return -ENOMEM;
    k.struct('inode').set(root, 'i_ino', 1);
    k.struct('inode').set(root, 'i_mode', S_IFDIR | 0o600);
    const dentry = k.get(Dcache).alloc(0, '/', superBlock);
    k.get(Dcache).instantiate(dentry, root);
    type.set(superBlock, 's_root', dentry);
    type.set(superBlock, 's_d_op', from.get(pseudo, 'dops'));
    return 0;
  }

  /** alloc_anon_inode(): an inode for a file without a name, on no list. */
  private *allocateAnonymous(superBlock: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const inode = yield* k.get(Inodes).alloc(superBlock);
    if (inode === 0) return errPtr(ENOMEM);
    const type = k.struct('inode');
    type.set(inode, 'i_ino', k.get(InodeExports).takeNumber());
    // All kinds of dirty, so that nobody puts the inode on a list of dirty ones.
    type.set(inode, 'i_state', this.k.get(Inodes).states.I_DIRTY);
    type.set(inode, 'i_mode', 0o600);
    type.set(inode, 'i_flags', type.get(inode, 'i_flags') | S_PRIVATE);
    return inode;
  }
}
