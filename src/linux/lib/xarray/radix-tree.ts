import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EEXIST, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { callExport } from '../misc/refcount.js';
import { isNode, MAX_INDEX } from './entry.js';
import { type Flavor, FREE_MARK, MARKS, type NodeTree, PLAIN, type Place } from './node-tree.js';
import { XArrays } from './xarray.js';

/** ROOT_IS_IDR of a root's flags (include/linux/radix-tree.h). */
export const ROOT_IS_IDR = 4;
export const IDR: Flavor = { tracksFree: true, busyNull: true, zeroBusy: false };
/** Flags of radix_tree_next_chunk(). */
const ITER_TAG_MASK = 0x0f;
const ITER_TAGGED = 0x10;
const ITER_CONTIG = 0x20;

/** Radix trees, whose nodes and roots are those of XArrays (include/linux/radix-tree.h). */
export class RadixTree implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    radix_tree_insert: (root: Ptr, index: bigint, item: bigint) => {
      const place = this.tree.create(root, index, this.flavor(root), true);
      if (!place) return -ENOMEM;
      if (this.tree.read(place) !== 0n) return -EEXIST;
      this.tree.write(place, item, 1);
      return 0;
    },
    radix_tree_lookup: (root: Ptr, index: bigint) => this.tree.load(root, index),
    radix_tree_lookup_slot: (root: Ptr, index: bigint) => this.tree.find(root, index)?.slot ?? 0,
    radix_tree_replace_slot: (_root: Ptr, slot: Ptr, item: bigint) => this.k.space.store64(slot, item),
    radix_tree_delete: (root: Ptr, index: bigint) => this.deleteItem(root, index, 0n),
    radix_tree_delete_item: (root: Ptr, index: bigint, item: bigint) => this.deleteItem(root, index, item),
    radix_tree_iter_delete: (root: Ptr, iter: Ptr, _slot: Ptr) => {
      this.deleteItem(root, this.k.struct('radix_tree_iter').getBig(iter, 'index'), 0n);
    },
    radix_tree_iter_resume: (_slot: Ptr, iter: Ptr) => {
      const type = this.k.struct('radix_tree_iter');
      const index = BigInt.asUintN(64, type.getBig(iter, 'index') + 1n);
      type.setBig(iter, 'index', index);
      type.setBig(iter, 'next_index', index);
      type.setBig(iter, 'tags', 0n);
      return 0;
    },
    radix_tree_gang_lookup: (root: Ptr, out: Ptr, first: bigint, max: number) =>
      this.gang(root, out, first, max, undefined),
    radix_tree_gang_lookup_tag: (root: Ptr, out: Ptr, first: bigint, max: number, tag: number) =>
      this.gang(root, out, first, max, tag),
    radix_tree_tag_set: (root: Ptr, index: bigint, tag: number) => {
      const place = this.tree.find(root, index);
      if (place) this.tree.mark(root, place, tag);
      return place ? this.tree.read(place) : 0n;
    },
    radix_tree_tag_clear: (root: Ptr, index: bigint, tag: number) => {
      const place = this.tree.find(root, index);
      if (place) this.tree.unmark(root, place, tag);
      return place ? this.tree.read(place) : 0n;
    },
    radix_tree_tag_get: (root: Ptr, index: bigint, tag: number) => {
      const place = this.tree.find(root, index);
      return place !== undefined && this.tree.marked(root, place, tag) ? 1 : 0;
    },
    radix_tree_tagged: (root: Ptr, tag: number) => (this.tree.headMarked(root, tag) ? 1 : 0),
    radix_tree_next_chunk: (root: Ptr, iter: Ptr, flags: number) => this.nextChunk(root, iter, flags),
    radix_tree_preload: () => this.preload(),
    radix_tree_maybe_preload: () => this.preload(),
    idr_preload: () => this.preload(),
  };

  readonly signatures = {
    radix_tree_insert: 'i:pQQ',
    radix_tree_lookup: 'Q:pQ',
    radix_tree_lookup_slot: 'p:pQ',
    radix_tree_replace_slot: 'v:ppQ',
    radix_tree_delete: 'Q:pQ',
    radix_tree_delete_item: 'Q:pQQ',
    radix_tree_gang_lookup: 'u:ppQu',
    radix_tree_gang_lookup_tag: 'u:ppQuu',
    radix_tree_tag_set: 'Q:pQu',
    radix_tree_tag_clear: 'Q:pQu',
    radix_tree_tag_get: 'i:pQu',
  };

  get tree(): NodeTree {
    return this.k.get(XArrays).arrays.tree;
  }

  flavor(root: Ptr): Flavor {
    return this.tree.flags(root) & ROOT_IS_IDR ? IDR : PLAIN;
  }

  /** Puts an item in a place that exists: NULL makes no index free. */
  replace(root: Ptr, place: Place, item: bigint): void {
    const old = this.tree.read(place);
    this.tree.write(place, item, this.flavor(root).busyNull ? 0 : (item ? 1 : 0) - (old ? 1 : 0));
    if (item === 0n && !this.flavor(root).busyNull) this.tree.prune(root, place, PLAIN);
  }

  /** Takes an item out, if it is `expected` (or whatever it is, for NULL): what was there. */
  deleteItem(root: Ptr, index: bigint, expected: bigint): bigint {
    const { tree } = this;
    const flavor = this.flavor(root);
    const place = tree.find(root, index);
    if (!place) return 0n;
    const entry = tree.read(place);
    if (entry === 0n && (!flavor.busyNull || tree.marked(root, place, FREE_MARK))) return 0n;
    if (expected !== 0n && entry !== expected) return 0n;
    for (let mark = 0; mark < MARKS; mark++) {
      if (flavor.busyNull && mark === FREE_MARK) tree.mark(root, place, mark);
      else tree.unmark(root, place, mark);
    }
    tree.write(place, 0n, -1);
    tree.prune(root, place, flavor);
    return entry;
  }

  private gang(root: Ptr, out: Ptr, first: bigint, max: number, tag: number | undefined): number {
    let from = first;
    for (let i = 0; i < max; i++) {
      const found = this.tree.next(root, from, MAX_INDEX, tag);
      if (!found) return i;
      this.k.space.store64(out + 8 * i, found.entry);
      from = found.index + 1n;
    }
    return max;
  }

  /** Sets up an iterator for the part of a node that holds the next entry; where its slots are. */
  private nextChunk(root: Ptr, iter: Ptr, flags: number): Ptr {
    const { tree } = this;
    const type = this.k.struct('radix_tree_iter');
    const from = type.getBig(iter, 'next_index');
    if (from === 0n && type.getBig(iter, 'index') !== 0n) return 0;
    const tag = flags & ITER_TAGGED ? flags & ITER_TAG_MASK : undefined;
    const found = tree.next(root, from, MAX_INDEX, tag);
    if (!found || (flags & ITER_CONTIG && found.index !== from)) return 0;
    type.setBig(iter, 'index', found.index);
    const head = tree.head(root);
    if (!isNode(head)) {
      type.setBig(iter, 'next_index', 1n);
      type.setBig(iter, 'tags', 1n);
      type.set(iter, 'node', 0);
      return tree.headSlot(root);
    }
    const place = tree.find(root, found.index);
    if (!place) return 0;
    type.setBig(iter, 'next_index', BigInt.asUintN(64, (found.index | BigInt(tree.slots - 1)) + 1n));
    type.set(iter, 'node', place.node);
    type.setBig(
      iter,
      'tags',
      tag === undefined ? 0n : tree.markWord(place.node, tag) >> BigInt(place.offset),
    );
    return place.slot;
  }

  /** Memory is there when it is needed; but the caller goes on with this CPU's local_lock, and gives it back itself. */
  private preload(): number | Sleepable<number> {
    const { k } = this;
    if (k.configured('CONFIG_PREEMPT_RT')) return this.lockPreloads();
    const { space, processes } = k;
    space.store32(processes.preemptCountSlot, space.load32(processes.preemptCountSlot) + 1);
    return 0;
  }

  private *lockPreloads(): Sleepable<number> {
    const { k } = this;
    // structs: radix_tree_preload.lock.lock with PREEMPT_RT.
    const lock = k.percpuSymbol('radix_tree_preloads') + k.struct('radix_tree_preload').offsetOf('lock.lock');
    yield* callExport(k, 'migrate_disable');
    yield* callExport(k, 'rt_spin_lock', lock);
    return 0;
  }
}
