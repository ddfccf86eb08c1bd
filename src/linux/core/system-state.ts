import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** elfcorehdr_addr of a kernel that did not come after a crash (include/linux/crash_dump.h). */
const ELFCORE_ADDR_MAX = 0xffff_ffff_ffff_ffffn;

/** What start_kernel() leaves behind (init/main.c, init/init_task.c, kernel/crash_dump.c). */
export class SystemState implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  readonly data = {
    system_state: (at: Ptr) => this.k.space.store32(at, this.k.enumValue('SYSTEM_RUNNING')),
    elfcorehdr_addr: (at: Ptr) => this.k.space.store64(at, ELFCORE_ADDR_MAX),
    // Keys of branches can be set: what modules look at before they set one (jump_label_init()).
    static_key_initialized: (at: Ptr) => this.k.space.store8(at, 1),
    // Processes fills it.
    init_task: () => {},
  };
}
