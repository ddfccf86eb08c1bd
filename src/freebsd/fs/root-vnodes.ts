import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DataNode, type FileNode } from '../../kernel/files/index.js';
import { withScratch } from '../dev/scratch.js';
import { Uio } from '../kern/uio.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Vnodes } from './vnodes.js';
import { VopVectors } from './vop-vectors.js';

/** Vnodes for nodes of the machine's own tree: directories that a file system is mounted on, and files that drivers open. */
export class RootVnodes implements Subsystem {
  private readonly nodes = new Map<Ptr, FileNode>();
  private vector: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    rootfs_getattr: (args: Ptr) => this.attributes(args),
    rootfs_access: (args: Ptr) => this.access(args),
    rootfs_read: (args: Ptr) => this.read(args),
    rootfs_write: (args: Ptr) => this.write(args),
    rootfs_reclaim: (args: Ptr) => this.reclaim(args),
  };

  readonly signatures = {
    rootfs_getattr: 'i:p',
    rootfs_access: 'i:p',
    rootfs_read: 'i:p',
    rootfs_write: 'i:p',
    rootfs_reclaim: 'i:p',
  };

  boot(): void {
    const { k } = this;
    const type = k.struct('vop_vector');
    this.vector = k.permanent(type.size);
    type.set(this.vector, 'vop_default', k.variable('default_vnodeops'));
    for (const name of ['getattr', 'access', 'read', 'write', 'reclaim'])
      type.set(this.vector, `vop_${name}`, k.fn(`rootfs_${name}`));
    k.get(VopVectors).register(this.vector);
  }

  /** A vnode, used and not locked, that is the node's. */
  *make(node: FileNode): Sleepable<Ptr> {
    const { k } = this;
    const { vector, nodes } = this;
    return yield* withScratch(k, 8, function* (place): Sleepable<Ptr> {
      yield* [];
      k.get(Vnodes).exports.getnewvnode(k.constantString('rootfs'), 0, vector, place);
      const vp = k.space.loadPtr(place);
      const type = k.struct('vnode');
      type.set(vp, 'v_type', k.enumValue(node.kind === 'directory' ? 'VDIR' : 'VREG'));
      type.set(vp, 'v_state', k.enumValue('VSTATE_CONSTRUCTED'));
      nodes.set(vp, node);
      return vp;
    });
  }

  has(vp: Ptr): boolean {
    return this.nodes.has(vp);
  }

  /** Gives it back for good. */
  *release(vp: Ptr): Sleepable<void> {
    const vnodes = this.k.get(Vnodes);
    yield* vnodes.lock(vp, this.k.macro('LK_EXCLUSIVE') | this.k.macro('LK_RETRY'));
    yield* vnodes.gone(vp);
    yield* vnodes.put(vp);
  }

  private attributes(args: Ptr): number {
    const { k } = this;
    const type = k.struct('vop_getattr_args');
    const vp = type.get(args, 'a_vp');
    const node = this.nodes.get(vp);
    if (!node) return k.macro('EBADF');
    const vap = type.get(args, 'a_vap');
    const attributes = k.struct('vattr');
    const values: Readonly<Record<string, number>> = {
      va_type: k.struct('vnode').get(vp, 'v_type'),
      va_mode: node.mode,
      va_uid: node.uid,
      va_gid: node.gid,
      va_nlink: node.links,
      va_size: node.size,
      va_fileid: 2,
      va_blocksize: 4096,
      va_bytes: node.size,
      va_flags: 0,
      va_gen: 0,
    };
    for (const [member, value] of Object.entries(values)) attributes.set(vap, member, value);
    for (const time of ['va_atime', 'va_mtime', 'va_ctime', 'va_birthtime'])
      attributes.set(vap, `${time}.tv_sec`, node.mtime);
    return 0;
  }

  private *access(args: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('vop_access_args');
    const vp = type.get(args, 'a_vp');
    const node = this.nodes.get(vp);
    if (!node) return k.macro('EBADF');
    const kind = k.struct('vnode').get(vp, 'v_type');
    const [accmode, cred] = [type.get(args, 'a_accmode'), type.get(args, 'a_cred')];
    return yield* k.callAs('vaccess', k.fn('vaccess'), kind, node.mode, node.uid, node.gid, accmode, cred);
  }

  private *read(args: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('vop_read_args');
    const node = this.nodes.get(type.get(args, 'a_vp'));
    if (!(node instanceof DataNode)) return k.macro('EISDIR');
    const uio = type.get(args, 'a_uio');
    const [offset, resid] = ['uio_offset', 'uio_resid'].map((member) => k.struct('uio').get(uio, member));
    if (offset < 0) return k.macro('EINVAL');
    const bytes = node.read(offset, resid).slice();
    if (bytes.length === 0) return 0;
    return yield* withScratch(k, bytes.length, (at) => {
      k.space.writable(at, bytes.length).set(bytes);
      return k.get(Uio).move(at, bytes.length, uio);
    });
  }

  private *write(args: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('vop_write_args');
    const node = this.nodes.get(type.get(args, 'a_vp'));
    if (!(node instanceof DataNode)) return k.macro('EISDIR');
    const uio = type.get(args, 'a_uio');
    const [offset, resid] = ['uio_offset', 'uio_resid'].map((member) => k.struct('uio').get(uio, member));
    if (offset < 0) return k.macro('EINVAL');
    return yield* withScratch(k, Math.max(resid, 1), function* (at): Sleepable<number> {
      const error = yield* k.get(Uio).move(at, resid, uio);
      if (error !== 0) return error;
      return node.write(offset, k.space.readable(at, resid).slice()) === 0 ? 0 : k.macro('ENOSPC');
    });
  }

  private reclaim(args: Ptr): number {
    this.nodes.delete(this.k.struct('vop_reclaim_args').get(args, 'a_vp'));
    return 0;
  }
}
