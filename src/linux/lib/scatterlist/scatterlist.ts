import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import { EINVAL, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { moveBytes } from '../string/bytes.js';
import { ScatterTable } from './table.js';

/** Scatter-gather lists (include/linux/scatterlist.h, lib/scatterlist.c). */
export class Scatterlist implements Subsystem {
  readonly table: ScatterTable;
  /** Entries in one allocation (SG_MAX_SINGLE_ALLOC). */
  private readonly perChunk: number;

  constructor(private readonly k: LinuxKernel) {
    this.table = new ScatterTable(k.space, k.struct('scatterlist'), k.sizeOf('page'));
    this.perChunk = Math.floor(PAGE_SIZE / this.table.entryBytes);
  }

  readonly exports = {
    sg_next: (sg: Ptr) => this.table.next(sg),
    sg_nents: (first: Ptr) => [...this.table.entries(first)].length,
    sg_nents_for_len: (first: Ptr, bytes: number) => this.entriesFor(first, bytes),
    sg_last: (first: Ptr, count: number) => {
      let last = first;
      for (let i = 1; i < count; i++) last = this.table.next(last);
      return last;
    },
    sg_init_table: (array: Ptr, count: number) => this.table.init(array, count),
    sg_init_one: (sg: Ptr, buf: Ptr, bytes: number) => {
      this.table.init(sg, 1);
      this.table.setBuffer(sg, buf, bytes);
    },
    sg_alloc_table: (table: Ptr, count: number) => this.allocate(table, count, 0, 0),
    sg_alloc_table_chained: (table: Ptr, count: number, first: Ptr, firstCount: number) =>
      this.allocate(table, count, first, firstCount),
    sg_free_table: (table: Ptr) => this.free(table, 0),
    sg_free_table_chained: (table: Ptr, firstCount: number) => this.free(table, firstCount),
    sg_alloc_table_from_pages_segment: (
      table: Ptr,
      pages: Ptr,
      count: number,
      offset: number,
      size: number,
      maxSegment: number,
    ) => this.fromPages(table, pages, count, offset, size, maxSegment),
    sgl_alloc: (bytes: bigint, _gfp: number, count: Ptr) => this.allocateList(bytes, 0, count),
    sgl_alloc_order: (bytes: bigint, order: number, _chainable: boolean, _gfp: number, count: Ptr) =>
      this.allocateList(bytes, order, count),
    sgl_free: (first: Ptr) => this.freeList(first),
    sgl_free_order: (first: Ptr) => this.freeList(first),
    sg_copy_buffer: (first: Ptr, count: number, buf: Ptr, bytes: number, skip: number, toBuffer: boolean) =>
      this.copy(first, count, buf, bytes, skip, toBuffer),
    sg_copy_from_buffer: (first: Ptr, count: number, buf: Ptr, bytes: number) =>
      this.copy(first, count, buf, bytes, 0, false),
    sg_copy_to_buffer: (first: Ptr, count: number, buf: Ptr, bytes: number) =>
      this.copy(first, count, buf, bytes, 0, true),
    sg_pcopy_from_buffer: (first: Ptr, count: number, buf: Ptr, bytes: number, skip: number) =>
      this.copy(first, count, buf, bytes, skip, false),
    sg_pcopy_to_buffer: (first: Ptr, count: number, buf: Ptr, bytes: number, skip: number) =>
      this.copy(first, count, buf, bytes, skip, true),
    sg_zero_buffer: (first: Ptr, count: number, bytes: number, skip: number) =>
      this.pieces(first, count, bytes, skip, (at, length) => {
        this.k.space.writable(at, length).fill(0);
      }),
  };

  private entriesFor(first: Ptr, bytes: number): number {
    if (bytes === 0) return 0;
    let total = 0;
    let count = 0;
    for (const sg of this.table.entries(first)) {
      count++;
      total += this.table.length(sg);
      if (total >= bytes) return count;
    }
    return -EINVAL;
  }

  /** Arrays of entries, each but the last ending in a link to the next one. */
  private allocate(table: Ptr, count: number, first: Ptr, firstCount: number): number {
    const type = this.k.struct('sg_table');
    this.k.space.writable(table, type.size).fill(0);
    if (count === 0) return -EINVAL;
    let left = count;
    let previous: Ptr = 0;
    let previousRoom = 0;
    while (left > 0) {
      const isGiven = previous === 0 && first !== 0;
      const limit = isGiven ? firstCount : this.perChunk;
      const room = Math.min(left, limit);
      const array = isGiven ? first : this.k.slab.allocateBytes(room * this.table.entryBytes, false);
      if (array === 0) {
        this.free(table, first === 0 ? 0 : firstCount);
        return -ENOMEM;
      }
      this.table.init(array, room);
      if (previous === 0) type.set(table, 'sgl', array);
      else this.table.chain(previous, previousRoom, array);
      const used = left > limit ? room - 1 : room;
      type.set(table, 'nents', type.get(table, 'nents') + used);
      type.set(table, 'orig_nents', type.get(table, 'nents'));
      left -= used;
      previous = array;
      previousRoom = room;
    }
    return 0;
  }

  private free(table: Ptr, firstCount: number): void {
    const type = this.k.struct('sg_table');
    let array = type.get(table, 'sgl');
    let left = type.get(table, 'orig_nents');
    if (array === 0) return;
    for (let isFirst = true; left > 0; isFirst = false) {
      const limit = isFirst && firstCount > 0 ? firstCount : this.perChunk;
      const hasMore = left > limit;
      const next = hasMore ? this.table.page(array + (limit - 1) * this.table.entryBytes) : 0;
      if (!isFirst || firstCount === 0) this.k.slab.free(array);
      left -= hasMore ? limit - 1 : left;
      array = next;
    }
    type.set(table, 'sgl', 0);
    type.set(table, 'nents', 0);
    type.set(table, 'orig_nents', 0);
  }

  /** One entry for each run of pages that follow each other, no longer than a segment may be. */
  private fromPages(
    table: Ptr,
    pages: Ptr,
    count: number,
    offset: number,
    size: number,
    maxSegment: number,
  ): number {
    const limit = Math.floor(maxSegment / PAGE_SIZE) * PAGE_SIZE;
    if (limit === 0) return -EINVAL;
    const { space } = this.k;
    const pageBytes = this.k.sizeOf('page');
    const runs: { page: Ptr; count: number }[] = [];
    for (let i = 0; i < count; i++) {
      const page = space.loadPtr(pages + 8 * i);
      const run = runs.at(-1);
      if (run && run.page + run.count * pageBytes === page && (run.count + 1) * PAGE_SIZE <= limit)
        run.count++;
      else runs.push({ page, count: 1 });
    }
    const error = this.allocate(table, runs.length, 0, 0);
    if (error !== 0) return error;
    let sg = this.k.struct('sg_table').get(table, 'sgl');
    let skip = offset;
    let left = size;
    for (const run of runs) {
      const length = Math.min(run.count * PAGE_SIZE - skip, left);
      this.table.setPage(sg, run.page, length, skip);
      left -= length;
      skip = 0;
      sg = this.table.next(sg);
    }
    return 0;
  }

  private allocateList(bytes: bigint, order: number, countSlot: Ptr): Ptr {
    const elementBytes = PAGE_SIZE << order;
    const count = Number((bytes + BigInt(elementBytes) - 1n) / BigInt(elementBytes));
    const array = this.k.slab.allocateBytes(count * this.table.entryBytes, false);
    if (array === 0) return 0;
    this.table.init(array, count);
    let left = Number(bytes);
    for (let i = 0; i < count; i++) {
      const memory = this.k.pages.allocate(order);
      if (memory === 0) {
        this.freeList(array);
        return 0;
      }
      const length = Math.min(left, elementBytes);
      this.table.setBuffer(array + i * this.table.entryBytes, memory, length);
      left -= length;
    }
    if (countSlot !== 0) this.k.space.store32(countSlot, count);
    return array;
  }

  private freeList(first: Ptr): void {
    for (const sg of this.table.entries(first)) {
      if (this.table.link(sg) >> 2n !== 0n) this.k.pages.free(this.table.memoryOf(this.table.page(sg)));
    }
    this.k.slab.free(first);
  }

  private copy(first: Ptr, count: number, buf: Ptr, bytes: number, skip: number, toBuffer: boolean): number {
    return this.pieces(first, count, bytes, skip, (at, length, done) => {
      if (toBuffer) moveBytes(this.k.space, buf + done, at, length);
      else moveBytes(this.k.space, at, buf + done, length);
    });
  }

  /** Visits up to `bytes` of memory after the first `skip`; how much there was. */
  private pieces(
    first: Ptr,
    count: number,
    bytes: number,
    skip: number,
    visit: (at: Ptr, length: number, done: number) => void,
  ): number {
    let done = 0;
    let ahead = skip;
    let index = 0;
    for (const sg of this.table.entries(first)) {
      if (index++ === count || done === bytes) break;
      const length = this.table.length(sg);
      const from = Math.min(ahead, length);
      ahead -= from;
      const taken = Math.min(length - from, bytes - done);
      if (taken > 0) visit(this.table.memory(sg) + from, taken, done);
      done += taken;
    }
    return done;
  }
}
