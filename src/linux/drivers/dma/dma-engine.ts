import type { Ptr } from '../../../cpu/layout.js';
import { ENODEV } from '../../../kernel/errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** DMA engines as clients see them (drivers/dma/dmaengine.c): no channel is there for anybody. */
export class DmaEngine implements Subsystem {
  constructor(readonly k: LinuxKernel) {}

  readonly exports = {
    dmaengine_get: () => undefined,
    dmaengine_put: () => undefined,
    dma_find_channel: () => 0,
    dma_issue_pending_all: () => undefined,
    dma_request_chan: (_device: Ptr, _name: Ptr) => errPtr(ENODEV),
    dma_request_chan_by_mask: () => errPtr(ENODEV),
    __dma_request_channel: () => 0,
  };

  readonly signatures = { dmaengine_get: 'v:', dmaengine_put: 'v:' };
}
