import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Lockmgr } from '../kern/lockmgr.js';
import { Mutexes } from '../kern/mutex.js';
import { Tailq } from '../kern/tailq.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** struct mount: what is in every one, and who stands on top of others (sys/kern/vfs_mount.c, vfs_subr.c). */
export class MountStructs implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vfs_ref: (mp: Ptr) => this.count(mp, 'mnt_ref', 1),
    vfs_rel: (mp: Ptr) => this.count(mp, 'mnt_ref', -1),
    vfs_register_upper_from_vp: (vp: Ptr, upper: Ptr, node: Ptr) => this.stack(vp, upper, node),
    vfs_unregister_upper: (mp: Ptr, node: Ptr) => {
      this.list(mp, 'mnt_uppers').remove(node);
      this.count(mp, 'mnt_ref', -1);
    },
    vfs_register_for_notification: (mp: Ptr, upper: Ptr, node: Ptr) => {
      this.k.struct('mount_upper_node').set(node, 'mp', upper);
      this.list(mp, 'mnt_notify').append(node);
    },
    vfs_unregister_for_notification: (mp: Ptr, node: Ptr) => this.list(mp, 'mnt_notify').remove(node),
  };

  private get mount() {
    return this.k.struct('mount');
  }

  /** Locks and lists. */
  prepare(mp: Ptr): void {
    const { k, mount } = this;
    const isNew = k.macro('MTX_NEW');
    k.get(Mutexes).init(mount.addr(mp, 'mnt_mtx'), k.constantString('struct mount mtx'), isNew);
    k.get(Mutexes).init(mount.addr(mp, 'mnt_listmtx'), k.constantString('struct mount vlist mtx'), isNew);
    k.get(Lockmgr).init(mount.addr(mp, 'mnt_explock'), {
      name: k.constantString('explock'),
      flags: k.macro('LK_NEW'),
    });
    for (const head of ['mnt_nvnodelist', 'mnt_lazyvnodelist']) new Tailq(k, mount.addr(mp, head), 0).init();
    for (const head of ['mnt_uppers', 'mnt_notify'] as const) this.list(mp, head).init();
    mount.set(mp, 'mnt_ref', 1);
    mount.set(mp, 'mnt_gen', 1);
    mount.set(mp, 'mnt_iosize_max', 128 * 1024);
    mount.set(mp, 'mnt_cred', k.struct('thread').get(k.curthread, 'td_ucred'));
  }

  /** The machine's own tree, which nobody has mounted. */
  root(statfs: (place: Ptr) => number): Ptr {
    const { k, mount } = this;
    const mp = k.permanent(mount.size);
    this.prepare(mp);
    const conf = k.permanent(k.sizeOf('vfsconf'));
    const operations = k.permanent(k.sizeOf('vfsops'));
    k.struct('vfsconf').setText(conf, 'vfc_name', 'rootfs');
    k.struct('vfsconf').set(conf, 'vfc_vfsops', operations);
    k.struct('vfsops').bind(operations, 'vfs_statfs', 'rootfs_statfs', (_mp: Ptr, place: Ptr) =>
      statfs(place),
    );
    mount.set(mp, 'mnt_op', operations);
    mount.set(mp, 'mnt_vfc', conf);
    mount.set(mp, 'mnt_flag', k.macro('MNT_LOCAL') | k.macro('MNT_ROOTFS'));
    mount.setText(mp, 'mnt_stat.f_fstypename', 'rootfs');
    mount.setText(mp, 'mnt_stat.f_mntonname', '/');
    mount.setText(mp, 'mnt_stat.f_mntfromname', 'rootfs');
    return mp;
  }

  count(mp: Ptr, member: 'mnt_ref' | 'mnt_lockref', change: number): void {
    this.mount.set(mp, member, this.mount.get(mp, member) + change);
  }

  private list(mp: Ptr, head: 'mnt_uppers' | 'mnt_notify'): Tailq {
    const link = this.k.struct('mount_upper_node').offsetOf('mnt_upper_link');
    return new Tailq(this.k, this.mount.addr(mp, head), link);
  }

  /** The file system of a vnode, which is kept for one on top of it; 0 for one that goes. */
  private stack(vp: Ptr, upper: Ptr, node: Ptr): Ptr {
    const { k } = this;
    const mp = k.struct('vnode').get(vp, 'v_mount');
    if (mp === 0 || this.mount.get(mp, 'mnt_kern_flag') & k.macro('MNTK_UNMOUNT')) return 0;
    this.count(mp, 'mnt_ref', 1);
    k.struct('mount_upper_node').set(node, 'mp', upper);
    this.list(mp, 'mnt_uppers').append(node);
    return mp;
  }

  /** Whether other file systems stand on it. */
  hasUppers(mp: Ptr): boolean {
    return this.list(mp, 'mnt_uppers').first !== 0;
  }

  /** vfs_notify_upper(): those on top are told of a vnode below that goes. */
  *tellOfReclaim(vp: Ptr): Sleepable<void> {
    const { k } = this;
    const mp = k.struct('vnode').get(vp, 'v_mount');
    if (mp === 0) return;
    for (const node of [...this.list(mp, 'mnt_notify').entries()]) {
      const upper = k.struct('mount_upper_node').get(node, 'mp');
      const operations = this.mount.get(upper, 'mnt_op');
      if (k.struct('vfsops').get(operations, 'vfs_reclaim_lowervp') !== 0)
        yield* k.struct('vfsops').call(operations, 'vfs_reclaim_lowervp', upper, vp);
    }
  }
}
