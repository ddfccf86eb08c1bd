import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** How much memory the kernel's zlib wants from its callers (lib/zlib_inflate). */
export class ZlibMemory implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    zlib_inflate_workspacesize: () => this.k.sizeOf('inflate_workspace'),
  };
}
