import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, ENOENT } from '../errno.js';
import { Lockmgr } from '../kern/lockmgr.js';
import { Locks } from '../kern/locks.js';
import { Mutexes } from '../kern/mutex.js';
import { Panic } from '../kern/panic.js';
import { RwLocks } from '../kern/rwlock.js';
import { Tailq } from '../kern/tailq.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { MountStructs } from './mount-structs.js';
import { VopVectors } from './vop-vectors.js';

/** vnode(9): what files of mounted file systems are (sys/kern/vfs_subr.c). A vnode nobody uses stays until its file system or a flush wants it gone. */
export class Vnodes implements Subsystem {
  private readonly known = new Set<Ptr>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    getnewvnode: (tag: Ptr, mp: Ptr, vector: Ptr, place: Ptr) => this.make(tag, mp, vector, place),
    getnewvnode_reserve: () => {},
    getnewvnode_drop_reserve: () => {},
    insmntque: (vp: Ptr, mp: Ptr) => this.insert(vp, mp, true),
    insmntque1: (vp: Ptr, mp: Ptr) => this.insert(vp, mp, false),
    vref: (vp: Ptr) => this.use(vp),
    vrefact: (vp: Ptr) => this.use(vp),
    vget: (vp: Ptr, flags: number) => this.get(vp, flags),
    vget_prep: (vp: Ptr) => this.prepare(vp),
    vget_finish: (vp: Ptr, flags: number, state: number) => this.finish(vp, flags, state),
    vget_abort: (vp: Ptr, state: number) => this.abort(vp, state),
    vrele: (vp: Ptr) => this.rele(vp),
    vput: (vp: Ptr) => this.put(vp),
    vunref: (vp: Ptr) => this.rele(vp),
    vhold: (vp: Ptr) => this.hold(vp),
    vholdnz: (vp: Ptr) => this.hold(vp),
    vdrop: (vp: Ptr) => this.drop(vp),
    vdropl: (vp: Ptr) => {
      this.k.get(Mutexes).unlock(this.type.addr(vp, 'v_interlock'));
      this.drop(vp);
    },
    vgone: (vp: Ptr) => this.gone(vp),
    vrecycle: (vp: Ptr) => this.recycle(vp),
    vflush: (mp: Ptr, rootRefs: number, flags: number) => this.flush(mp, rootRefs, flags),
    _vn_lock: (vp: Ptr, flags: number, file: Ptr, line: number) => this.lock(vp, flags, file, line),
    vn_irflag_set: (vp: Ptr, flags: number) => this.setFlags(vp, flags),
    vn_irflag_set_locked: (vp: Ptr, flags: number) => this.setFlags(vp, flags),
    vn_irflag_set_cond: (vp: Ptr, flags: number) => this.setFlags(vp, flags),
    // Nothing of a file is in pages that wait to be written.
    vn_need_pageq_flush: () => 0,
    vnode_create_vobject: partly('makes no VM object, so that the file cannot be mapped', () => 0),
    vn_seqc_write_begin: (vp: Ptr) => this.changeSequence(vp, 1),
    vn_seqc_write_end: (vp: Ptr) => this.changeSequence(vp, -1),
  };

  private get type() {
    return this.k.struct('vnode');
  }

  private make(tag: Ptr, _mp: Ptr, vector: Ptr, place: Ptr): number {
    const { k, type } = this;
    const vp = k.slab.allocateBytes(type.size, true);
    type.set(vp, 'v_type', k.enumValue('VNON'));
    type.set(vp, 'v_state', k.enumValue('VSTATE_UNINITIALIZED'));
    type.set(vp, 'v_op', vector);
    type.set(vp, 'v_holdcnt', 1);
    type.set(vp, 'v_usecount', 1);
    type.set(vp, 'v_vnlock', type.addr(vp, 'v_lock'));
    k.get(Lockmgr).init(type.addr(vp, 'v_lock'), {
      name: tag,
      flags: k.macro('LK_NOSHARE') | k.macro('LK_NEW'),
    });
    const isNew = k.macro('MTX_NEW');
    k.get(Mutexes).init(type.addr(vp, 'v_interlock'), k.constantString('vnode interlock'), isNew);
    k.get(RwLocks).init(
      type.addr(vp, 'v_bufobj.bo_lock'),
      k.constantString('bufobj interlock'),
      k.macro('RW_NEW'),
    );
    type.set(vp, 'v_bufobj.bo_private', vp);
    for (const head of ['v_cache_dst', 'v_bufobj.bo_clean.bv_hd', 'v_bufobj.bo_dirty.bv_hd'])
      new Tailq(k, type.addr(vp, head), 0).init();
    this.known.add(vp);
    k.origins.note(vp);
    k.space.storePtr(place, vp);
    return 0;
  }

  private list(mp: Ptr): Tailq {
    return new Tailq(
      this.k,
      this.k.struct('mount').addr(mp, 'mnt_nvnodelist'),
      this.type.offsetOf('v_nmntvnodes'),
    );
  }

  /** Vnodes of a file system. */
  of(mp: Ptr): readonly Ptr[] {
    return [...this.list(mp).entries()];
  }

  /** insmntque(): a file system that is being unmounted takes no more, and the vnode is destroyed where it is to be. */
  private *insert(vp: Ptr, mp: Ptr, destroys: boolean): Sleepable<number> {
    const { k, type } = this;
    const mount = k.struct('mount');
    const unmounts = (mount.get(mp, 'mnt_kern_flag') & k.macro('MNTK_UNMOUNT')) !== 0;
    if (unmounts && (type.get(vp, 'v_vflag') & k.macro('VV_FORCEINSMQ')) === 0) {
      if (!destroys) return EBUSY;
      type.set(vp, 'v_data', 0);
      type.set(vp, 'v_op', k.variable('dead_vnodeops'));
      yield* this.gone(vp);
      yield* this.put(vp);
      return EBUSY;
    }
    type.set(vp, 'v_mount', mp);
    mount.set(mp, 'mnt_ref', mount.get(mp, 'mnt_ref') + 1);
    mount.set(mp, 'mnt_nvnodelistsize', mount.get(mp, 'mnt_nvnodelistsize') + 1);
    this.list(mp).append(vp);
    return 0;
  }

  private leave(vp: Ptr): void {
    const mount = this.k.struct('mount');
    const mp = this.type.get(vp, 'v_mount');
    if (mp === 0) return;
    this.list(mp).remove(vp);
    mount.set(mp, 'mnt_nvnodelistsize', mount.get(mp, 'mnt_nvnodelistsize') - 1);
    mount.set(mp, 'mnt_ref', mount.get(mp, 'mnt_ref') - 1);
    this.type.set(vp, 'v_mount', 0);
  }

  private count(vp: Ptr, member: 'v_usecount' | 'v_holdcnt', change: number): number {
    if (!this.known.has(vp))
      throw new Panic(`0x${this.k.space.toAddress(vp).toString(16)} is no vnode`, 'use-after-free', vp);
    const count = this.type.get(vp, member) + change;
    if (count < 0) throw new Panic(`${member} of a vnode below zero`, 'bad-free', vp);
    this.type.set(vp, member, count);
    return count;
  }

  hold(vp: Ptr): void {
    this.count(vp, 'v_holdcnt', 1);
  }

  /** vdrop(): the last one frees a vnode that is dead. */
  drop(vp: Ptr): void {
    if (this.count(vp, 'v_holdcnt', -1) === 0 && this.isDoomed(vp)) this.free(vp);
  }

  /** vref(): the first use holds the vnode, too. */
  use(vp: Ptr): void {
    if (this.count(vp, 'v_usecount', 1) === 1) this.hold(vp);
  }

  private prepare(vp: Ptr): number {
    if (this.count(vp, 'v_usecount', 0) > 0) {
      this.count(vp, 'v_usecount', 1);
      return this.k.enumValue('VGET_USECOUNT');
    }
    this.hold(vp);
    return this.k.enumValue('VGET_HOLDCNT');
  }

  private *abort(vp: Ptr, state: number): Sleepable<void> {
    if (state === this.k.enumValue('VGET_USECOUNT')) yield* this.rele(vp);
    else this.drop(vp);
  }

  private *finish(vp: Ptr, flags: number, state: number): Sleepable<number> {
    const error = yield* this.lock(vp, flags);
    if (error !== 0) {
      yield* this.abort(vp, state);
      return error;
    }
    // The hold of the first use is the one that was taken.
    if (state === this.k.enumValue('VGET_HOLDCNT') && this.count(vp, 'v_usecount', 1) > 1) this.drop(vp);
    return 0;
  }

  /** vget(): used and locked; ENOENT for one that is dead. */
  *get(vp: Ptr, flags: number): Sleepable<number> {
    return yield* this.finish(vp, flags, this.prepare(vp));
  }

  isDoomed(vp: Ptr): boolean {
    return (this.type.get(vp, 'v_irflag') & this.k.macro('VIRF_DOOMED')) !== 0;
  }

  private setFlags(vp: Ptr, flags: number): void {
    this.type.set(vp, 'v_irflag', this.type.get(vp, 'v_irflag') | flags);
  }

  private changeSequence(vp: Ptr, change: number): void {
    this.type.set(vp, 'v_seqc_users', this.type.get(vp, 'v_seqc_users') + change);
    if (change < 0) this.type.set(vp, 'v_seqc', (this.type.get(vp, 'v_seqc') + 4) >>> 0);
  }

  /** vn_lock(): 0, EBUSY, or ENOENT for a dead vnode without LK_RETRY. */
  *lock(vp: Ptr, flags: number, file: Ptr = 0, line = 0): Sleepable<number> {
    const { k } = this;
    const error = yield* k
      .get(VopVectors)
      .call(vp, 'vop_lock1', { a_vp: vp, a_flags: flags & ~k.macro('LK_RETRY'), a_file: file, a_line: line });
    if (error !== 0 || flags & k.macro('LK_RETRY') || !this.isDoomed(vp)) return error;
    yield* this.unlock(vp);
    return ENOENT;
  }

  *unlock(vp: Ptr): Sleepable<void> {
    yield* this.k.get(VopVectors).call(vp, 'vop_unlock', { a_vp: vp });
  }

  private isLocked(vp: Ptr): boolean {
    return this.k.get(Lockmgr).status(this.type.get(vp, 'v_vnlock')) === this.k.macro('LK_EXCLUSIVE');
  }

  /** vput(): unlocks it and releases it. */
  *put(vp: Ptr): Sleepable<void> {
    yield* this.unlock(vp);
    yield* this.rele(vp);
  }

  /** vrele(): after the last use the file system may clean up (VOP_INACTIVE), with the vnode locked. */
  *rele(vp: Ptr): Sleepable<void> {
    const { k } = this;
    if (this.count(vp, 'v_usecount', -1) > 0) return;
    if (!this.isDoomed(vp)) {
      const wasLocked = this.isLocked(vp);
      const locked = wasLocked || (yield* this.lock(vp, k.macro('LK_EXCLUSIVE'))) === 0;
      if (locked && this.count(vp, 'v_usecount', 0) === 0) yield* this.inactive(vp);
      if (locked && !wasLocked) yield* this.unlock(vp);
    }
    this.drop(vp);
  }

  private *inactive(vp: Ptr): Sleepable<void> {
    yield* this.k.get(VopVectors).call(vp, 'vop_inactive', { a_vp: vp });
  }

  /** vrecycle(): of a vnode that nobody uses. */
  private *recycle(vp: Ptr): Sleepable<number> {
    if (this.count(vp, 'v_usecount', 0) > 0) return 0;
    yield* this.gone(vp);
    return 1;
  }

  /** vgone(): the vnode, locked by the caller, is cut from its file system. */
  *gone(vp: Ptr): Sleepable<void> {
    const { k, type } = this;
    if (this.isDoomed(vp)) return;
    this.hold(vp);
    this.setFlags(vp, k.macro('VIRF_DOOMED'));
    type.set(vp, 'v_state', k.enumValue('VSTATE_DESTROYING'));
    const active = type.get(vp, 'v_usecount') > 0;
    if (active) {
      yield* k.get(VopVectors).call(vp, 'vop_close', {
        a_vp: vp,
        a_fflag: k.macro('FNONBLOCK'),
        a_cred: 0,
        a_td: k.curthread,
      });
      yield* this.inactive(vp);
    }
    yield* k.get(MountStructs).tellOfReclaim(vp);
    const failed = yield* k.get(VopVectors).call(vp, 'vop_reclaim', { a_vp: vp });
    if (failed !== 0) throw new Panic('vgone: cannot reclaim');
    this.leave(vp);
    const own = type.addr(vp, 'v_lock');
    if (type.get(vp, 'v_vnlock') !== own) {
      yield* k.get(Lockmgr).lockExclusive(own);
      type.set(vp, 'v_vnlock', own);
    }
    type.set(vp, 'v_op', k.variable('dead_vnodeops'));
    type.set(vp, 'v_type', k.enumValue('VBAD'));
    type.set(vp, 'v_state', k.enumValue('VSTATE_DEAD'));
    this.drop(vp);
  }

  private free(vp: Ptr): void {
    const { k } = this;
    this.known.delete(vp);
    k.origins.forget(vp);
    k.get(Locks).forgetIn(vp, this.type.size);
    k.slab.free(vp);
  }

  /** vflush(): EBUSY where vnodes are used, but `rootRefs` uses of the root, which are released. */
  *flush(mp: Ptr, rootRefs: number, flags: number): Sleepable<number> {
    const { k, type } = this;
    const force = (flags & k.macro('FORCECLOSE')) !== 0;
    const isRoot = (vp: Ptr): boolean => (type.get(vp, 'v_vflag') & k.macro('VV_ROOT')) !== 0;
    const root = rootRefs > 0 ? this.of(mp).find(isRoot) : undefined;
    let busy = 0;
    for (const vp of this.of(mp)) {
      const system = (type.get(vp, 'v_vflag') & k.macro('VV_SYSTEM')) !== 0;
      if (system && flags & k.macro('SKIPSYSTEM')) continue;
      this.hold(vp);
      yield* this.lock(vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
      if (type.get(vp, 'v_usecount') === 0 || force) yield* this.gone(vp);
      else busy++;
      yield* this.unlock(vp);
      this.drop(vp);
    }
    if (root !== undefined && busy === 1 && type.get(root, 'v_usecount') === rootRefs) {
      yield* this.lock(root, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
      yield* this.gone(root);
      yield* this.unlock(root);
      busy = 0;
    }
    if (busy > 0) return EBUSY;
    for (let i = 0; i < rootRefs && root !== undefined; i++) yield* this.rele(root);
    return 0;
  }

  *holds(): Generator<Holding> {
    const { type } = this;
    for (const vp of this.known)
      yield {
        kind: 'vnode',
        at: vp,
        uses: [type.get(vp, 'v_op')],
        by: this.k.origins.of(vp),
        name: () => this.k.get(Locks).nameOf(type.addr(vp, 'v_lock')),
      };
  }
}
