import { PAGE_SHIFT, PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Scatterlist } from './scatterlist.js';
import type { ScatterTable } from './table.js';

/** Walking a scatter-gather list page by page (sg_page_iter) or piece by piece, mapped (sg_mapping_iter). */
export class ScatterIterators implements Subsystem {
  private readonly pages: StructType;
  private readonly mapping: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.pages = k.struct('sg_page_iter');
    this.mapping = k.struct('sg_mapping_iter');
  }

  readonly exports = {
    __sg_page_iter_start: (iter: Ptr, first: Ptr, count: number, offset: number) =>
      this.start(iter, first, count, offset),
    __sg_page_iter_next: (iter: Ptr) => this.next(iter, false),
    __sg_page_iter_dma_next: (iter: Ptr) => this.next(iter, true),
    sg_miter_start: (iter: Ptr, first: Ptr, count: number, flags: number) => {
      this.k.space.writable(iter, this.mapping.size).fill(0);
      this.start(this.mapping.addr(iter, 'piter'), first, count, 0);
      this.mapping.set(iter, '__flags', flags);
    },
    sg_miter_next: (iter: Ptr) => this.nextPiece(iter),
    sg_miter_skip: (iter: Ptr, offset: number) => this.skip(iter, offset),
    sg_miter_stop: (iter: Ptr) => this.stop(iter),
  };

  private get table(): ScatterTable {
    return this.k.get(Scatterlist).table;
  }

  private start(iter: Ptr, first: Ptr, count: number, offset: number): void {
    this.pages.set(iter, '__pg_advance', 0);
    this.pages.set(iter, '__nents', count);
    this.pages.set(iter, 'sg', first);
    this.pages.set(iter, 'sg_pgoffset', offset);
  }

  private next(iter: Ptr, dma: boolean): boolean {
    const { pages, table } = this;
    let sg = pages.get(iter, 'sg');
    if (pages.get(iter, '__nents') === 0 || sg === 0) return false;
    let offset = pages.get(iter, 'sg_pgoffset') + pages.get(iter, '__pg_advance');
    pages.set(iter, '__pg_advance', 1);
    while (offset >= this.pageCount(sg, dma)) {
      offset -= this.pageCount(sg, dma);
      sg = table.next(sg);
      pages.set(iter, 'sg', sg);
      pages.set(iter, '__nents', pages.get(iter, '__nents') - 1);
      if (pages.get(iter, '__nents') === 0 || sg === 0) return false;
    }
    pages.set(iter, 'sg_pgoffset', offset);
    return true;
  }

  private pageCount(sg: Ptr, dma: boolean): number {
    const offset = this.table.offset(sg);
    const length = dma ? this.table.entry.get(sg, 'dma_length') : this.table.length(sg);
    return Math.ceil((offset + length) / PAGE_SIZE);
  }

  /** Finds the page that the next piece is in, unless there is some of the present one left. */
  private nextPage(iter: Ptr): boolean {
    const { mapping, table } = this;
    if (mapping.get(iter, '__remaining') > 0) return true;
    const pageIter = mapping.addr(iter, 'piter');
    if (!this.next(pageIter, false)) return false;
    const sg = this.pages.get(pageIter, 'sg');
    const pageOffset = this.pages.get(pageIter, 'sg_pgoffset');
    const offset = pageOffset > 0 ? 0 : table.offset(sg);
    const left = table.offset(sg) + table.length(sg) - (pageOffset << PAGE_SHIFT) - offset;
    mapping.set(iter, '__offset', offset);
    mapping.set(iter, '__remaining', Math.min(left, PAGE_SIZE - offset));
    return true;
  }

  private nextPiece(iter: Ptr): boolean {
    const { mapping, table } = this;
    this.stop(iter);
    if (!this.nextPage(iter)) return false;
    const pageIter = mapping.addr(iter, 'piter');
    const pageOffset = this.pages.get(pageIter, 'sg_pgoffset');
    const page = table.page(this.pages.get(pageIter, 'sg')) + pageOffset * this.k.sizeOf('page');
    mapping.set(iter, 'page', page);
    const length = mapping.get(iter, '__remaining');
    mapping.set(iter, 'length', length);
    mapping.set(iter, 'consumed', length);
    mapping.set(iter, 'addr', table.memoryOf(page) + mapping.get(iter, '__offset'));
    return true;
  }

  private skip(iter: Ptr, offset: number): boolean {
    this.stop(iter);
    for (let left = offset; left > 0; ) {
      if (!this.nextPage(iter)) return false;
      const consumed = Math.min(left, this.mapping.get(iter, '__remaining'));
      this.mapping.set(iter, 'consumed', consumed);
      left -= consumed;
      this.take(iter, consumed);
    }
    this.mapping.set(iter, 'consumed', 0);
    return true;
  }

  private take(iter: Ptr, consumed: number): void {
    this.mapping.set(iter, '__offset', this.mapping.get(iter, '__offset') + consumed);
    this.mapping.set(iter, '__remaining', this.mapping.get(iter, '__remaining') - consumed);
  }

  private stop(iter: Ptr): void {
    const { mapping } = this;
    if (mapping.get(iter, 'addr') === 0) return;
    this.take(iter, mapping.get(iter, 'consumed'));
    for (const member of ['page', 'addr', 'length', 'consumed']) mapping.set(iter, member, 0);
  }
}
