import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EISDIR } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Namei } from './vfs-lookup.js';
import { VnodeOps } from './vfs-vnops.js';
import { Vnodes } from './vnodes.js';
import { VopVectors } from './vop-vectors.js';

/** Zeroes that are written at once. */
const HOLE_BYTES = 65_536;

/** Files that drivers open by their names, and holes in them (sys/kern/vfs_vnops.c). */
export class VnodeOpens implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vn_open: (nd: Ptr, flags: Ptr) => this.open(nd, this.k.space.load32(flags)),
    vn_deallocate: (vp: Ptr, offset: Ptr, length: Ptr, _flags: number, ioflag: number, cred: Ptr) =>
      this.deallocate({ vp, offset, length, ioflag, cred }),
  };

  /** vn_open(): the vnode is locked and used, and the name is the caller's to give back. */
  private *open(nd: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const [type, names] = [k.struct('nameidata'), k.struct('componentname')];
    const cnp = type.addr(nd, 'ni_cnd');
    names.set(cnp, 'cn_flags', names.get(cnp, 'cn_flags') | k.macro('LOCKLEAF'));
    const missing = yield* k.get(Namei).namei(nd);
    if (missing !== 0) return missing;
    const vp = type.get(nd, 'ni_vp');
    const isDirectory = k.struct('vnode').get(vp, 'v_type') === k.enumValue('VDIR');
    const { curthread } = k;
    const cred = k.struct('thread').get(curthread, 'td_ucred');
    const writes = (flags & k.macro('FWRITE')) !== 0;
    const error = isDirectory && writes ? EISDIR : yield* k.get(VnodeOps).open(vp, flags, cred, curthread, 0);
    if (error === 0) return 0;
    yield* k.get(Vnodes).put(vp);
    yield* k.get(Namei).free(cnp);
    return error;
  }

  /** vn_deallocate(): as where a file system makes no holes, zeroes are written. */
  private *deallocate(hole: Hole): Sleepable<number> {
    const { k } = this;
    const { vp, offset, length, ioflag, cred } = hole;
    const [uio, vector] = [k.struct('uio'), k.struct('iovec')];
    const zeroes = k.get(Malloc).malloc(HOLE_BYTES, k.variable('M_TEMP'), k.macro('M_WAITOK'));
    k.space.writable(zeroes, HOLE_BYTES).fill(0);
    const at = k.slab.allocateBytes(uio.size + vector.size, true);
    let error = 0;
    yield* k.get(Vnodes).lock(vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    while (error === 0 && k.space.loadS64(length) > 0) {
      const bytes = Math.min(HOLE_BYTES, k.space.loadS64(length));
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
