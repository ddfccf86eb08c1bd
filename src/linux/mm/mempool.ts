import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { GFP_KERNEL } from '../abi/gfp.js';
import { ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { PageExports } from './pages.js';
import { SlabExports } from './slab.js';
import { VmallocExports } from './vmalloc.js';

/** Memory pools: a reserve of elements on top of an allocator (mm/mempool.c). */
export class Mempools implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    mempool_create: (min: number, alloc: Ptr, free: Ptr, data: Ptr) => this.create(min, alloc, free, data),
    mempool_create_node: (min: number, alloc: Ptr, free: Ptr, data: Ptr) =>
      this.create(min, alloc, free, data),
    mempool_init: (pool: Ptr, min: number, alloc: Ptr, free: Ptr, data: Ptr) =>
      this.init(pool, min, alloc, free, data),
    mempool_init_node: (pool: Ptr, min: number, alloc: Ptr, free: Ptr, data: Ptr) =>
      this.init(pool, min, alloc, free, data),
    mempool_exit: (pool: Ptr) => this.exit(pool),
    mempool_destroy: (pool: Ptr) => this.destroy(pool),
    mempool_alloc: (pool: Ptr, gfp: number) => this.alloc(pool, gfp),
    mempool_free: (element: Ptr, pool: Ptr) => this.free(element, pool),
    mempool_resize: (pool: Ptr, min: number) => this.resize(pool, min),
    mempool_alloc_slab: (gfp: number, cache: Ptr) => this.k.get(SlabExports).cacheAlloc(cache, gfp),
    mempool_free_slab: (element: Ptr, _cache: Ptr) => this.k.get(SlabExports).kfree(element),
    mempool_kmalloc: (gfp: number, size: number) => this.k.get(SlabExports).kmalloc(size, gfp),
    mempool_kfree: (element: Ptr) => this.k.get(SlabExports).kfree(element),
    mempool_kvmalloc: (gfp: number, size: number) => this.k.get(VmallocExports).kvmalloc(size, gfp),
    mempool_kvfree: (element: Ptr) => this.k.get(VmallocExports).kvfree(element),
    mempool_alloc_pages: (gfp: number, order: number) => this.k.get(PageExports).allocPages(gfp, order),
    mempool_free_pages: (page: Ptr, order: number) => this.k.get(PageExports).freePages(page, order),
  };

  readonly signatures = {
    mempool_kmalloc: 'p:uL',
    mempool_kvmalloc: 'p:uL',
    mempool_alloc_pages: 'p:uL',
    mempool_free_pages: 'v:pL',
  };

  private *create(min: number, alloc: Ptr, free: Ptr, data: Ptr): Sleepable<Ptr> {
    const pool = this.k.slab.allocateBytes(this.k.sizeOf('mempool_s'), true);
    if ((yield* this.init(pool, min, alloc, free, data)) === 0) return pool;
    this.k.slab.free(pool);
    return 0;
  }

  private *init(pool: Ptr, min: number, alloc: Ptr, free: Ptr, data: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('mempool_s');
    k.space.writable(pool, type.size).fill(0);
    type.set(pool, 'min_nr', min);
    type.set(pool, 'pool_data', data);
    type.set(pool, 'alloc', alloc);
    type.set(pool, 'free', free);
    type.set(pool, 'elements', k.slab.allocateBytes(min * 8, true));
    while (type.get(pool, 'curr_nr') < min) {
      const element = yield* type.call(pool, 'alloc', GFP_KERNEL, data);
      if (element === 0) {
        yield* this.exit(pool);
        return -ENOMEM;
      }
      this.push(pool, element);
    }
    return 0;
  }

  private push(pool: Ptr, element: Ptr): void {
    const type = this.k.struct('mempool_s');
    const count = type.get(pool, 'curr_nr');
    this.k.space.storePtr(type.get(pool, 'elements') + count * 8, element);
    type.set(pool, 'curr_nr', count + 1);
  }

  private pop(pool: Ptr): Ptr {
    const type = this.k.struct('mempool_s');
    const count = type.get(pool, 'curr_nr') - 1;
    type.set(pool, 'curr_nr', count);
    return this.k.space.loadPtr(type.get(pool, 'elements') + count * 8);
  }

  private *exit(pool: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('mempool_s');
    while (type.get(pool, 'curr_nr') > 0)
      yield* type.call(pool, 'free', this.pop(pool), type.get(pool, 'pool_data'));
    const elements = type.get(pool, 'elements');
    if (elements !== 0) k.slab.free(elements);
    type.set(pool, 'elements', 0);
  }

  private *destroy(pool: Ptr): Sleepable<void> {
    if (pool === 0) return;
    yield* this.exit(pool);
    this.k.slab.free(pool);
  }

  private *alloc(pool: Ptr, gfp: number): Sleepable<Ptr> {
    const type = this.k.struct('mempool_s');
    const element = yield* type.call(pool, 'alloc', gfp, type.get(pool, 'pool_data'));
    if (element !== 0) return element;
    return type.get(pool, 'curr_nr') > 0 ? this.pop(pool) : 0;
  }

  private *free(element: Ptr, pool: Ptr): Sleepable<void> {
    if (element === 0) return;
    const type = this.k.struct('mempool_s');
    if (type.get(pool, 'curr_nr') < type.get(pool, 'min_nr')) this.push(pool, element);
    else yield* type.call(pool, 'free', element, type.get(pool, 'pool_data'));
  }

  private *resize(pool: Ptr, min: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('mempool_s');
    while (type.get(pool, 'curr_nr') > min)
      yield* type.call(pool, 'free', this.pop(pool), type.get(pool, 'pool_data'));
    const old = type.get(pool, 'elements');
    const fresh = k.slab.allocateBytes(min * 8, true);
    k.space.bytes.copyWithin(fresh, old, old + type.get(pool, 'curr_nr') * 8);
    k.slab.free(old);
    type.set(pool, 'elements', fresh);
    type.set(pool, 'min_nr', min);
    return 0;
  }
}
