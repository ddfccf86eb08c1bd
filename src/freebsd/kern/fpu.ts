import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Malloc } from './malloc.js';

/** fpu_kern(9) (sys/amd64/amd64/fpu.c): vector registers of the machine are any thread's, since nothing takes them away while it runs. */
export class Fpu implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    fpu_kern_alloc_ctx: () =>
      this.k
        .get(Malloc)
        .malloc(CONTEXT_BYTES, this.k.variable('M_TEMP'), this.k.macro('M_WAITOK') | this.k.macro('M_ZERO')),
    fpu_kern_free_ctx: (context: Ptr) => this.k.get(Malloc).free(context, this.k.variable('M_TEMP')),
    fpu_kern_enter: (_thread: Ptr, context: Ptr) => this.enter(context),
    fpu_kern_leave: (_thread: Ptr, context: Ptr) => this.leave(context),
    fpu_kern_thread: () => 0,
    is_fpu_kern_thread: () => 1,
  };

  readonly signatures = { fpu_kern_thread: 'i:i', is_fpu_kern_thread: 'i:i' };

  /** Without a context the section is a critical one (FPU_KERN_NOCTX). */
  private enter(context: Ptr): number {
    if (context === 0) this.k.processes.critnest++;
    return 0;
  }

  private leave(context: Ptr): number {
    if (context === 0) this.k.processes.critnest--;
    return 0;
  }
}

/** A struct fpu_kern_ctx with room for the registers of AVX. */
const CONTEXT_BYTES = 1024;
