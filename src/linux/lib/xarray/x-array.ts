import type { Ptr } from '../../../cpu/layout.js';
import { EBUSY, EINVAL, ENOMEM } from '../../errno.js';
import { errorEntry, MAX_INDEX, PRESENT, visible, ZERO } from './entry.js';
import { type Flavor, FREE_MARK, MARKS, type NodeTree, type Place } from './node-tree.js';

/** xa_flags (include/linux/xarray.h). */
const XA_FLAGS_TRACK_FREE = 4;
const XA_FLAGS_ZERO_BUSY = 8;
const XA_FLAGS_ALLOC_WRAPPED = 16;

export interface Limit {
  readonly min: bigint;
  readonly max: bigint;
}

/** XArrays as their users see them (Documentation/core-api/xarray.rst), on top of the node tree. */
export class XArray {
  constructor(readonly tree: NodeTree) {}

  flavor(xa: Ptr): Flavor {
    const flags = this.tree.flags(xa);
    return {
      tracksFree: (flags & XA_FLAGS_TRACK_FREE) !== 0,
      busyNull: false,
      zeroBusy: (flags & XA_FLAGS_ZERO_BUSY) !== 0,
    };
  }

  load(xa: Ptr, index: bigint): bigint {
    return visible(this.tree.load(xa, index));
  }

  /** xa_store(): the old entry, or an error entry. NULL in an allocating array keeps the index taken. */
  store(xa: Ptr, index: bigint, entry: bigint): bigint {
    const isReserved = entry === 0n && this.flavor(xa).tracksFree;
    return visible(this.put(xa, index, isReserved ? ZERO : entry));
  }

  erase(xa: Ptr, index: bigint): bigint {
    return visible(this.put(xa, index, 0n));
  }

  /** Stores an entry as it is, NULL included. The old entry, or an error entry. */
  put(xa: Ptr, index: bigint, entry: bigint): bigint {
    const { tree } = this;
    const flavor = this.flavor(xa);
    if (entry === 0n) return this.remove(xa, index, flavor);
    const place = this.wide(xa, index) ?? tree.create(xa, index, flavor, entry !== ZERO);
    if (!place) return errorEntry(ENOMEM);
    const old = tree.read(place);
    tree.write(place, entry, old === 0n ? 1 : 0);
    if (flavor.tracksFree) tree.unmark(xa, place, FREE_MARK);
    return old;
  }

  private remove(xa: Ptr, index: bigint, flavor: Flavor): bigint {
    const { tree } = this;
    const place = tree.find(xa, index);
    if (!place) return 0n;
    const old = tree.read(place);
    if (old === 0n) return 0n;
    for (let mark = 0; mark < MARKS; mark++) {
      if (flavor.tracksFree && mark === FREE_MARK) tree.mark(xa, place, mark);
      else tree.unmark(xa, place, mark);
    }
    tree.clearSiblings(place);
    tree.write(place, 0n, -1);
    tree.prune(xa, place, flavor);
    return old;
  }

  /** The place of an entry that covers more than one index, if such a one covers this index. */
  private wide(xa: Ptr, index: bigint): Place | undefined {
    const { tree } = this;
    const place = tree.find(xa, index);
    if (!place || place.node === 0 || tree.read(place) === 0n) return undefined;
    const shift = tree.shift(place.node);
    return shift > 0n || tree.offsetIn(index, 0n) !== place.offset ? place : undefined;
  }

  /** xa_store_range(): one entry for every index from `first` to `last`. NULL, or an error entry. */
  storeRange(xa: Ptr, first: bigint, last: bigint, entry: bigint): bigint {
    if (last < first) return errorEntry(EINVAL);
    const { tree } = this;
    const flavor = this.flavor(xa);
    for (let at = first; at <= last; ) {
      const { level, count } = stretch(tree, at, last);
      if (entry === 0n) this.remove(xa, at, flavor);
      else {
        if (!tree.create(xa, at + (BigInt(count) << level) - 1n, flavor, false, level))
          return errorEntry(ENOMEM);
        const place = tree.create(xa, at, flavor, false, level);
        if (!place) return errorEntry(ENOMEM);
        tree.fill(place, count, entry);
        if (flavor.tracksFree) tree.unmark(xa, place, FREE_MARK);
      }
      at += BigInt(count) << level;
    }
    return 0n;
  }

  /** xa_cmpxchg(): what was there; the new entry is stored if that is what was expected. */
  compareExchange(xa: Ptr, index: bigint, expected: bigint, entry: bigint): bigint {
    const current = this.tree.load(xa, index);
    if (current !== expected) return visible(current);
    const result = this.put(xa, index, entry);
    return visible(result);
  }

  insert(xa: Ptr, index: bigint, entry: bigint): number {
    if (this.tree.load(xa, index) !== 0n) return -EBUSY;
    return this.put(xa, index, entry === 0n ? ZERO : entry) === errorEntry(ENOMEM) ? -ENOMEM : 0;
  }

  /** xa_alloc(): stores at the first free index within limits; the index, or a negative error number. */
  allocate(xa: Ptr, entry: bigint, { min, max }: Limit): bigint {
    if (!this.flavor(xa).tracksFree) return BigInt(-EINVAL);
    const index = this.firstFree(xa, min);
    if (index > max) return BigInt(-EBUSY);
    const stored = this.put(xa, index, entry === 0n ? ZERO : entry);
    return stored === errorEntry(ENOMEM) ? BigInt(-ENOMEM) : index;
  }

  /** Where an allocation from `min` on would go. */
  firstFree(xa: Ptr, min: bigint): bigint {
    const { tree } = this;
    const covered = tree.maxIndex(xa);
    if (covered < 0n || min > covered) return min;
    return tree.next(xa, min, covered, FREE_MARK)?.index ?? covered + 1n;
  }

  /** xa_alloc_cyclic(): goes on from the last index; `wrapped` says that it started over. */
  allocateCyclic(
    xa: Ptr,
    entry: bigint,
    { min, max }: Limit,
    next: bigint,
  ): { readonly index: bigint; readonly wrapped: boolean } {
    const from = next > min ? next : min;
    const { tree } = this;
    let index = this.allocate(xa, entry, { min: from, max });
    let wrapped = false;
    if (index >= 0n && tree.flags(xa) & XA_FLAGS_ALLOC_WRAPPED) {
      tree.setFlags(xa, tree.flags(xa) & ~XA_FLAGS_ALLOC_WRAPPED);
      wrapped = true;
    }
    if (index < 0n && from > min) {
      index = this.allocate(xa, entry, { min, max });
      wrapped = index >= 0n;
    }
    return { index, wrapped };
  }

  noteWrap(xa: Ptr): void {
    this.tree.setFlags(xa, this.tree.flags(xa) | XA_FLAGS_ALLOC_WRAPPED);
  }

  getMark(xa: Ptr, index: bigint, mark: number): boolean {
    const place = this.tree.find(xa, index);
    return place !== undefined && this.tree.read(place) !== 0n && this.tree.marked(xa, place, mark);
  }

  setMark(xa: Ptr, index: bigint, mark: number, value: boolean): void {
    const place = this.tree.find(xa, index);
    if (!place || this.tree.read(place) === 0n) return;
    if (value) this.tree.mark(xa, place, mark);
    else this.tree.unmark(xa, place, mark);
  }

  /** xa_find(): the first entry from an index on; `filter` is a mark, or XA_PRESENT. */
  find(xa: Ptr, from: bigint, max: bigint, filter: number): { index: bigint; entry: bigint } | undefined {
    const mark = filter < PRESENT ? filter : undefined;
    for (let at = from; at <= max; ) {
      const found = this.tree.next(xa, at, max, mark);
      if (!found) return undefined;
      if (found.entry !== ZERO && found.entry !== 0n) return found;
      at = found.index + 1n;
    }
    return undefined;
  }

  destroy(xa: Ptr): void {
    this.tree.destroy(xa);
    const { tracksFree, zeroBusy } = this.flavor(xa);
    for (let mark = 0; mark < MARKS; mark++)
      this.tree.setHeadMark(xa, mark, mark === FREE_MARK && tracksFree && !zeroBusy);
  }

  place(xa: Ptr, index: bigint): Place | undefined {
    return index > MAX_INDEX ? undefined : this.tree.find(xa, index);
  }
}

/** How much of a range one slot and those after it in a node can cover, in the largest slots that fit. */
function stretch(
  tree: NodeTree,
  first: bigint,
  last: bigint,
): { readonly level: bigint; readonly count: number } {
  let level = 0n;
  // Two slots at least: a tree that reaches as far as the second has nodes of that level.
  const fits = (shift: bigint): boolean =>
    first % (1n << shift) === 0n && first + (2n << shift) - 1n <= last && shift < 60n;
  while (fits(level + tree.slotShift)) level += tree.slotShift;
  const offset = tree.offsetIn(first, level);
  const wanted = (last - first + 1n) >> level;
  const room = BigInt(tree.slots - offset);
  return { level, count: Number(wanted < room ? wanted : room) };
}
