import { nothing } from '../../../kernel/abi/fidelity.js';
import { ENODEV } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** DMA engines as clients see them (drivers/dma/dmaengine.c): no channel is there for anybody. */
export class DmaEngine implements Subsystem {
  static readonly builtIn = 'CONFIG_DMA_ENGINE';

  constructor(readonly k: LinuxKernel) {}

  readonly exports = {
    dmaengine_get: nothing('there are no DMA engines', undefined),
    dmaengine_put: nothing('there are no DMA engines', undefined),
    dma_find_channel: nothing('there are no DMA engines', 0),
    dma_issue_pending_all: nothing('there are no DMA engines', undefined),
    dma_request_chan: nothing('there are no DMA engines', errPtr(ENODEV)),
    dma_request_chan_by_mask: nothing('there are no DMA engines', errPtr(ENODEV)),
    __dma_request_channel: nothing('there are no DMA engines', 0),
  };
}
