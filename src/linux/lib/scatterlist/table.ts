import type { AddressSpace } from '../../../cpu/address-space.js';
import { PAGE_SHIFT, PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import { VMEMMAP } from '../../memory-map.js';
import type { StructView } from '../vsprintf/context.js';

/** Low bits of page_link (include/linux/scatterlist.h). */
const CHAIN = 1n;
const END = 2n;
const SG_FLAGS = 3n;

/** Entries of struct scatterlist: pages with an offset and a length, in arrays that may be chained. */
export class ScatterTable {
  constructor(
    readonly space: AddressSpace,
    readonly entry: StructView,
    /** sizeof(struct page). */
    private readonly pageBytes: number,
  ) {}

  get entryBytes(): number {
    return this.entry.size;
  }

  link(sg: Ptr): bigint {
    return this.entry.getBig(sg, 'page_link');
  }

  isLast(sg: Ptr): boolean {
    return (this.link(sg) & END) !== 0n;
  }

  /** sg_next(): 0 after the last. */
  next(sg: Ptr): Ptr {
    if (this.isLast(sg)) return 0;
    const next = sg + this.entryBytes;
    const link = this.link(next);
    return link & CHAIN ? this.space.fromAddress(link & ~SG_FLAGS) : next;
  }

  /** sg_mark_end(). */
  markEnd(sg: Ptr): void {
    this.entry.setBig(sg, 'page_link', (this.link(sg) | END) & ~CHAIN);
  }

  /** sg_chain(): the last of `count` entries leads to another array. */
  chain(array: Ptr, count: number, to: Ptr): void {
    const sg = array + (count - 1) * this.entryBytes;
    this.entry.set(sg, 'offset', 0);
    this.entry.set(sg, 'length', 0);
    this.entry.setBig(sg, 'page_link', (this.space.toAddress(to) | CHAIN) & ~END);
  }

  /** sg_init_table(). */
  init(array: Ptr, count: number): void {
    this.space.writable(array, count * this.entryBytes).fill(0);
    this.markEnd(array + (count - 1) * this.entryBytes);
  }

  /** sg_set_page(). */
  setPage(sg: Ptr, page: Ptr, length: number, offset: number): void {
    this.entry.setBig(sg, 'page_link', (this.link(sg) & SG_FLAGS) | this.space.toAddress(page));
    this.entry.set(sg, 'offset', offset);
    this.entry.set(sg, 'length', length);
  }

  /** sg_set_buf(). */
  setBuffer(sg: Ptr, buf: Ptr, length: number): void {
    this.setPage(sg, this.pageOf(buf), length, buf % PAGE_SIZE);
  }

  /** The struct page of an address: virt_to_page(). */
  pageOf(ptr: Ptr): Ptr {
    return VMEMMAP.start + (ptr >>> PAGE_SHIFT) * this.pageBytes;
  }

  /** The memory of a struct page: page_address(). */
  memoryOf(page: Ptr): Ptr {
    return ((page - VMEMMAP.start) / this.pageBytes) * PAGE_SIZE;
  }

  page(sg: Ptr): Ptr {
    return this.space.fromAddress(this.link(sg) & ~SG_FLAGS);
  }

  length(sg: Ptr): number {
    return this.entry.get(sg, 'length');
  }

  offset(sg: Ptr): number {
    return this.entry.get(sg, 'offset');
  }

  /** sg_virt(). */
  memory(sg: Ptr): Ptr {
    return this.memoryOf(this.page(sg)) + this.offset(sg);
  }

  /** The entries from one on. */
  *entries(first: Ptr): Generator<Ptr> {
    for (let sg = first; sg !== 0; sg = this.next(sg)) yield sg;
  }
}
