import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import { GFP_COMP, GFP_DIRECT_RECLAIM } from '../abi/gfp.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import { VMALLOC, VMEMMAP } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';
import { AllocatorWords } from './allocator-words.js';

/** Blocks of pages have orders below that (MAX_ORDER of x86). */
const ORDERS = 11;
/** page.mapping of the pages behind the first of a block (TAIL_MAPPING). */
const TAIL_MAPPING = 0xdead_0000_0000_0400n;
/** What frees a block (enum compound_dtor_id). */
const COMPOUND_PAGE_DTOR = 1;
const PG_HEAD = 16;

/** Arguments of alloc_pages_bulk(): a list or an array (NULL) takes the pages. */
type Bulk = [flags: number, node: number, nodemask: Ptr, wanted: number, list: Ptr, slots: Ptr];

/** The page allocator's exports (mm/page_alloc.c): pages by `struct page` or by address. */
export class PageExports implements Subsystem {
  private readonly pageSize: number;

  constructor(private readonly k: LinuxKernel) {
    this.pageSize = k.sizeOf('page');
  }

  readonly exports = {
    alloc_pages: (flags: number, order: number) => this.allocPages(flags, order),
    __alloc_pages: (flags: number, order: number) => this.allocPages(flags, order),
    __alloc_pages_bulk: (...bulk: Bulk) => this.allocBulk(...bulk),
    alloc_pages_bulk_noprof: (...bulk: Bulk) => this.allocBulk(...bulk),
    folio_alloc: (flags: number, order: number) => this.allocPages(flags | GFP_COMP, order),
    folio_alloc_noprof: (flags: number, order: number) => this.allocPages(flags | GFP_COMP, order),
    alloc_pages_noprof: (flags: number, order: number) => this.allocPages(flags, order),
    __free_pages: (page: Ptr, order: number) => this.freePages(page, order),
    free_pages: (address: Ptr, order: number) => {
      if (address !== 0) this.freePages(this.toPage(address), order);
    },
    __get_free_pages: (flags: number, order: number) => this.addressOf(this.allocPages(flags, order)),
    get_free_pages_noprof: (flags: number, order: number) => this.addressOf(this.allocPages(flags, order)),
    get_zeroed_page: (flags: number) => this.addressOf(this.allocPages(flags, 0)),
    alloc_pages_exact: (size: number, flags: number) => this.allocExact(size, flags),
    free_pages_exact: (address: Ptr) => {
      if (address !== 0) this.k.pages.free(address);
    },
    __put_devmap_managed_page_refs: nothing('no memory is that of a device', false),
    free_unref_page: (page: Ptr, order: number) => this.freePages(page, order),
    __free_pages_ok: (page: Ptr, order: number) => this.freePages(page, order),
    free_unref_page_list: (pages: Ptr) => this.freeList(pages),
    free_unref_folios: (batch: Ptr) => this.freeBatch(batch),
    __folio_put: (page: Ptr) => this.freePages(page, 0),
    vmalloc_to_page: (address: Ptr) => this.toPage(address),
    vmalloc_to_pfn: (address: Ptr) => Math.floor(address / PAGE_SIZE),
    is_vmalloc_addr: (address: Ptr) => address >= VMALLOC.start && address < VMALLOC.start + VMALLOC.size,
    is_vmalloc_or_module_addr: (address: Ptr) =>
      address >= 0x4000_0000 && address < VMALLOC.start + VMALLOC.size,
    si_meminfo: (info: Ptr) => this.memoryInfo(info),
    nr_free_buffer_pages: () => Math.floor(this.k.pages.available / PAGE_SIZE),
  };

  readonly signatures = {
    free_pages: 'v:pu',
    __get_free_pages: 'p:uu',
    get_free_pages_noprof: 'p:uu',
    get_zeroed_page: 'p:u',
  };

  /** Pages of the kernel image are never free: the zero page is one that modules take references of. */
  boot(): void {
    if (!this.k.hasSymbol('empty_zero_page')) return;
    const page = this.toPage(this.k.symbol('empty_zero_page'));
    this.k.struct('page').set(page, '_refcount.counter', 1);
  }

  private allocExact(size: number, flags: number): Ptr {
    if (size <= PAGE_SIZE << (ORDERS - 1)) return this.k.pages.allocateExact(size);
    this.k.get(AllocatorWords).tooLarge(flags);
    return 0;
  }

  /** A zeroed block of 2^order pages, as its first struct page; 0 when there is none. */
  allocPages(flags: number, order: number): Ptr {
    if (flags & GFP_DIRECT_RECLAIM) this.k.traps.mightSleep('include/linux/sched/mm.h', 274);
    if (order >= ORDERS) {
      this.k.get(AllocatorWords).tooLarge(flags);
      return 0;
    }
    const address = this.k.pages.allocate(order);
    if (address === 0) return 0;
    const page = this.toPage(address);
    const type = this.k.struct('page');
    this.k.space.bytes.fill(0, page, page + (this.pageSize << order));
    // As prep_new_page() leaves them: what the page was used for before is forgotten.
    type.set(page, 'private', 0);
    type.set(page, 'mapping', 0);
    type.set(page, 'index', 0);
    type.set(page, '_refcount.counter', 1);
    type.set(page, '_mapcount.counter', -1);
    for (let i = 1; i < 1 << order; i++) type.set(page + i * this.pageSize, '_mapcount.counter', -1);
    if (flags & GFP_COMP && order > 0) this.makeCompound(page, order);
    return page;
  }

  /**
   * Single pages to the end of a list or, where there is an array, into its empty slots: how many pages the list got, or the array
   * has up to the first slot that stays empty.
   */
  private allocBulk(...[flags, , , wanted, head, slots]: Bulk): number {
    const { space } = this.k;
    for (let count = 0; count < wanted; count++) {
      const slot = slots + 8 * count;
      if (slots !== 0 && space.loadPtr(slot) !== 0) continue;
      const page = this.allocPages(flags, 0);
      if (page === 0) return count;
      if (slots !== 0) space.storePtr(slot, page);
      else list.addTail(space, this.k.struct('page').addr(page, 'lru'), head);
    }
    return wanted;
  }

  /** Drops a reference; the last one frees the block. */
  freePages(page: Ptr, _order: number): void {
    if (page === 0) return;
    const type = this.k.struct('page');
    const count = type.get(page, '_refcount.counter') - 1;
    if (count > 0) {
      type.set(page, '_refcount.counter', count);
      return;
    }
    type.set(page, '_refcount.counter', 0);
    if (!this.k.pages.free(this.addressOf(page))) {
      this.k.traps.complain('double-free', `BUG: Bad page state: page freed twice`, this.addressOf(page));
    }
  }

  /** free_unref_page_list(): pages of no other use, linked by `lru`. */
  private freeList(head: Ptr): void {
    const type = this.k.struct('page');
    for (const node of [...list.entries(this.k.space, head)]) this.freePages(type.of(node, 'lru'), 0);
    list.init(this.k.space, head);
  }

  /** free_unref_folios(): folios of no other use, in an array; the batch is empty afterwards. */
  private freeBatch(batch: Ptr): void {
    const type = this.k.struct('folio_batch');
    const folios = type.addr(batch, 'folios');
    for (let i = 0; i < type.get(batch, 'nr'); i++) this.freePages(this.k.space.loadPtr(folios + 8 * i), 0);
    type.set(batch, 'nr', 0);
  }

  /** page_address */
  addressOf(page: Ptr): Ptr {
    return page === 0 ? 0 : Math.floor((page - VMEMMAP.start) / this.pageSize) * PAGE_SIZE;
  }

  /** virt_to_page */
  toPage(address: Ptr): Ptr {
    return VMEMMAP.start + Math.floor(address / PAGE_SIZE) * this.pageSize;
  }

  /** The block of pages, allocated as one object (__GFP_COMP), that an address is in. */
  compoundAt(address: Ptr): { readonly ptr: Ptr; readonly bytes: number } | undefined {
    const type = this.k.struct('page');
    const page = this.toPage(address);
    const head = this.headOf(page);
    if ((type.getBig(head, 'flags') & (1n << BigInt(PG_HEAD))) === 0n) return undefined;
    const ptr = this.addressOf(head);
    const block = this.k.ledger.get(ptr);
    return block && { ptr, bytes: block.size };
  }

  /** compound_head(): the first page of the block that a page is of. */
  headOf(page: Ptr): Ptr {
    const tag = this.k.struct('page').getBig(page, 'compound_head');
    return tag & 1n ? this.k.space.fromAddress(tag - 1n) : page;
  }

  private makeCompound(head: Ptr, order: number): void {
    const { space } = this.k;
    const type = this.k.struct('page');
    type.setBig(head, 'flags', type.getBig(head, 'flags') | (1n << BigInt(PG_HEAD)));
    const tag = space.toAddress(head) | 1n;
    for (let i = 1; i < 1 << order; i++) {
      const tail = head + i * this.pageSize;
      type.setBig(tail, 'mapping', TAIL_MAPPING);
      type.setBig(tail, 'compound_head', tag);
      type.set(tail, 'private', 0);
    }
    this.describeBlock(head, order);
  }

  /** prep_compound_head(): what the second page of a block says of all of it. */
  private describeBlock(head: Ptr, order: number): void {
    const type = this.k.struct('folio');
    if (type.has('_folio_dtor')) type.set(head, '_folio_dtor', COMPOUND_PAGE_DTOR);
    if (type.has('_folio_order')) type.set(head, '_folio_order', order);
    else type.setBig(head, '_flags_1', (type.getBig(head, '_flags_1') & ~0xffn) | BigInt(order));
    if (type.has('_folio_nr_pages')) type.set(head, '_folio_nr_pages', 1 << order);
    if (type.has('_pincount')) type.set(head, '_pincount.counter', 0);
    for (const field of ['_total_mapcount', '_entire_mapcount', '_large_mapcount'] as const)
      if (type.has(field)) type.set(head, `${field}.counter`, -1);
    if (type.has('_nr_pages_mapped')) type.set(head, '_nr_pages_mapped.counter', 0);
  }

  private memoryInfo(info: Ptr): void {
    const type = this.k.struct('sysinfo');
    this.k.space.bytes.fill(0, info, info + type.size);
    type.set(info, 'totalram', this.k.budget.limit / PAGE_SIZE);
    type.set(info, 'freeram', Math.floor(this.k.pages.available / PAGE_SIZE));
    type.set(info, 'mem_unit', PAGE_SIZE);
  }
}
