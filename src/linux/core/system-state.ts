import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What start_kernel() leaves behind (init/main.c, init/init_task.c). */
export class SystemState implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  readonly data = {
    system_state: (at: Ptr) => this.k.space.store32(at, this.k.enumValue('SYSTEM_RUNNING')),
    // Processes fills it.
    init_task: () => {},
  };
}
