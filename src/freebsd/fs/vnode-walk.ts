import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import { EJUSTRETURN } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { type MountedVfs, Mounts } from './mounts.js';
import { VnodeSupport } from './vnode-support.js';
import { Vnodes } from './vnodes.js';
import { type VopArguments, VopVectors } from './vop-vectors.js';

export interface Failed {
  readonly errno: number;
}

/** What an operation on a name in a directory is given. */
export interface Name {
  /** struct componentname. */
  readonly cnp: Ptr;
  /** Where it stores a vnode. */
  readonly place: Ptr;
}

/** What VOP_GETATTR() tells. */
export interface Attributes {
  /** VDIR, VREG, ... */
  readonly type: number;
  readonly mode: number;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
}

/** MAXPATHLEN (sys/sys/param.h): the longest name that a look-up is given, with its NUL. */
export const PATH_BYTES = 2 ** 10;

/** Walks through a mounted file system, and the operations on vnodes that system calls make (sys/kern/vfs_lookup.c, vfs_vnops.c). */
export class VnodeWalk {
  constructor(
    readonly k: FreebsdKernel,
    readonly mount: MountedVfs,
  ) {}

  get cred(): Ptr {
    return this.k.struct('thread').get(this.k.curthread, 'td_ucred');
  }

  call(vp: Ptr, operation: string, args: VopArguments): Sleepable<number> {
    return this.k.get(VopVectors).call(vp, operation, args);
  }

  /** The vnode at a path below the mount, used and locked. */
  *locate(path: readonly string[]): Sleepable<{ readonly vp: Ptr } | Failed> {
    const root = yield* this.k.get(Mounts).rootOf(this.mount.mp);
    if ('errno' in root) return root;
    let { vp } = root;
    for (const name of path) {
      const found = yield* this.lookUp(vp, name, 'LOOKUP');
      if ('errno' in found) {
        yield* this.k.get(Vnodes).put(vp);
        return found;
      }
      yield* this.leaveDirectory(vp, found.vp);
      vp = found.vp;
    }
    return { vp };
  }

  private *leaveDirectory(dvp: Ptr, vp: Ptr): Sleepable<void> {
    if (dvp === vp) yield* this.k.get(Vnodes).rele(dvp);
    else yield* this.k.get(Vnodes).put(dvp);
  }

  /** VOP_LOOKUP() in a directory that is locked, with LOOKUP, CREATE or DELETE. */
  *lookUp(dvp: Ptr, name: string, operation: string): Sleepable<{ readonly vp: Ptr } | Failed> {
    return yield* this.named(dvp, name, operation, ({ place }) => this.kept(place));
  }

  private *kept(place: Ptr): Sleepable<{ readonly vp: Ptr }> {
    yield* [];
    return { vp: this.k.space.loadPtr(place) };
  }

  /** Looks a name up, and goes on with what the file system noted in the componentname. */
  *named<T>(
    dvp: Ptr,
    name: string,
    operation: string,
    body: (name: Name) => Sleepable<T>,
  ): Sleepable<T | Failed> {
    const { k } = this;
    const type = k.struct('componentname');
    const walk = this;
    return yield* withScratch(k, type.size + 8 + PATH_BYTES, function* (cnp): Sleepable<T | Failed> {
      const place = cnp + type.size;
      const text = place + 8;
      const dots = name === '..' ? k.macro('ISDOTDOT') : 0;
      k.space.storeCstring(text, name);
      type.set(cnp, 'cn_nameiop', k.enumValue(operation));
      type.set(cnp, 'cn_flags', k.macro('ISLASTCN') | dots | k.macro('LOCKPARENT'));
      type.set(cnp, 'cn_lkflags', k.macro('LK_EXCLUSIVE'));
      type.set(cnp, 'cn_cred', walk.cred);
      type.set(cnp, 'cn_pnbuf', text);
      type.set(cnp, 'cn_nameptr', text);
      type.set(cnp, 'cn_namelen', k.space.cstringLength(text));
      const error = yield* walk.call(dvp, 'vop_lookup', { a_dvp: dvp, a_vpp: place, a_cnp: cnp });
      const creates = operation === 'CREATE' && error === EJUSTRETURN;
      if (error !== 0 && !creates) return { errno: error };
      return yield* body({ cnp, place });
    });
  }

  /** VOP_GETATTR() of a locked vnode. */
  *attributes(vp: Ptr): Sleepable<Attributes | Failed> {
    const { k } = this;
    const type = k.struct('vattr');
    const walk = this;
    return yield* withScratch(k, type.size, function* (vap): Sleepable<Attributes | Failed> {
      walk.noValues(vap);
      const errno = yield* walk.call(vp, 'vop_getattr', { a_vp: vp, a_vap: vap, a_cred: walk.cred });
      if (errno !== 0) return { errno };
      const get = (member: string): number => type.get(vap, member);
      return {
        type: get('va_type'),
        mode: get('va_mode') & 0o7777,
        size: get('va_size'),
        uid: get('va_uid'),
        gid: get('va_gid'),
      };
    });
  }

  /** vattr_null(). */
  noValues(vap: Ptr): void {
    this.k.get(VnodeSupport).noValues(vap);
  }
}
