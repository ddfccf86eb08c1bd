import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { Mutexes } from '../locking/mutex.js';
import type { Subsystem } from '../subsystem.js';

/** The lock on a module's parameters, or on those of the kernel image (kernel/params.c). */
export class ParameterLocks implements Subsystem {
  private readonly builtIn: Ptr;

  constructor(private readonly k: LinuxKernel) {
    this.builtIn = k.permanent(k.sizeOf('mutex'));
    k.get(Mutexes).init(this.builtIn);
  }

  readonly exports = {
    kernel_param_lock: (module: Ptr) => this.k.get(Mutexes).lock(this.mutex(module)),
    kernel_param_unlock: (module: Ptr) => this.k.get(Mutexes).unlock(this.mutex(module)),
  };

  private mutex(module: Ptr): Ptr {
    return module === 0 ? this.builtIn : this.k.struct('module').addr(module, 'param_lock');
  }
}
