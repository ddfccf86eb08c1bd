import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import type { Location } from '../../kernel/files/index.js';
import { EFAULT, EJUSTRETURN, ENAMETOOLONG, ENOENT } from '../errno.js';
import { Uma } from '../kern/uma.js';
import { UserMemory } from '../kern/user-memory.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { RootVnodes } from './root-vnodes.js';
import { VnodeDirectory, VnodeNode } from './vnode-nodes.js';
import { PATH_BYTES } from './vnode-walk.js';
import { Vnodes } from './vnodes.js';
import { VopVectors } from './vop-vectors.js';

type Found = { readonly vp: Ptr } | { readonly errno: number };

/** namei(9): paths that modules look up (sys/kern/vfs_lookup.c). */
export class Namei implements Subsystem {
  private zone: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    namei: (ndp: Ptr) => this.namei(ndp),
    vfs_relookup: (dvp: Ptr, place: Ptr, cnp: Ptr, keeps: boolean) => this.again(dvp, place, cnp, keeps),
    NDFREE: (ndp: Ptr) => this.free(this.k.struct('nameidata').addr(ndp, 'ni_cnd')),
  };

  readonly signatures = { NDFREE: 'v:p' };

  readonly data = {
    namei_zone: (at: Ptr) => {
      const none = { ctor: 0, dtor: 0, init: 0, fini: 0 };
      this.zone = this.k.get(Uma).create('NAMEI', PATH_BYTES, none, 0, 0);
      this.k.space.storePtr(at, this.zone);
    },
    cap_no_rights: () => {},
  };

  private get names() {
    return this.k.struct('componentname');
  }

  /** The vnode of what a path leads to: used and locked. */
  *vnodeAt({ parent, name, node, path }: Location): Sleepable<Found> {
    if (!node) return { errno: ENOENT };
    if (node instanceof VnodeDirectory || node instanceof VnodeNode)
      return yield* node.walk.locate(node.below);
    if (parent instanceof VnodeDirectory) return yield* parent.walk.locate([...parent.below, name]);
    return { vp: yield* this.k.get(RootVnodes).vnodeOf(node, path, this.k.macro('LK_EXCLUSIVE')) };
  }

  /** That of the directory which it is in. */
  private *parentOf({ parent, path }: Location): Sleepable<Found> {
    if (parent instanceof VnodeDirectory) return yield* parent.walk.locate(parent.below);
    const above = path.slice(0, path.lastIndexOf('/')) || '/';
    return { vp: yield* this.k.get(RootVnodes).vnodeOf(parent, above, this.k.macro('LK_EXCLUSIVE')) };
  }

  /** What a struct nameidata asks for, into it: 0, or an error number. */
  *namei(ndp: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('nameidata');
    const cnp = type.addr(ndp, 'ni_cnd');
    for (const member of ['ni_vp', 'ni_dvp']) type.set(ndp, member, 0);
    const text = this.textOf(ndp);
    if (typeof text === 'number') return text;
    const absolute = type.get(ndp, 'ni_startdir') === 0 && type.get(ndp, 'ni_dirfd') === k.macro('AT_FDCWD');
    if (!absolute && !text.startsWith('/'))
      throw new Unimplemented('namei', 'paths from a directory that is open');
    const buffer = yield* k.get(Uma).alloc(this.zone, 0, k.macro('M_WAITOK'));
    this.names.set(cnp, 'cn_pnbuf', buffer);
    this.names.set(cnp, 'cn_cred', k.struct('thread').get(k.curthread, 'td_ucred'));
    const follow = (this.names.get(cnp, 'cn_flags') & k.macro('FOLLOW')) !== 0;
    const location = yield* k.files.resolve(text, { follow });
    const error = typeof location === 'number' ? location : yield* this.found(ndp, location);
    if (error !== 0) yield* this.free(cnp);
    return error;
  }

  /** The path that is looked up; an error number where it cannot be read, or is too long. */
  private textOf(ndp: Ptr): string | number {
    const { k } = this;
    const type = k.struct('nameidata');
    const at = type.get(ndp, 'ni_dirp');
    if (type.get(ndp, 'ni_segflg') === k.enumValue('UIO_SYSSPACE')) return k.space.cstring(at, PATH_BYTES);
    const bytes = k.get(UserMemory).copyFrom(at, PATH_BYTES);
    const end = bytes.indexOf(0);
    if (end >= 0) return new TextDecoder().decode(bytes.subarray(0, end));
    return bytes.length < PATH_BYTES ? EFAULT : ENAMETOOLONG;
  }

  private *found(ndp: Ptr, location: Location): Sleepable<number> {
    const { k } = this;
    const type = k.struct('nameidata');
    const cnp = type.addr(ndp, 'ni_cnd');
    const flags = this.names.get(cnp, 'cn_flags');
    const isSet = (name: string): boolean => (flags & k.macro(name)) !== 0;
    this.nameIn(cnp, location.path);
    if (isSet('LOCKPARENT') || isSet('WANTPARENT')) {
      const directory = yield* this.parentOf(location);
      if ('errno' in directory) return directory.errno;
      const error = yield* this.inDirectory(directory.vp, type.addr(ndp, 'ni_vp'), cnp);
      if (error !== 0) {
        yield* k.get(Vnodes).put(directory.vp);
        return error;
      }
      type.set(ndp, 'ni_dvp', directory.vp);
      if (!isSet('LOCKPARENT') && type.get(ndp, 'ni_vp') !== directory.vp)
        yield* k.get(Vnodes).unlock(directory.vp);
    } else {
      const leaf = yield* this.vnodeAt(location);
      if ('errno' in leaf) return leaf.errno;
      type.set(ndp, 'ni_vp', leaf.vp);
    }
    const vp = type.get(ndp, 'ni_vp');
    if (vp !== 0 && !isSet('LOCKLEAF')) yield* k.get(Vnodes).unlock(vp);
    return 0;
  }

  /** The last component is what operations on the result are about. */
  private nameIn(cnp: Ptr, path: string): void {
    const { k, names } = this;
    const buffer = names.get(cnp, 'cn_pnbuf');
    k.space.storeCstring(buffer, path);
    const start = new TextEncoder().encode(path.slice(0, path.lastIndexOf('/') + 1)).length;
    names.set(cnp, 'cn_nameptr', buffer + start);
    names.set(cnp, 'cn_namelen', k.space.cstringLength(buffer + start));
    names.set(cnp, 'cn_lkflags', k.macro('LK_EXCLUSIVE'));
    names.setBig(cnp, 'cn_flags', names.getBig(cnp, 'cn_flags') | BigInt(k.macro('ISLASTCN')));
  }

  /** VOP_LOOKUP() of what may be made where it is not there: no vnode then. */
  private *inDirectory(dvp: Ptr, place: Ptr, cnp: Ptr): Sleepable<number> {
    const error = yield* this.k
      .get(VopVectors)
      .call(dvp, 'vop_lookup', { a_dvp: dvp, a_vpp: place, a_cnp: cnp });
    if (error !== EJUSTRETURN) return error;
    this.k.space.storePtr(place, 0);
    return 0;
  }

  /** vfs_relookup(): in a directory that is used and not locked. It stays locked with LOCKPARENT, and used with WANTPARENT or `keeps`. */
  private *again(dvp: Ptr, place: Ptr, cnp: Ptr, keeps: boolean): Sleepable<number> {
    const { k } = this;
    const vnodes = k.get(Vnodes);
    this.names.set(cnp, 'cn_lkflags', k.macro('LK_EXCLUSIVE'));
    yield* vnodes.lock(dvp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    const error = yield* this.inDirectory(dvp, place, cnp);
    if (error !== 0) {
      yield* vnodes.put(dvp);
      k.space.storePtr(place, 0);
      return error;
    }
    const vp = k.space.loadPtr(place);
    const flags = this.names.get(cnp, 'cn_flags');
    const isSet = (name: string): boolean => (flags & k.macro(name)) !== 0;
    if (keeps) vnodes.use(dvp);
    if (!isSet('LOCKPARENT') && dvp !== vp) yield* vnodes.unlock(dvp);
    if (vp === 0) return 0;
    if (!isSet('LOCKPARENT') && !isSet('WANTPARENT')) yield* vnodes.rele(dvp);
    if (!isSet('LOCKLEAF')) yield* vnodes.unlock(vp);
    return 0;
  }

  *free(cnp: Ptr): Sleepable<void> {
    const buffer = this.names.get(cnp, 'cn_pnbuf');
    if (buffer !== 0) yield* this.k.get(Uma).free(this.zone, buffer, 0);
    this.names.set(cnp, 'cn_pnbuf', 0);
  }
}
