import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DataNode, DirectoryNode, type FileNode } from '../../kernel/files/index.js';
import { EISDIR, ENOENT, ENXIO, EROFS } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import { Panic } from '../kern/panic.js';
import { Uma } from '../kern/uma.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { RootVnodes } from './root-vnodes.js';
import { VnodeNode, VnodeTree } from './vnode-nodes.js';
import { PATH_BYTES } from './vnode-walk.js';
import { Vnodes } from './vnodes.js';
import { VopVectors } from './vop-vectors.js';

/** Zeroes that are written at once. */
const CHUNK = 65_536;

/** Files that drivers open by their names (sys/kern/vfs_vnops.c): those of mounted file systems, and of the machine's own tree. */
export class VnodeOpens implements Subsystem {
  private zone: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vn_open: (nd: Ptr, flags: Ptr) => this.open(nd, this.k.space.load32(flags)),
    vn_close: (vp: Ptr, flags: number) => this.close(vp, flags),
    vn_deallocate: (vp: Ptr, offset: Ptr, length: Ptr, _flags: number, ioflag: number, cred: Ptr) =>
      this.deallocate({ vp, offset, length, ioflag, cred }),
  };

  readonly data = {
    namei_zone: (at: Ptr) => {
      const none = { ctor: 0, dtor: 0, init: 0, fini: 0 };
      this.zone = this.k.get(Uma).create('NAMEI', PATH_BYTES, none, 7, 0);
      this.k.origins.forget(this.zone);
      this.k.space.storePtr(at, this.zone);
    },
    // No right, in both words of the set: CAPRIGHT(0, 0) and CAPRIGHT(1, 0).
    cap_no_rights: (at: Ptr) => {
      this.k.space.store64(at, 1n << 57n);
      this.k.space.store64(at + 8, 1n << 58n);
    },
  };

  /** vn_open(): the vnode is locked and used, and the name is the caller's to give back. */
  private *open(nd: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('nameidata');
    if (type.get(nd, 'ni_segflg') !== k.enumValue('UIO_SYSSPACE'))
      throw new Panic('vn_open of a name of user memory is not implemented', 'unimplemented-export');
    const found = yield* k.files.resolve(type.string(nd, 'ni_dirp'));
    if (typeof found === 'number') return found;
    if (!found.node) return ENOENT;
    const opened = yield* this.vnodeOf(found.node, flags);
    if ('errno' in opened) return opened.errno;
    type.set(nd, 'ni_vp', opened.vp);
    type.set(nd, 'ni_cnd.cn_pnbuf', yield* k.get(Uma).alloc(this.zone, 0, k.macro('M_WAITOK')));
    return 0;
  }

  private *vnodeOf(
    node: FileNode,
    flags: number,
  ): Sleepable<{ readonly vp: Ptr } | { readonly errno: number }> {
    const { k } = this;
    const writes = (flags & k.macro('FWRITE')) !== 0;
    if (node instanceof VnodeNode) return yield* k.get(VnodeTree).openNode(node, flags);
    if (node instanceof DirectoryNode) return { errno: EISDIR };
    if (!(node instanceof DataNode)) return { errno: ENXIO };
    if (writes && (node.mode & 0o222) === 0) return { errno: EROFS };
    const vp = yield* k.get(RootVnodes).make(node);
    yield* k.get(Vnodes).lock(vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    return { vp };
  }

  private *close(vp: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    if (k.get(RootVnodes).has(vp)) {
      yield* k.get(RootVnodes).release(vp);
      return 0;
    }
    const vectors = k.get(VopVectors);
    yield* k.get(Vnodes).lock(vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    const cred = k.struct('thread').get(k.curthread, 'td_ucred');
    if (flags & k.macro('FWRITE')) yield* vectors.call(vp, 'vop_add_writecount', { a_vp: vp, a_inc: -1 });
    const error = yield* vectors.call(vp, 'vop_close', {
      a_vp: vp,
      a_fflag: flags,
      a_cred: cred,
      a_td: k.curthread,
    });
    yield* k.get(Vnodes).put(vp);
    return error;
  }

  /** vn_deallocate(): as where a file system makes no holes, zeroes are written. */
  private *deallocate(hole: Hole): Sleepable<number> {
    const { k } = this;
    const { vp, offset, length, ioflag, cred } = hole;
    const [uio, vector] = [k.struct('uio'), k.struct('iovec')];
    const zeroes = k.get(Malloc).malloc(CHUNK, k.variable('M_TEMP'), k.macro('M_WAITOK') | k.macro('M_ZERO'));
    k.space.writable(zeroes, CHUNK).fill(0);
    const at = k.slab.allocateBytes(uio.size + vector.size, true);
    let error = 0;
    yield* k.get(Vnodes).lock(vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    while (error === 0 && k.space.loadS64(length) > 0) {
      const bytes = Math.min(CHUNK, k.space.loadS64(length));
      vector.set(at + uio.size, 'iov_base', zeroes);
      vector.set(at + uio.size, 'iov_len', bytes);
      uio.set(at, 'uio_iov', at + uio.size);
      uio.set(at, 'uio_iovcnt', 1);
      uio.set(at, 'uio_offset', k.space.loadS64(offset));
      uio.set(at, 'uio_resid', bytes);
      uio.set(at, 'uio_segflg', k.enumValue('UIO_SYSSPACE'));
      uio.set(at, 'uio_rw', k.enumValue('UIO_WRITE'));
      uio.set(at, 'uio_td', k.curthread);
      const request = { a_vp: vp, a_uio: at, a_ioflag: ioflag, a_cred: cred };
      error = yield* k.get(VopVectors).call(vp, 'vop_write', request);
      k.space.storeLong(offset, k.space.loadS64(offset) + bytes);
      k.space.storeLong(length, k.space.loadS64(length) - bytes);
    }
    yield* k.get(Vnodes).unlock(vp);
    k.slab.free(at);
    k.get(Malloc).free(zeroes, k.variable('M_TEMP'));
    return error;
  }
}

interface Hole {
  readonly vp: Ptr;
  /** off_t that are moved on. */
  readonly offset: Ptr;
  readonly length: Ptr;
  readonly ioflag: number;
  readonly cred: Ptr;
}
