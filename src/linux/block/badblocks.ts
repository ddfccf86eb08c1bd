import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Lists of bad sectors (block/badblocks.c): a page of ranges. */
export class BadBlocks implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    badblocks_init: (blocks: Ptr, enable: number) => {
      const type = this.k.struct('badblocks');
      this.k.space.writable(blocks, type.size).fill(0);
      const page = this.k.slab.allocateBytes(PAGE_SIZE, true);
      type.set(blocks, 'shift', enable !== 0 && page !== 0 ? 0 : -1);
      type.set(blocks, 'page', page);
      return page === 0 ? -ENOMEM : 0;
    },
    badblocks_exit: (blocks: Ptr) => {
      if (blocks === 0) return;
      const type = this.k.struct('badblocks');
      if (type.get(blocks, 'page') !== 0) this.k.slab.free(type.get(blocks, 'page'));
      type.set(blocks, 'page', 0);
    },
  };
}
