import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What the kernel itself has for linuxkpi.ko, which puts a function of its own there when it is loaded (lkpi_alloc_current of sys/kern). */
export class LinuxKpi implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {}

  readonly data = {
    lkpi_alloc_current: (at: Ptr) =>
      this.k.space.storePtr(
        at,
        this.k.exports.hostFunction('linux_alloc_current_noop', 'i:pi', () => 0),
      ),
  };
}
