import { nothing } from '../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** task_struct.flags: not to be frozen (include/linux/sched.h). */
const PF_NOFREEZE = 0x8000;

/**
 * The freezer, which stops tasks before the system sleeps (Documentation/power/freezing-of-tasks.rst). This machine
 * is never suspended: tasks may say that they can be frozen, none is.
 */
export class Freezer implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    set_freezable: () => this.setFreezable(),
    freezing_slow_path: nothing('nobody freezes tasks', false),
    __refrigerator: nothing('nobody freezes tasks', false),
  };

  /** Lets the current task be frozen; whether it was, there and then. */
  private setFreezable(): boolean {
    const type = this.k.struct('task_struct');
    const { current } = this.k;
    type.set(current, 'flags', type.get(current, 'flags') & ~PF_NOFREEZE);
    return false;
  }
}
