import { constant } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Whether guests' memory is hidden from whom virtio devices belong to: nothing restricts it here (drivers/virtio/virtio_anchor.c). */
export class VirtioMemoryAccess implements Subsystem {
  static readonly builtIn = 'CONFIG_VIRTIO_ANCHOR';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    virtio_require_restricted_mem_acc: constant(true),
    virtio_no_restricted_mem_acc: constant(false),
  };

  readonly data = {
    virtio_check_mem_acc_cb: (at: number) => {
      if (this.k.hasSymbol('virtio_no_restricted_mem_acc'))
        this.k.space.storePtr(at, this.k.fn('virtio_no_restricted_mem_acc'));
    },
  };
}
