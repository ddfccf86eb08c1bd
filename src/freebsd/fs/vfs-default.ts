import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import {
  EACCES,
  EAGAIN,
  EBADF,
  EINVAL,
  EIO,
  EJUSTRETURN,
  ENOENT,
  ENOTDIR,
  ENOTTY,
  ENXIO,
  EOPNOTSUPP,
} from '../errno.js';
import { Lockmgr } from '../kern/lockmgr.js';
import { Panic } from '../kern/panic.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Vnodes } from './vnodes.js';
import { VopVectors } from './vop-vectors.js';

/** What file systems have that leave an operation out: default_vnodeops (sys/kern/vfs_default.c). Everything else is EOPNOTSUPP. */
const DEFAULTS: Readonly<Record<string, string>> = {
  vop_bypass: 'vop_eopnotsupp',
  vop_access: 'vop_stdaccess',
  vop_accessx: 'vop_stdaccessx',
  vop_add_writecount: 'vop_stdadd_writecount',
  vop_close: 'vop_null',
  vop_fsync: 'vop_null',
  vop_getwritemount: 'vop_stdgetwritemount',
  vop_inactive: 'vop_null',
  vop_need_inactive: 'vop_stdneed_inactive',
  vop_ioctl: 'vop_stdioctl',
  vop_islocked: 'vop_stdislocked',
  vop_is_text: 'vop_stdis_text',
  vop_set_text: 'vop_stdset_text',
  vop_unset_text: 'vop_stdunset_text',
  vop_lock1: 'vop_stdlock',
  vop_lookup: 'vop_nolookup',
  vop_open: 'vop_null',
  vop_pathconf: 'vop_einval',
  vop_poll: 'vop_nopoll',
  vop_readlink: 'vop_einval',
  vop_read_pgcache: 'vop_stdread_pgcache',
  vop_revoke: 'vop_panic',
  vop_stat: 'vop_stdstat',
  vop_unlock: 'vop_stdunlock',
  vop_vptocnp: 'vop_enoent',
  vop_vput_pair: 'vop_stdvput_pair',
};

/** What is left of a vnode that is dead (sys/fs/deadfs/dead_vnops.c). */
const DEAD: Readonly<Record<string, string>> = {
  vop_access: 'vop_ebadf',
  vop_advlock: 'vop_ebadf',
  vop_bmap: 'vop_ebadf',
  vop_create: 'vop_panic',
  vop_getattr: 'vop_ebadf',
  vop_inactive: 'vop_null',
  vop_ioctl: 'vop_ebadf',
  vop_link: 'vop_panic',
  vop_lookup: 'dead_lookup',
  vop_mkdir: 'vop_panic',
  vop_mknod: 'vop_panic',
  vop_open: 'dead_open',
  vop_pathconf: 'vop_ebadf',
  vop_read: 'dead_read',
  vop_readdir: 'vop_ebadf',
  vop_readlink: 'vop_ebadf',
  vop_reclaim: 'vop_null',
  vop_remove: 'vop_panic',
  vop_rename: 'vop_panic',
  vop_rmdir: 'vop_panic',
  vop_setattr: 'vop_ebadf',
  vop_symlink: 'vop_panic',
  vop_vptocnp: 'vop_ebadf',
  vop_write: 'dead_write',
};

/** Named pipes: none can be opened. */
const FIFO: Readonly<Record<string, string>> = { vop_open: 'vop_eopnotsupp', vop_read: 'vop_eopnotsupp' };

const always = (errno: number) => (): number => errno;

/** Operations that file systems share, and the vectors of those that are none. */
export class VfsDefault implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vop_null: always(0),
    vop_einval: always(EINVAL),
    vop_ebadf: always(EBADF),
    vop_enoent: always(ENOENT),
    vop_enotty: always(ENOTTY),
    vop_eopnotsupp: always(EOPNOTSUPP),
    vop_eagain: always(EAGAIN),
    vop_panic: (args: Ptr): never => {
      const desc = this.k.space.loadPtr(args);
      throw new Panic(
        `filesystem goof: ${this.k.struct('vnodeop_desc').string(desc, 'vdesc_name')}[vop_panic]`,
      );
    },
    vop_lock: (args: Ptr) => this.lock(args),
    vop_stdlock: (args: Ptr) => this.lock(args),
    vop_unlock: (args: Ptr) => this.unlock(args),
    vop_stdunlock: (args: Ptr) => this.unlock(args),
    vop_islocked: (args: Ptr) => this.isLocked(args),
    vop_stdislocked: (args: Ptr) => this.isLocked(args),
    vop_stdaccess: (args: Ptr) => this.access('vop_access', 'vop_accessx', args),
    vop_stdaccessx: (args: Ptr) => this.access('vop_accessx', 'vop_access', args),
    vop_stdadd_writecount: (args: Ptr) => this.addWriteCount(args),
    vop_stdadd_writecount_nomsync: (args: Ptr) => this.addWriteCount(args),
    vop_stdgetwritemount: (args: Ptr) => this.writeMount(args),
    vop_stdneed_inactive: always(1),
    vop_stdadvlockpurge: always(0),
    vop_stdioctl: always(ENOTTY),
    vop_stdis_text: (args: Ptr) => Number(this.writeCount(this.vpOf('vop_is_text', args)) < 0),
    vop_nolookup: (args: Ptr) => this.noLookup(args, ENOTDIR),
    vop_nopoll: (args: Ptr) => this.k.struct('vop_poll_args').get(args, 'a_events') & this.alwaysReady,
    vop_stdread_pgcache: always(EJUSTRETURN),
    vop_stdpathconf: (args: Ptr) => this.pathconf(args),
    vop_stdfsync: always(0),
    vop_stdvput_pair: (args: Ptr) => this.putPair(args),
    dead_lookup: (args: Ptr) => this.noLookup(args, ENOTDIR),
    dead_open: always(ENXIO),
    dead_read: always(EIO),
    dead_write: always(EIO),
    vaccess: (vnodeType: number, mode: number, uid: number, gid: number, accmode: number, cred: Ptr) =>
      this.vaccess({ vnodeType, mode, uid, gid, accmode, cred }),
  };

  readonly signatures = Object.fromEntries(
    Object.keys(this.exports)
      .filter((name) => name !== 'vaccess')
      .map((name) => [name, 'i:p']),
  );

  readonly data = {
    default_vnodeops: (at: Ptr) => this.fill(at, DEFAULTS, 0),
    dead_vnodeops: (at: Ptr) => this.fill(at, DEAD, this.k.variable('default_vnodeops')),
    fifo_specops: (at: Ptr) => this.fill(at, FIFO, this.k.variable('default_vnodeops')),
  };

  boot(): void {
    for (const name of Object.keys(this.data)) this.k.get(VopVectors).register(this.k.variable(name));
  }

  private fill(at: Ptr, operations: Readonly<Record<string, string>>, otherwise: Ptr): void {
    const type = this.k.struct('vop_vector');
    type.set(at, 'vop_default', otherwise);
    for (const [member, name] of Object.entries(operations)) type.set(at, member, this.k.fn(name));
  }

  private vpOf(operation: string, args: Ptr): Ptr {
    return this.k.struct(`${operation}_args`).get(args, 'a_vp');
  }

  private lockOf(vp: Ptr): Ptr {
    return this.k.struct('vnode').get(vp, 'v_vnlock');
  }

  private *lock(args: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('vop_lock1_args');
    const vp = type.get(args, 'a_vp');
    return yield* k.get(Lockmgr).request({
      lock: this.lockOf(vp),
      flags: type.get(args, 'a_flags'),
      interlock: k.struct('vnode').addr(vp, 'v_interlock'),
      place: { file: type.get(args, 'a_file'), line: type.get(args, 'a_line') },
    });
  }

  private unlock(args: Ptr): number {
    return this.k.get(Lockmgr).release(this.lockOf(this.vpOf('vop_unlock', args)));
  }

  private isLocked(args: Ptr): number {
    return this.k.get(Lockmgr).status(this.lockOf(this.vpOf('vop_islocked', args)));
  }

  private *access(from: string, to: string, args: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct(`${from}_args`);
    const vp = type.get(args, 'a_vp');
    return yield* k.get(VopVectors).call(vp, to, {
      a_vp: vp,
      a_accmode: type.get(args, 'a_accmode'),
      a_cred: type.get(args, 'a_cred'),
      a_td: type.get(args, 'a_td'),
    });
  }

  private writeCount(vp: Ptr): number {
    return this.k.struct('vnode').get(vp, 'v_writecount');
  }

  /** ETXTBSY for a file that runs. */
  private addWriteCount(args: Ptr): number {
    const type = this.k.struct('vop_add_writecount_args');
    const vp = type.get(args, 'a_vp');
    if (this.writeCount(vp) < 0) return this.k.macro('ETXTBSY');
    this.k.struct('vnode').set(vp, 'v_writecount', this.writeCount(vp) + type.get(args, 'a_inc'));
    return 0;
  }

  private writeMount(args: Ptr): number {
    const { k } = this;
    const type = k.struct('vop_getwritemount_args');
    const mp = k.struct('vnode').get(type.get(args, 'a_vp'), 'v_mount');
    if (mp !== 0) k.struct('mount').set(mp, 'mnt_ref', k.struct('mount').get(mp, 'mnt_ref') + 1);
    k.space.storePtr(type.get(args, 'a_mpp'), mp);
    return 0;
  }

  private noLookup(args: Ptr, errno: number): number {
    this.k.space.storePtr(this.k.struct('vop_lookup_args').get(args, 'a_vpp'), 0);
    return errno;
  }

  private get alwaysReady(): number {
    const { k } = this;
    return k.macro('POLLIN') | k.macro('POLLRDNORM') | k.macro('POLLOUT') | k.macro('POLLWRNORM');
  }

  private pathconf(args: Ptr): number {
    const { k } = this;
    const type = k.struct('vop_pathconf_args');
    const values: Readonly<Record<string, number>> = {
      _PC_PATH_MAX: k.macro('PATH_MAX'),
      _PC_ACL_EXTENDED: 0,
      _PC_ACL_NFS4: 0,
      _PC_CAP_PRESENT: 0,
      _PC_INF_PRESENT: 0,
      _PC_MAC_PRESENT: 0,
    };
    const wanted = type.get(args, 'a_name');
    const name = Object.keys(values).find((one) => k.macro(one) === wanted);
    if (name === undefined) return EINVAL;
    k.space.storeLong(type.get(args, 'a_retval'), values[name]);
    return 0;
  }

  private *putPair(args: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('vop_vput_pair_args');
    const place = type.get(args, 'a_vpp');
    yield* k.get(Vnodes).put(type.get(args, 'a_dvp'));
    const vp = place === 0 ? 0 : k.space.loadPtr(place);
    if (vp !== 0 && type.get(args, 'a_unlock_vp') !== 0) yield* k.get(Vnodes).put(vp);
    return 0;
  }

  /** vaccess(): by owner, group and others; root may do all, but execute what nobody may. */
  vaccess({ vnodeType, mode, uid, gid, accmode, cred }: Access): number {
    const { k } = this;
    const bit = (name: string): boolean => (accmode & k.macro(name)) !== 0;
    const type = k.struct('ucred');
    const isRoot = type.get(cred, 'cr_uid') === 0;
    const executable = vnodeType === k.enumValue('VDIR') || (mode & 0o111) !== 0;
    if (isRoot) return bit('VEXEC') && !executable ? EACCES : 0;
    const groups = type.get(cred, 'cr_groups');
    const inGroup = Array.from({ length: type.get(cred, 'cr_ngroups') }, (_, i) =>
      k.space.load32(groups + 4 * i),
    ).includes(gid);
    const owner = type.get(cred, 'cr_uid') === uid;
    const granted = (owner ? mode >> 6 : inGroup ? mode >> 3 : mode) & 7;
    if (bit('VADMIN') && !owner) return k.macro('EPERM');
    const wanted =
      (bit('VREAD') ? 4 : 0) | (bit('VWRITE') || bit('VAPPEND') ? 2 : 0) | (bit('VEXEC') ? 1 : 0);
    return (granted & wanted) === wanted ? 0 : EACCES;
  }
}

export interface Access {
  readonly vnodeType: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly accmode: number;
  readonly cred: Ptr;
}
