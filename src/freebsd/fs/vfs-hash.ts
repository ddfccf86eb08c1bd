import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Vnodes } from './vnodes.js';

interface Hashed {
  readonly mp: Ptr;
  hash: number;
}

/** Vnodes by file system and number (sys/kern/vfs_hash.c). */
export class VfsHash implements Subsystem {
  private readonly vnodes = new Map<Ptr, Hashed>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vfs_hash_get: (mp: Ptr, hash: number, flags: number, _td: Ptr, place: Ptr, compare: Ptr, arg: Ptr) =>
      this.get({ mp, hash, compare, arg }, flags, place),
    vfs_hash_insert: (vp: Ptr, hash: number, flags: number, _td: Ptr, place: Ptr, compare: Ptr, arg: Ptr) =>
      this.insert(vp, { mp: this.mountOf(vp), hash, compare, arg }, flags, place),
    vfs_hash_remove: (vp: Ptr) => void this.vnodes.delete(vp),
    vfs_hash_rehash: (vp: Ptr, hash: number) => {
      this.vnodes.set(vp, { mp: this.mountOf(vp), hash });
      this.k.struct('vnode').set(vp, 'v_hash', hash);
    },
    vfs_hash_index: (vp: Ptr) => this.k.struct('vnode').get(vp, 'v_hash'),
  };

  private mountOf(vp: Ptr): Ptr {
    return this.k.struct('vnode').get(vp, 'v_mount');
  }

  private *find({ mp, hash, compare, arg }: Sought, except: Ptr = 0): Sleepable<Ptr> {
    for (const [vp, one] of this.vnodes) {
      if (vp === except || one.mp !== mp || one.hash !== hash) continue;
      if (compare === 0 || (yield* this.k.callAs('i:pp', compare, vp, arg)) === 0) return vp;
    }
    return 0;
  }

  /** Stores the vnode, used and locked as `flags` say, or 0. */
  private *get(sought: Sought, flags: number, place: Ptr): Sleepable<number> {
    const { k } = this;
    for (;;) {
      const vp = yield* this.find(sought);
      k.space.storePtr(place, 0);
      if (vp === 0) return 0;
      const error = yield* k.get(Vnodes).get(vp, flags);
      // It died while it was waited for.
      if (error === k.macro('ENOENT') && (flags & k.macro('LK_NOWAIT')) === 0) continue;
      if (error === 0) k.space.storePtr(place, vp);
      return error;
    }
  }

  /** Another one that is there already is stored instead, and the new one destroyed. */
  private *insert(vp: Ptr, sought: Sought, flags: number, place: Ptr): Sleepable<number> {
    const { k } = this;
    const vnodes = k.get(Vnodes);
    const other = yield* this.find(sought, vp);
    if (other !== 0) {
      yield* vnodes.gone(vp);
      yield* vnodes.put(vp);
      return yield* this.get(sought, flags, place);
    }
    k.space.storePtr(place, 0);
    k.struct('vnode').set(vp, 'v_hash', sought.hash);
    this.vnodes.set(vp, { mp: sought.mp, hash: sought.hash });
    return 0;
  }
}

interface Sought {
  readonly mp: Ptr;
  readonly hash: number;
  readonly compare: Ptr;
  readonly arg: Ptr;
}
