import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EPERM } from '../errno.js';
import { Panic } from '../kern/panic.js';
import { Uma } from '../kern/uma.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { VfsOptions } from './vfs-options.js';
import { Vnodes } from './vnodes.js';
import { VopVectors } from './vop-vectors.js';

/** The type bits of a mode for VNON, VREG, VDIR, VBLK, VCHR, VLNK, VSOCK, VFIFO, VBAD, VMARKER (vttoif_tab, sys/kern/vfs_subr.c). */
const MODE_OF_TYPE = [
  0, 0o100000, 0o040000, 0o060000, 0o020000, 0o120000, 0o140000, 0o010000, 0o170000, 0o170000,
];
/** The other way: VNON, VFIFO, VCHR, ... by the mode's upper four bits (iftovt_tab). */
const TYPE_OF_MODE = [0, 7, 4, 0, 2, 0, 3, 0, 1, 0, 5, 0, 6, 0, 0, 8];

/** What a zone calls: nothing. */
const NO_FUNCTIONS = { ctor: 0, dtor: 0, init: 0, fini: 0 };
/** kern.maxvnodes of a machine with half a gigabyte; nobody is refused one. */
const DESIRED_VNODES = 16_384;

/** Smaller things that file systems ask for (sys/kern/vfs_subr.c, vfs_vnops.c, vfs_mount.c). */
export class VnodeSupport implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {
    k.variable('vttoif_tab', 4 * MODE_OF_TYPE.length);
    k.variable('iftovt_tab', TYPE_OF_MODE.length);
    k.variable('vnops', k.sizeOf('fileops'));
  }

  readonly exports = {
    vfs_timestamp: (place: Ptr) => this.timestamp(place),
    vfs_scanopt: (list: Ptr, name: Ptr, format: Ptr, args: VarArgs) => this.scan(list, name, format, args),
    vlazy: () => {},
    vn_rlimit_fsize: () => 0,
    vn_rlimit_fsizex: () => 0,
    vn_rlimit_fsizex_res: () => {},
    vn_rlimit_trunc: () => 0,
    vn_utimes_perm: (_vp: Ptr, _vap: Ptr, cred: Ptr) =>
      this.k.struct('ucred').get(cred, 'cr_uid') === 0 ? 0 : EPERM,
    vn_dir_check_exec: (vp: Ptr, cnp: Ptr) => this.mayExecute(vp, cnp),
    vn_vget_ino_gen: (vp: Ptr, get: Ptr, arg: Ptr, flags: number, place: Ptr) =>
      this.getOther(vp, get, arg, flags, place),
    vattr_null: (vap: Ptr) => this.noValues(vap),
    uma_zone_set_smr: () => {},
    // Buffers for transfers: as many as are asked for.
    pbuf_zsecond_create: (name: Ptr) =>
      this.k.get(Uma).create(this.k.space.cstring(name), this.k.sizeOf('buf'), NO_FUNCTIONS, 0, 0),
  };

  readonly data = {
    vttoif_tab: (at: Ptr) => {
      for (const [i, mode] of MODE_OF_TYPE.entries()) this.k.space.store32(at + 4 * i, mode);
    },
    iftovt_tab: (at: Ptr) => {
      for (const [i, type] of TYPE_OF_MODE.entries()) this.k.space.store8(at + i, type);
    },
    // Functions of open files are TypeScript's: guest code that calls one through the table is stopped.
    vnops: (at: Ptr) =>
      this.k
        .struct('fileops')
        .set(at, 'fo_flags', this.k.macro('DFLAG_PASSABLE') | this.k.macro('DFLAG_SEEKABLE')),
    vfs_smr: () => {},
    // What soft updates have called for buffers: there are none.
    bioops: () => {},
    desiredvnodes: (at: Ptr) => this.k.space.store32(at, DESIRED_VNODES),
    va_null: (at: Ptr) => this.noValues(at),
  };

  /** vattr_null(): VNOVAL, which is -1, in everything. */
  noValues(vap: Ptr): void {
    const { k } = this;
    const type = k.struct('vattr');
    k.space.writable(vap, type.size).fill(0xff);
    type.set(vap, 'va_type', k.enumValue('VNON'));
    type.set(vap, 'va_vaflags', 0);
  }

  /** The time of day, in whole seconds and nanoseconds (vfs.timestamp_precision 3). */
  private timestamp(place: Ptr): void {
    const { k } = this;
    const type = k.struct('timespec');
    const now = k.clock.bootTime + BigInt(Math.floor(k.now()));
    type.set(place, 'tv_sec', Number(now / 1_000_000_000n));
    type.set(place, 'tv_nsec', Number(now % 1_000_000_000n));
  }

  /** Of one number: how many were read. */
  private scan(list: Ptr, name: Ptr, format: Ptr, args: VarArgs): number {
    const { k } = this;
    const text = k.get(VfsOptions).valueOf(list, name);
    if (text === undefined) return 0;
    const pattern = k.space.cstring(format);
    const match = /^%(h|l|j|q)?([doux])$/.exec(pattern);
    if (!match) throw new Panic(`vfs_scanopt of "${pattern}" is not implemented`, 'unimplemented-export');
    const base = match[2] === 'o' ? 8 : match[2] === 'x' ? 16 : 10;
    const value = Number.parseInt(text, base);
    if (Number.isNaN(value)) return 0;
    const place = args.nextPtr();
    if (match[1] === 'h') k.space.store16(place, value & 0xffff);
    else if (match[1] === undefined) k.space.store32(place, value >>> 0);
    else k.space.storeLong(place, value);
    return 1;
  }

  private *mayExecute(vp: Ptr, cnp: Ptr): Sleepable<number> {
    const { k } = this;
    return yield* k.get(VopVectors).call(vp, 'vop_access', {
      a_vp: vp,
      a_accmode: k.macro('VEXEC'),
      a_cred: k.struct('componentname').get(cnp, 'cn_cred'),
      a_td: k.curthread,
    });
  }

  /** Another vnode of the file system while `vp` is locked: for `..`, whose lock comes first in the order. */
  private *getOther(vp: Ptr, get: Ptr, arg: Ptr, flags: number, place: Ptr): Sleepable<number> {
    const { k } = this;
    const mp = k.struct('vnode').get(vp, 'v_mount');
    yield* k.get(Vnodes).unlock(vp);
    const error = yield* k.callAs('i:ppip', get, mp, arg, flags, place);
    yield* k.get(Vnodes).lock(vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    return error;
  }
}
