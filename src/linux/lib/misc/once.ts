import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/**
 * DO_ONCE() (include/linux/once.h). The flag alone decides; the caller's jump label, which only saves the test
 * of it, stays as it is.
 */
export class DoOnce implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __do_once_start: (done: Ptr) => this.k.space.load8(done) === 0,
    __do_once_done: (done: Ptr) => this.k.space.store8(done, 1),
    __do_once_sleepable_start: (done: Ptr) => this.k.space.load8(done) === 0,
    __do_once_sleepable_done: (done: Ptr) => this.k.space.store8(done, 1),
  };
}
