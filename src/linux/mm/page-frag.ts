import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import { GFP_COMP, GFP_HIGH, GFP_KSWAPD_RECLAIM } from '../abi/gfp.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { PageExports } from './pages.js';

/** GFP_ATOMIC: receiving does not wait. */
const ATOMIC = GFP_HIGH | GFP_KSWAPD_RECLAIM;

/**
 * Fragments of pages, as network drivers have for what they receive (mm/page_frag_cache.c; net/core/skbuff.c for those of network devices). Each is a block of pages of
 * its own, where the kernel cuts many out of one: who writes behind the end of his does not hit another's.
 */
export class PageFragments implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    page_frag_alloc_align: (_cache: Ptr, size: number, flags: number) => this.allocate(size, flags),
    __page_frag_alloc_align: (_cache: Ptr, size: number, flags: number) => this.allocate(size, flags),
    page_frag_free: (fragment: Ptr) => this.free(fragment),
    page_frag_cache_drain: nothing(
      'fragments are blocks of their own: nothing is kept for the next',
      undefined,
    ),
    __page_frag_cache_drain: (page: Ptr, count: number) => {
      for (let i = 0; i < count; i++) this.k.get(PageExports).freePages(page, 0);
    },
    __netdev_alloc_frag_align: (size: number) => this.allocate(size, ATOMIC),
    __napi_alloc_frag_align: (size: number) => this.allocate(size, ATOMIC),
  };

  private allocate(size: number, flags: number): Ptr {
    const pages = this.k.get(PageExports);
    const order = Math.max(0, Math.ceil(Math.log2(size / PAGE_SIZE)));
    const page = pages.allocPages(flags | GFP_COMP, order);
    return page === 0 ? 0 : pages.addressOf(page);
  }

  private free(fragment: Ptr): void {
    const pages = this.k.get(PageExports);
    pages.freePages(pages.headOf(pages.toPage(fragment)), 0);
  }
}
