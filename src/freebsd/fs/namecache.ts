import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOTDIR, EROFS } from '../errno.js';
import { Malloc } from '../kern/malloc.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { VopVectors } from './vop-vectors.js';

/** The cache of names (sys/kern/vfs_cache.c): it keeps none, so that file systems are asked each time. */
export class Namecache implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vfs_cache_lookup: (args: Ptr) => this.lookup(args),
    cache_enter_time: () => {},
    cache_enter_time_flags: () => {},
    cache_purge: () => {},
    cache_purge_vgone: () => {},
    cache_purge_negative: () => {},
    cache_vop_rename: () => {},
    cache_vop_rmdir: () => {},
    cache_symlink_alloc: (size: number, flags: number) =>
      this.k.get(Malloc).malloc(size, this.k.variable('M_TEMP'), flags),
    cache_symlink_free: (text: Ptr) => this.k.get(Malloc).free(text, this.k.variable('M_TEMP')),
  };

  readonly signatures = { vfs_cache_lookup: 'i:p' };

  /** A directory that may be searched is; on a file system that is read only nothing is taken away. */
  private *lookup(args: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('vop_lookup_args');
    const name = k.struct('componentname');
    const vnode = k.struct('vnode');
    const [dvp, place, cnp] = ['a_dvp', 'a_vpp', 'a_cnp'].map((member) => type.get(args, member));
    k.space.storePtr(place, 0);
    if (vnode.get(dvp, 'v_type') !== k.enumValue('VDIR')) return ENOTDIR;
    const mp = vnode.get(dvp, 'v_mount');
    const readOnly = (k.struct('mount').get(mp, 'mnt_flag') & k.macro('MNT_RDONLY')) !== 0;
    const operation = name.get(cnp, 'cn_nameiop');
    const takes = operation === k.enumValue('DELETE') || operation === k.enumValue('RENAME');
    const isLast = (name.get(cnp, 'cn_flags') & k.macro('ISLASTCN')) !== 0;
    if (isLast && readOnly && takes) return EROFS;
    const error = yield* k.get(VopVectors).call(dvp, 'vop_access', {
      a_vp: dvp,
      a_accmode: k.macro('VEXEC'),
      a_cred: name.get(cnp, 'cn_cred'),
      a_td: k.curthread,
    });
    if (error !== 0) return error;
    return yield* k.get(VopVectors).call(dvp, 'vop_cachedlookup', { a_dvp: dvp, a_vpp: place, a_cnp: cnp });
  }
}
