import type { Ptr } from '../../../cpu/layout.js';
import { slabFlag } from '../../abi/slab-flags.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { SlabExports } from '../../mm/slab.js';
import type { Subsystem } from '../../subsystem.js';

/** `struct kmem_cache *iova_cache` */
const CACHE = 'iova_cache';

/** The cache that addresses for devices come from (drivers/iommu/iova.c): there as long as anybody wants it. */
export class IovaCache implements Subsystem {
  static readonly builtIn = 'CONFIG_IOMMU_IOVA';

  private users = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = [CACHE];
  readonly exports = {
    iova_cache_get: () => this.get(),
    iova_cache_put: () => this.put(),
  };

  private get cache(): Ptr {
    return this.k.variable(CACHE, 8);
  }

  private get(): number {
    const { k } = this;
    if (this.users === 0) {
      const name = k.constantString('iommu_iova');
      const flags = slabFlag(k, 'HWCACHE_ALIGN');
      const cache = k.get(SlabExports).createCache(name, k.sizeOf('iova'), 0, flags, 0);
      if (cache === 0) return -ENOMEM;
      k.space.storePtr(this.cache, cache);
    }
    this.users++;
    return 0;
  }

  private put(): void {
    const { k } = this;
    if (this.users === 0) {
      k.traps.warn(k.executor.current!, k.fn('iova_cache_put'), 'drivers/iommu/iova.c', false);
      return;
    }
    if (--this.users === 0) k.get(SlabExports).destroyCache(this.k.space.loadPtr(this.cache));
  }
}
