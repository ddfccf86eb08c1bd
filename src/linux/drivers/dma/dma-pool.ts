import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { GFP_ZERO } from '../../abi/gfp.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Devres } from '../base/devres.js';
import { DmaDebug } from './dma-debug.js';

interface Pool {
  readonly name: string;
  readonly size: number;
  readonly blocks: Set<Ptr>;
}

/** Pools of small coherent blocks (mm/dmapool.c, Documentation/core-api/dma-api.rst). */
export class DmaPools implements Subsystem {
  private readonly pools = new Map<Ptr, Pool>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dma_pool_create: (name: Ptr, device: Ptr, size: number, align: number) =>
      this.create(name, device, size, align),
    dma_pool_destroy: (pool: Ptr) => this.destroy(pool),
    dma_pool_alloc: (pool: Ptr, flags: number, handle: Ptr) => this.allocate(pool, flags, handle),
    dma_pool_free: (pool: Ptr, block: Ptr) => this.free(pool, block),
    dmam_pool_create: (name: Ptr, device: Ptr, size: number, align: number) => {
      const pool = this.create(name, device, size, align);
      if (pool !== 0) this.k.get(Devres).addHost(device, pool, () => this.destroy(pool));
      return pool;
    },
    dmam_pool_destroy: (pool: Ptr) => {
      const device = this.k.struct('dma_pool').get(pool, 'dev');
      if (this.k.get(Devres).takeHost(device, pool)) this.destroy(pool);
    },
  };

  *holds(): Generator<Holding> {
    for (const [at, { name }] of this.pools) yield { kind: 'DMA pool', at, name: () => name };
  }

  private create(name: Ptr, device: Ptr, size: number, align: number): Ptr {
    const { k } = this;
    const unit = Math.max(align, 1);
    if (size === 0 || (unit & (unit - 1)) !== 0) return 0;
    const type = k.struct('dma_pool');
    const pool = k.slab.allocateBytes(type.size, true);
    const rounded = Math.ceil(Math.max(size, 4) / unit) * unit;
    type.set(pool, 'dev', device);
    type.set(pool, 'size', rounded);
    type.setText(pool, 'name', k.space.cstring(name));
    this.pools.set(pool, { name: k.space.cstring(name), size: rounded, blocks: new Set() });
    return pool;
  }

  private destroy(ptr: Ptr): void {
    const pool = this.pools.get(ptr);
    if (!pool) return;
    const { k } = this;
    if (pool.blocks.size > 0) {
      const device = k.struct('dma_pool').get(ptr, 'dev');
      const where = device === 0 ? '' : `${deviceName(k, device)}: `;
      k.log.line(`${where}dma_pool_destroy ${pool.name} busy`, LOGLEVEL_ERR);
    }
    this.pools.delete(ptr);
    k.slab.free(ptr);
  }

  private allocate(ptr: Ptr, flags: number, handle: Ptr): Ptr {
    const pool = this.pools.get(ptr);
    if (!pool) return 0;
    const block = this.k.slab.allocateBytes(pool.size, (flags & GFP_ZERO) !== 0);
    if (block === 0) return 0;
    pool.blocks.add(block);
    this.k.get(DmaDebug).map(block, pool.size);
    this.k.space.store64(handle, BigInt(block));
    return block;
  }

  private free(ptr: Ptr, block: Ptr): void {
    const pool = this.pools.get(ptr);
    if (pool?.blocks.delete(block)) {
      this.k.get(DmaDebug).unmap(block);
      this.k.slab.free(block);
    } else this.k.log.line(`dma_pool_free ${pool?.name ?? ''}, invalid block (bad vaddr)`, LOGLEVEL_ERR);
  }
}
