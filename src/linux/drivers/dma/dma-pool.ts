import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import type { SlabCache } from '../../../kernel/mm/slab.js';
import { GFP_ZERO } from '../../abi/gfp.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Devres } from '../base/devres.js';
import { DmaDebug } from './dma-debug.js';

/** Room for the list of free blocks. */
const SMALLEST_BLOCK = 4;

interface Pool {
  readonly name: string;
  readonly device: Ptr;
  readonly size: number;
  readonly cache: SlabCache;
  readonly blocks: Set<Ptr>;
}

const isPowerOfTwo = (value: number): boolean => (value & (value - 1)) === 0;

/** Pools of small coherent blocks (mm/dmapool.c, Documentation/core-api/dma-api.rst). */
export class DmaPools implements Subsystem {
  private readonly pools = new Map<Ptr, Pool>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dma_pool_create: (name: Ptr, device: Ptr, size: number, align: number, boundary: number) =>
      this.create(name, device, size, align, boundary),
    dma_pool_destroy: (pool: Ptr) => this.destroy(pool),
    dma_pool_alloc: (pool: Ptr, flags: number, handle: Ptr) => this.allocate(pool, flags, handle),
    dma_pool_free: (pool: Ptr, block: Ptr, address: bigint) => this.free(pool, block, address),
    dmam_pool_create: (name: Ptr, device: Ptr, size: number, align: number, boundary: number) => {
      const pool = this.create(name, device, size, align, boundary);
      if (pool !== 0) this.k.get(Devres).addHost(device, pool, () => this.destroy(pool));
      return pool;
    },
    dmam_pool_destroy: (pool: Ptr) => {
      const device = this.k.struct('dma_pool').get(pool, 'dev');
      if (this.k.get(Devres).takeHost(device, pool)) this.destroy(pool);
    },
  };

  readonly signatures = {
    dma_pool_free: 'v:ppQ',
  };

  *holds(): Generator<Holding> {
    for (const [at, { name }] of this.pools) yield { kind: 'DMA pool', at, name: () => name };
  }

  private create(name: Ptr, device: Ptr, size: number, align: number, boundary: number): Ptr {
    const { k } = this;
    const unit = Math.max(align, 1);
    const rounded = Math.ceil(Math.max(size, SMALLEST_BLOCK) / unit) * unit;
    if (
      size === 0 ||
      !isPowerOfTwo(unit) ||
      (boundary !== 0 && (boundary < rounded || !isPowerOfTwo(boundary)))
    )
      return 0;
    const type = k.struct('dma_pool');
    const pool = k.slab.allocateBytes(type.size, true);
    if (pool === 0) return 0;
    type.set(pool, 'dev', device);
    type.set(pool, 'size', rounded);
    const text = k.space.cstring(name);
    type.setText(pool, 'name', text);
    // A block at a multiple of a power of two that holds it crosses no boundary.
    const natural = 2 ** Math.ceil(Math.log2(rounded));
    const cache = k.slab.createCache({
      name: text,
      objectSize: rounded,
      align: Math.min(Math.max(natural, unit), PAGE_SIZE),
      keepContent: false,
    });
    this.pools.set(pool, { name: text, device, size: rounded, cache, blocks: new Set() });
    k.origins.note(pool);
    return pool;
  }

  private destroy(ptr: Ptr): void {
    const pool = this.pools.get(ptr);
    if (!pool) return;
    const { k } = this;
    if (pool.blocks.size > 0) this.complain(pool, `dma_pool_destroy ${pool.name} busy`);
    this.pools.delete(ptr);
    k.slab.destroyCache(pool.cache);
    k.slab.free(ptr);
  }

  private allocate(ptr: Ptr, flags: number, handle: Ptr): Ptr {
    const pool = this.pools.get(ptr);
    if (!pool) return 0;
    const { k } = this;
    const block = k.slab.allocate(pool.cache, (flags & GFP_ZERO) !== 0, pool.size, true);
    if (block === 0) return 0;
    pool.blocks.add(block);
    k.space.store64(handle, BigInt(block));
    k.get(DmaDebug).map({
      device: pool.device,
      kind: 'coherent',
      address: block,
      size: pool.size,
      direction: 'DMA_BIDIRECTIONAL',
      entries: 1,
      mayOverlap: false,
    });
    return block;
  }

  private free(ptr: Ptr, block: Ptr, address: bigint): void {
    const pool = this.pools.get(ptr);
    if (!pool) return;
    const { k } = this;
    if (address !== BigInt(block) || !pool.blocks.delete(block)) {
      const hex = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;
      const places = `${hex(k.space.toAddress(block))}/${hex(address)}`;
      this.complain(pool, `dma_pool_free ${pool.name}, ${places} (bad dma)`);
      k.get(DmaDebug).tell(
        pool.device,
        `dma_pool_free ${pool.name}, ${places}: no block of the pool`,
        address,
      );
      return;
    }
    k.get(DmaDebug).forgetCoherent(pool.device, block);
    k.slab.free(block);
  }

  private complain({ device }: Pool, text: string): void {
    const { k } = this;
    const where = device === 0 ? '' : `${driverName(k, device)} ${deviceName(k, device)}: `;
    k.log.line(`${where}${text}`, LOGLEVEL_ERR);
  }
}
