import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Credentials (Documentation/security/credentials.rst): copies of root's, which every task here has. */
export class Credentials implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    prepare_kernel_cred: () => this.copy(this.k.symbol('init_cred')),
    prepare_creds: () => this.copy(this.k.struct('task_struct').get(this.k.current, 'cred')),
    __put_cred: (cred: Ptr) => {
      if (cred !== this.k.symbol('init_cred')) this.k.slab.free(cred);
    },
    abort_creds: (cred: Ptr) => this.k.slab.free(cred),
    override_creds: (cred: Ptr) => this.override(cred),
    revert_creds: (cred: Ptr) => {
      this.override(cred);
    },
    commit_creds: (cred: Ptr) => {
      this.k.struct('task_struct').set(this.k.current, 'cred', cred);
      this.k.struct('task_struct').set(this.k.current, 'real_cred', cred);
      return 0;
    },
  };

  private copy(from: Ptr): Ptr {
    const type = this.k.struct('cred');
    const cred = this.k.slab.kmalloc(type.size, false);
    this.k.space.bytes.copyWithin(cred, from, from + type.size);
    type.set(cred, 'usage.counter', 1);
    return cred;
  }

  private override(cred: Ptr): Ptr {
    const task = this.k.struct('task_struct');
    const old = task.get(this.k.current, 'cred');
    task.set(this.k.current, 'cred', cred);
    return old;
  }
}
