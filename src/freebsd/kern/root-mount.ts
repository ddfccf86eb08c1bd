import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Who wants the root file system to wait (sys/kern/vfs_mountroot.c): it is mounted already when modules come. */
export class RootMount implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    root_mount_hold: () => this.k.permanent(this.k.sizeOf('root_hold_token')),
    root_mount_hold_token: () => {},
    root_mount_rel: (token: Ptr) => {
      if (token === 0) return;
      this.k.struct('root_hold_token').set(token, 'flags', 0);
    },
    root_mounted: () => 1,
    // Every process of the machine begins at the root.
    pwd_ensure_dirs: () => {},
  };

  readonly signatures = { root_mount_rel: 'v:p', pwd_ensure_dirs: 'v:' };

  readonly data = {
    // That there is a root is all that most ask.
    rootvnode: (at: Ptr) => this.k.space.storePtr(at, this.k.permanent(this.k.sizeOf('vnode'))),
  };
}
