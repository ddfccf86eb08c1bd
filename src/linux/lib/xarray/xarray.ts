import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { SlabCache } from '../../../kernel/mm/slab.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { errorEntry, isInternal, MAX_INDEX, PRESENT, ZERO } from './entry.js';
import { kernelNodeTree, nodeCache } from './nodes.js';
import { type Limit, XArray } from './x-array.js';

/** The exported XArray interface (Documentation/core-api/xarray.rst). */
export class XArrays implements Subsystem {
  readonly arrays: XArray;
  /** What nodes come from. */
  readonly cache: SlabCache;

  constructor(private readonly k: LinuxKernel) {
    this.cache = nodeCache(k);
    this.arrays = new XArray(kernelNodeTree(k, this.cache));
  }

  private readonly storeEntry = (xa: Ptr, index: bigint, entry: bigint): bigint =>
    isAdvanced(entry) ? errorEntry(EINVAL) : this.arrays.store(xa, index, entry);

  private readonly eraseEntry = (xa: Ptr, index: bigint): bigint => this.arrays.erase(xa, index);

  private readonly setMark = (xa: Ptr, index: bigint, mark: number): void =>
    this.arrays.setMark(xa, index, mark, true);

  private readonly clearMark = (xa: Ptr, index: bigint, mark: number): void =>
    this.arrays.setMark(xa, index, mark, false);

  readonly exports = {
    xa_load: (xa: Ptr, index: bigint) => this.arrays.load(xa, index),
    xa_store: this.storeEntry,
    __xa_store: this.storeEntry,
    xa_store_range: (xa: Ptr, first: bigint, last: bigint, entry: bigint) =>
      isInternal(entry) ? errorEntry(EINVAL) : this.arrays.storeRange(xa, first, last, entry),
    xa_erase: this.eraseEntry,
    __xa_erase: this.eraseEntry,
    __xa_cmpxchg: (xa: Ptr, index: bigint, expected: bigint, entry: bigint) =>
      isAdvanced(entry) ? errorEntry(EINVAL) : this.arrays.compareExchange(xa, index, expected, entry),
    __xa_insert: (xa: Ptr, index: bigint, entry: bigint) =>
      isAdvanced(entry) ? -EINVAL : this.arrays.insert(xa, index, entry),
    __xa_alloc: (xa: Ptr, id: Ptr, entry: bigint, limit: bigint) => {
      if (isAdvanced(entry)) return -EINVAL;
      const index = this.arrays.allocate(xa, entry, this.limit(limit));
      if (index < 0n) return Number(index);
      this.k.space.store32(id, Number(index));
      return 0;
    },
    __xa_alloc_cyclic: (xa: Ptr, id: Ptr, entry: bigint, limit: bigint, next: Ptr) =>
      isAdvanced(entry) ? -EINVAL : this.allocateCyclic(xa, id, entry, this.limit(limit), next),
    xa_get_mark: (xa: Ptr, index: bigint, mark: number) => this.arrays.getMark(xa, index, mark),
    xa_set_mark: this.setMark,
    __xa_set_mark: this.setMark,
    xa_clear_mark: this.clearMark,
    __xa_clear_mark: this.clearMark,
    xa_find: (xa: Ptr, index: Ptr, max: bigint, filter: number) =>
      this.find(xa, this.k.space.load64(index), index, max, filter),
    xa_find_after: (xa: Ptr, index: Ptr, max: bigint, filter: number) => {
      const from = this.k.space.load64(index);
      return from === MAX_INDEX ? 0n : this.find(xa, from + 1n, index, max, filter);
    },
    xa_extract: (xa: Ptr, out: Ptr, start: bigint, max: bigint, count: number, filter: number) => {
      let from = start;
      for (let i = 0; i < count; i++) {
        const found = this.arrays.find(xa, from, max, filter);
        if (!found) return i;
        this.k.space.store64(out + 8 * i, found.entry);
        from = found.index + 1n;
      }
      return count;
    },
    xa_get_order: nothing('entries of several indices are not kept as one', 0),
    xa_destroy: (xa: Ptr) => this.arrays.destroy(xa),
  };

  readonly signatures = {
    xa_load: 'Q:pQ',
    xa_store: 'Q:pQQu',
    __xa_store: 'Q:pQQu',
    xa_store_range: 'Q:pQQQu',
    xa_erase: 'Q:pQ',
    __xa_erase: 'Q:pQ',
    __xa_cmpxchg: 'Q:pQQQu',
    __xa_insert: 'i:pQQu',
    __xa_alloc: 'i:ppQQu',
    __xa_alloc_cyclic: 'i:ppQQpu',
    xa_get_mark: 'b:pQu',
    xa_set_mark: 'v:pQu',
    __xa_set_mark: 'v:pQu',
    xa_clear_mark: 'v:pQu',
    __xa_clear_mark: 'v:pQu',
    xa_find: 'Q:ppQu',
    xa_find_after: 'Q:ppQu',
    xa_extract: 'u:ppQQuu',
    xa_get_order: 'i:pQ',
  };

  private find(xa: Ptr, from: bigint, slot: Ptr, max: bigint, filter: number): bigint {
    const found = this.arrays.find(xa, from, max, Math.min(filter, PRESENT));
    if (!found) return 0n;
    this.k.space.store64(slot, found.index);
    return found.entry;
  }

  private allocateCyclic(xa: Ptr, id: Ptr, entry: bigint, limit: Limit, next: Ptr): number {
    const { space } = this.k;
    const { index, wrapped } = this.arrays.allocateCyclic(xa, entry, limit, BigInt(space.load32(next)));
    if (index < 0n) return Number(index);
    space.store32(id, Number(index));
    const following = (Number(index) + 1) >>> 0;
    space.store32(next, following);
    if (following === 0) this.arrays.noteWrap(xa);
    return wrapped ? 1 : 0;
  }

  /** struct xa_limit, as it comes in a register. */
  private limit(raw: bigint): Limit {
    const type = this.k.struct('xa_limit');
    const part = (name: string): bigint => (raw >> BigInt(8 * type.offsetOf(name))) & 0xffff_ffffn;
    return { min: part('min'), max: part('max') };
  }
}

/** Internal entries other than XA_ZERO_ENTRY are not for users to store. */
function isAdvanced(entry: bigint): boolean {
  return isInternal(entry) && entry !== ZERO;
}
