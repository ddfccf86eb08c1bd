import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DirectoryNode } from '../../kernel/files/index.js';
import { withScratch } from '../dev/scratch.js';
import { EBUSY, ENOENT, ENOTDIR } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Files } from './files.js';
import { type MountRequest, type MountResult, Mounts } from './mounts.js';
import type { OpenFile } from './open-file.js';
import { Namei } from './vfs-lookup.js';
import { VnodeFile } from './vnode-file.js';
import { VnodeDirectory, VnodeNode } from './vnode-nodes.js';
import { type Failed, VnodeWalk } from './vnode-walk.js';
import { Vnodes } from './vnodes.js';

/** Gives mounted file systems of modules their place in the machine's tree. */
export class VnodeTree implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {}

  boot(): void {
    this.k
      .get(Files)
      .openers.push((node, path, flags) =>
        node instanceof VnodeNode ? this.open(node, path, flags) : undefined,
      );
  }

  /** vn_open(): the vnode stays used; with O_TRUNC it is emptied first. */
  private *open(node: VnodeNode, path: string, flags: number): Sleepable<OpenFile | Failed> {
    const { k } = this;
    const { walk } = node;
    const found = yield* walk.locate(node.below);
    if ('errno' in found) return found;
    const { vp } = found;
    const errno = yield* this.openVnode(walk, vp, flags);
    const attributes = errno === 0 ? yield* walk.attributes(vp) : { errno };
    if ('errno' in attributes) {
      yield* k.get(Vnodes).put(vp);
      return attributes;
    }
    yield* k.get(Vnodes).unlock(vp);
    return new VnodeFile(walk, path, flags, vp, attributes);
  }

  private *openVnode(walk: VnodeWalk, vp: Ptr, flags: number): Sleepable<number> {
    const { k } = this;
    const isSet = (name: string): boolean => (flags & k.macro(name)) !== 0;
    const common = { a_cred: walk.cred, a_td: k.curthread };
    const accmode = (isSet('FREAD') ? k.macro('VREAD') : 0) | (isSet('FWRITE') ? k.macro('VWRITE') : 0);
    const refused = yield* walk.call(vp, 'vop_access', { a_vp: vp, a_accmode: accmode, ...common });
    if (refused !== 0) return refused;
    const failed = yield* walk.call(vp, 'vop_open', { a_vp: vp, a_mode: flags, a_fp: 0, ...common });
    if (failed !== 0 || !isSet('FWRITE')) return failed;
    const counted = yield* walk.call(vp, 'vop_add_writecount', { a_vp: vp, a_inc: 1 });
    if (counted !== 0 || !isSet('O_TRUNC')) return counted;
    const type = k.struct('vattr');
    return yield* withScratch(k, type.size, (vap) => {
      walk.noValues(vap);
      type.set(vap, 'va_size', 0);
      return walk.call(vp, 'vop_setattr', { a_vp: vp, a_vap: vap, a_cred: walk.cred });
    });
  }

  /** nmount(2): on a directory that is there. */
  *mount(request: Omit<MountRequest, 'covered'>): Sleepable<MountResult> {
    const { k } = this;
    const place = yield* k.files.resolve(request.target);
    if (typeof place === 'number') return { errno: place, message: '' };
    if (!place.node) return { errno: ENOENT, message: '' };
    if (!(place.node instanceof DirectoryNode)) return { errno: ENOTDIR, message: '' };
    const covered = yield* k.get(Namei).vnodeAt(place);
    if ('errno' in covered) return { ...covered, message: '' };
    yield* k.get(Vnodes).unlock(covered.vp);
    const made = yield* k.get(Mounts).nmount({ ...request, target: place.path, covered: covered.vp });
    if ('errno' in made) return made;
    const root = new VnodeDirectory(new VnodeWalk(k, made), [], 0o755);
    const { type, from } = request;
    k.files.mount({ type, source: from, target: place.path, root, options: '' }, place.node);
    return { errno: 0, message: '' };
  }

  /** umount(8). */
  *unmount(target: string, force = false): Sleepable<number> {
    const { k } = this;
    const one = [...k.get(Mounts).list].reverse().find((mounted) => mounted.target === target);
    if (!one) return k.macro('EINVAL');
    if (k.files.mounts.some((mount) => mount.target.startsWith(`${target}/`))) return EBUSY;
    const error = yield* k.get(Mounts).unmount(one, force);
    if (error === 0) k.files.unmount(target);
    return error;
  }
}
