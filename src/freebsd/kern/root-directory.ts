import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** The root directory, which every process begins at (sys/kern/kern_descrip.c, vfs_mountroot.c). */
export class RootDirectory implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = { pwd_ensure_dirs: () => {} };

  readonly signatures = { pwd_ensure_dirs: 'v:' };

  readonly data = {
    // That there is a root is all that most ask.
    rootvnode: (at: Ptr) => this.k.space.storePtr(at, this.k.permanent(this.k.sizeOf('vnode'))),
  };
}
