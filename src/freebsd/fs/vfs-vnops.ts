import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import { ENOENT, ENOMEM, ENXIO } from '../errno.js';
import { Conf } from '../kern/conf.js';
import { kvprintf } from '../kern/format.js';
import { Malloc } from '../kern/malloc.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { RootVnodes } from './root-vnodes.js';
import { PATH_BYTES } from './vnode-walk.js';
import { Vnodes } from './vnodes.js';
import { VopVectors } from './vop-vectors.js';

/** One of a pair of vnodes that are to be locked. */
interface PairLock {
  readonly vp: Ptr;
  readonly locked: boolean;
  readonly flags: number;
}

/** ZERO_REGION_SIZE (sys/amd64/include/vmparam.h). */
const ZEROES = 64 * 1024;

/** Opening, closing and naming vnodes (sys/kern/vfs_vnops.c, vfs_cache.c). */
export class VnodeOps implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {
    const at = k.permanent(ZEROES);
    k.space.storePtr(k.variable('zero_region'), at);
  }

  readonly exports = {
    vn_open_vnode: (vp: Ptr, mode: number, cred: Ptr, thread: Ptr, file: Ptr) =>
      this.open(vp, mode, cred, thread, file),
    vn_close: (vp: Ptr, flags: number, cred: Ptr, thread: Ptr) => this.close(vp, flags, cred, thread),
    vn_lock_pair: (a: Ptr, aLocked: boolean, aFlags: number, b: Ptr, bLocked: boolean, bFlags: number) =>
      this.lockPair(
        { vp: a, locked: Boolean(aLocked), flags: aFlags },
        { vp: b, locked: Boolean(bLocked), flags: bFlags },
      ),
    vn_vget_ino: (vp: Ptr, ino: number, flags: number, place: Ptr) => this.getByNumber(vp, ino, flags, place),
    vn_printf: (vp: Ptr, format: Ptr, args: VarArgs) => this.print(vp, format, args),
    vn_fullpath: (vp: Ptr, place: Ptr, buffer: Ptr) => this.fullPath(vp, place, buffer),
    vn_fullpath_global: (vp: Ptr, place: Ptr, buffer: Ptr) => this.fullPath(vp, place, buffer),
    // Ranges of files are not locked apart: vnodes are locked as a whole, and one thread runs at a time.
    rangelock_rlock: partly('ranges of files are not locked', (lock: Ptr) => lock),
    rangelock_wlock: partly('ranges of files are not locked', (lock: Ptr) => lock),
    rangelock_unlock: () => {},
    fifo_printinfo: () => 0,
    vn_isdisk: (vp: Ptr) => this.diskError(vp) === 0,
    vn_isdisk_error: (vp: Ptr, place: Ptr) => {
      this.k.space.store32(place, this.diskError(vp));
      return this.diskError(vp) === 0;
    },
    // No policy of the MAC framework (sys/security/mac/mac_vfs.c) says anything of vnodes.
    mac_vnode_check_readdir: () => 0,
    mac_vnode_check_open_impl: () => 0,
    mac_vnode_check_stat_impl: () => 0,
  };

  readonly signatures = {
    mac_vnode_check_readdir: 'i:pp',
    mac_vnode_check_open_impl: 'i:ppu',
    mac_vnode_check_stat_impl: 'i:ppp',
  };

  readonly data = {
    zero_region: () => {},
    mac_vnode_check_open_fp_flag: () => {},
    mac_vnode_check_stat_fp_flag: () => {},
  };

  private call(vp: Ptr, operation: string, args: Readonly<Record<string, number>>): Sleepable<number> {
    return this.k.get(VopVectors).call(vp, operation, args);
  }

  /** Of a vnode that is locked: who may, and what the file system says. */
  *open(vp: Ptr, mode: number, cred: Ptr, thread: Ptr, file: Ptr): Sleepable<number> {
    const { k } = this;
    const isSet = (name: string): boolean => (mode & k.macro(name)) !== 0;
    const accmode = (isSet('FREAD') ? k.macro('VREAD') : 0) | (isSet('FWRITE') ? k.macro('VWRITE') : 0);
    const common = { a_vp: vp, a_cred: cred, a_td: thread };
    const refused = yield* this.call(vp, 'vop_access', { ...common, a_accmode: accmode });
    if (refused !== 0) return refused;
    const failed = yield* this.call(vp, 'vop_open', { ...common, a_mode: mode, a_fp: file });
    if (failed !== 0 || !isSet('FWRITE')) return failed;
    return yield* this.call(vp, 'vop_add_writecount', { a_vp: vp, a_inc: 1 });
  }

  private *close(vp: Ptr, flags: number, cred: Ptr, thread: Ptr): Sleepable<number> {
    const { k } = this;
    yield* k.get(Vnodes).lock(vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    if (flags & k.macro('FWRITE')) yield* this.call(vp, 'vop_add_writecount', { a_vp: vp, a_inc: -1 });
    const error = yield* this.call(vp, 'vop_close', {
      a_vp: vp,
      a_fflag: flags,
      a_cred: cred,
      a_td: thread,
    });
    yield* k.get(Vnodes).put(vp);
    return error;
  }

  /** 0 for a disk, or why a vnode is none. */
  private diskError(vp: Ptr): number {
    const { k } = this;
    const type = k.struct('vnode');
    if (type.get(vp, 'v_type') !== k.enumValue('VCHR')) return k.macro('ENOTBLK');
    const devsw = k.get(Conf).devswOf(type.get(vp, 'v_rdev'));
    if (devsw === 0) return ENXIO;
    return k.struct('cdevsw').get(devsw, 'd_flags') & k.macro('D_DISK') ? 0 : k.macro('ENOTBLK');
  }

  /** Both, in whichever order they are to be had: nobody waits for one with the other locked. */
  private *lockPair(first: PairLock, second: PairLock): Sleepable<void> {
    const { k } = this;
    const vnodes = k.get(Vnodes);
    const [a, b] = first.locked || !second.locked ? [first, second] : [second, first];
    const retry = k.macro('LK_RETRY');
    if (a.vp !== 0 && !a.locked) yield* vnodes.lock(a.vp, a.flags | retry);
    if (b.vp === 0 || b.locked || b.vp === a.vp) return;
    let [held, wanted] = [a, b];
    while ((yield* vnodes.lock(wanted.vp, wanted.flags | retry | k.macro('LK_NOWAIT'))) !== 0) {
      if (held.vp !== 0) yield* vnodes.unlock(held.vp);
      yield* vnodes.lock(wanted.vp, wanted.flags | retry);
      if (held.vp === 0) return;
      [held, wanted] = [wanted, held];
    }
  }

  private *getByNumber(vp: Ptr, ino: number, flags: number, place: Ptr): Sleepable<number> {
    const { k } = this;
    const mp = k.struct('vnode').get(vp, 'v_mount');
    yield* k.get(Vnodes).unlock(vp);
    const error = yield* k
      .struct('vfsops')
      .call(k.struct('mount').get(mp, 'mnt_op'), 'vfs_vget', mp, ino, flags, place);
    yield* k.get(Vnodes).lock(vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    return error;
  }

  private print(vp: Ptr, format: Ptr, args: VarArgs): void {
    const { k } = this;
    const type = k.struct('vnode');
    const [uses, holds] = [type.get(vp, 'v_usecount'), type.get(vp, 'v_holdcnt')];
    const text = kvprintf(k.space, k.space.cstring(format), args);
    const address = k.space.toAddress(vp).toString(16);
    k.get(SubrPrf).line(`${text}0x${address}: usecount ${uses}, holdcnt ${holds}`);
  }

  /** A path from the root, in memory of M_TEMP that the caller frees. */
  private *fullPath(vp: Ptr, place: Ptr, buffer: Ptr): Sleepable<number> {
    const { k } = this;
    const path = yield* this.pathOf(vp);
    if (typeof path === 'number') return path;
    const at = k.get(Malloc).malloc(PATH_BYTES, k.variable('M_TEMP'), k.macro('M_WAITOK'));
    if (path.length >= PATH_BYTES) {
      k.get(Malloc).free(at, k.variable('M_TEMP'));
      return ENOMEM;
    }
    k.space.storeCstring(at, path);
    k.space.storePtr(place, at);
    k.space.storePtr(buffer, at);
    return 0;
  }

  /** By the names that file systems tell of their vnodes (VOP_VPTOCNP()), up to where they are mounted. */
  private *pathOf(vp: Ptr): Sleepable<string | number> {
    const { k } = this;
    const known = k.get(RootVnodes).entryOf(vp)?.path;
    if (known !== undefined) return known;
    const type = k.struct('vnode');
    const mp = type.get(vp, 'v_mount');
    if (mp === 0) return ENOENT;
    if (type.get(vp, 'v_vflag') & k.macro('VV_ROOT'))
      return k.struct('mount').text(mp, 'mnt_stat.f_mntonname');
    const walk = this;
    return yield* withScratch(k, 16 + PATH_BYTES, function* (at): Sleepable<string | number> {
      const [text, length] = [at + 16, at + 8];
      k.space.storeLong(length, PATH_BYTES);
      const args = { a_vp: vp, a_vpp: at, a_buf: text, a_buflen: length };
      const error = yield* walk.call(vp, 'vop_vptocnp', args);
      if (error !== 0) return error;
      const start = k.space.loadU64(length);
      const name = new TextDecoder().decode(k.space.bytes.slice(text + start, text + PATH_BYTES));
      const above = yield* walk.pathOf(k.space.loadPtr(at));
      yield* k.get(Vnodes).rele(k.space.loadPtr(at));
      return typeof above === 'number' ? above : `${above === '/' ? '' : above}/${name}`;
    });
  }
}
