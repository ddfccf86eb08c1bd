import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** A pointer with this bit is to a value, not to a node; alone it is none (sys/pctrie.h: PCTRIE_ISLEAF, PCTRIE_NULL). */
const LEAF = 1;
/** PCTRIE_WIDTH, PCTRIE_COUNT: bits of the key that a node goes by, and its children. */
const WIDTH = 4n;
const CHILDREN = 16;
/** What a node has before its children: what the keys below it have in common, and the lowest bit that it goes by. */
const LEVEL = 8;
const FIRST_CHILD = 16;
/** sizeof(struct pctrie_node) */
const NODE_BYTES = FIRST_CHILD + CHILDREN * 8;

/**
 * Tries of 64-bit keys with compressed paths (sys/kern/subr_pctrie.c). Callers' inlined code looks at pt_root; nodes are the callers' memory, whose inside only
 * this file knows.
 */
export class Pctries implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    pctrie_node_size: () => NODE_BYTES,
    pctrie_zone_init: (node: Ptr) => {
      this.clear(node);
      return 0;
    },
    pctrie_insert_lookup: (tree: Ptr, value: Ptr) => this.insert(tree, value),
    pctrie_insert_node: (place: Ptr, node: Ptr, value: Ptr) => this.split(place, node, value),
    pctrie_lookup: (tree: Ptr, key: bigint) => this.lookup(tree, key),
    pctrie_lookup_unlocked: (tree: Ptr, key: bigint) => this.lookup(tree, key),
    pctrie_lookup_ge: (tree: Ptr, key: bigint) => this.nearest(tree, key, 1),
    pctrie_lookup_le: (tree: Ptr, key: bigint) => this.nearest(tree, key, -1),
    pctrie_replace: (tree: Ptr, value: Ptr) => this.replace(tree, value),
    pctrie_remove_lookup: (tree: Ptr, key: bigint, killed: Ptr) => this.remove(tree, key, killed),
    pctrie_reclaim_begin: (rest: Ptr, tree: Ptr) => this.reclaim(rest, tree),
    pctrie_reclaim_resume: (rest: Ptr) => this.reclaimNext(rest),
  };

  readonly signatures = {
    pctrie_node_size: 'L:',
    pctrie_lookup: 'p:pQ',
    pctrie_lookup_unlocked: 'p:pQp',
    pctrie_lookup_ge: 'p:pQ',
    pctrie_lookup_le: 'p:pQ',
    pctrie_remove_lookup: 'p:pQp',
  };

  private clear(node: Ptr): void {
    const { space } = this.k;
    space.writable(node, NODE_BYTES).fill(0);
    for (let i = 0; i < CHILDREN; i++) space.store64(node + FIRST_CHILD + 8 * i, BigInt(LEAF));
  }

  /** What a place has: the value of a leaf, 0 for none, or a node. */
  private at(place: Ptr): { readonly leaf: boolean; readonly to: Ptr } {
    const { space } = this.k;
    const leaf = (space.load8(place) & LEAF) !== 0;
    if (!leaf) return { leaf, to: space.loadPtr(place) };
    const tagged = space.load64(place);
    return { leaf, to: tagged === BigInt(LEAF) ? 0 : space.fromAddress(tagged - BigInt(LEAF)) };
  }

  private storeLeaf(place: Ptr, value: Ptr): void {
    const { space } = this.k;
    space.store64(place, value === 0 ? BigInt(LEAF) : space.toAddress(value) + BigInt(LEAF));
  }

  private level(node: Ptr): bigint {
    return BigInt(this.k.space.load8(node + LEVEL));
  }

  private child(node: Ptr, key: bigint): Ptr {
    return node + FIRST_CHILD + 8 * Number((key >> this.level(node)) & 0xfn);
  }

  /** Whether a key can be below a node. */
  private covers(node: Ptr, key: bigint): boolean {
    const above = this.level(node) + WIDTH;
    return key >> above === this.k.space.load64(node) >> above;
  }

  private lookup(tree: Ptr, key: bigint): Ptr {
    const place = this.placeOf(tree, key);
    return place === undefined ? 0 : this.at(place).to;
  }

  /** Where the value of a key is; undefined where it has none. */
  private placeOf(tree: Ptr, key: bigint): Ptr | undefined {
    let place = tree;
    for (;;) {
      const { leaf, to } = this.at(place);
      if (leaf) return to !== 0 && this.k.space.load64(to) === key ? place : undefined;
      if (!this.covers(to, key)) return undefined;
      place = this.child(to, key);
    }
  }

  /** Where a node is needed to insert a value; 0 where the value found room without one. */
  private insert(tree: Ptr, value: Ptr): Ptr {
    const key = this.k.space.load64(value);
    let place = tree;
    for (;;) {
      const { leaf, to } = this.at(place);
      if (!leaf && this.covers(to, key)) {
        place = this.child(to, key);
        continue;
      }
      if (!leaf) return place;
      if (to !== 0 && this.k.space.load64(to) === key)
        return this.k.panic(`pctrie_insert_lookup: key ${key.toString(16)} is already present`);
      if (to !== 0) return place;
      this.storeLeaf(place, value);
      return 0;
    }
  }

  /** Puts a node where two keys part. */
  private split(place: Ptr, node: Ptr, value: Ptr): void {
    const { space } = this.k;
    const key = space.load64(value);
    const { leaf, to } = this.at(place);
    const other = space.load64(to);
    let level = 0n;
    while ((key ^ other) >> (level + WIDTH) !== 0n) level += WIDTH;
    space.store64(node, (key >> (level + WIDTH)) << (level + WIDTH));
    space.store8(node + LEVEL, Number(level));
    this.storeLeaf(this.child(node, key), value);
    const beside = this.child(node, other);
    if (leaf) this.storeLeaf(beside, to);
    else space.storePtr(beside, to);
    space.storePtr(place, node);
  }

  /** All values, by their keys; unsigned 64-bit order is that of the children. */
  private *values(place: Ptr): Generator<Ptr> {
    const { leaf, to } = this.at(place);
    if (leaf && to !== 0) yield to;
    if (!leaf) for (let i = 0; i < CHILDREN; i++) yield* this.values(to + FIRST_CHILD + 8 * i);
  }

  private nearest(tree: Ptr, key: bigint, direction: 1 | -1): Ptr {
    let before = 0;
    for (const value of this.values(tree)) {
      const own = this.k.space.load64(value);
      if (direction > 0 && own >= key) return value;
      if (own > key) break;
      before = value;
    }
    return direction > 0 ? 0 : before;
  }

  private replace(tree: Ptr, value: Ptr): Ptr {
    const key = this.k.space.load64(value);
    const place = this.placeOf(tree, key);
    if (place === undefined) return this.k.panic(`pctrie_replace: key ${key.toString(16)} is not present`);
    const old = this.at(place).to;
    this.storeLeaf(place, value);
    return old;
  }

  /** The value of a key, which is taken out; at `killed` the node that is not needed any more, or NULL. */
  private remove(tree: Ptr, key: bigint, killed: Ptr): Ptr {
    const { space } = this.k;
    space.storePtr(killed, 0);
    let place = tree;
    let placeOfNode = 0;
    for (;;) {
      const { leaf, to } = this.at(place);
      if (leaf && (to === 0 || space.load64(to) !== key)) return 0;
      if (leaf) {
        this.storeLeaf(place, 0);
        if (placeOfNode !== 0) this.collapse(placeOfNode, killed);
        return to;
      }
      if (!this.covers(to, key)) return 0;
      placeOfNode = place;
      place = this.child(to, key);
    }
  }

  /** A node with one child gives way to it. */
  private collapse(place: Ptr, killed: Ptr): void {
    const { space } = this.k;
    const node = space.loadPtr(place);
    const used = Array.from({ length: CHILDREN }, (_, i) => node + FIRST_CHILD + 8 * i).filter(
      (child) => space.load64(child) !== BigInt(LEAF),
    );
    if (used.length !== 1) return;
    space.store64(place, space.load64(used[0]));
    this.clear(node);
    space.storePtr(killed, node);
  }

  /** Takes the tree's nodes away one by one; `rest` has the one to go on with, which knows its parent where its prefix was. */
  private reclaim(rest: Ptr, tree: Ptr): Ptr {
    const { space } = this.k;
    const { leaf, to } = this.at(tree);
    this.storeLeaf(tree, 0);
    space.storePtr(rest, leaf ? 0 : to);
    if (!leaf) space.storePtr(to, 0);
    return this.reclaimNext(rest);
  }

  private reclaimNext(rest: Ptr): Ptr {
    const { space } = this.k;
    let node = space.loadPtr(rest);
    if (node === 0) return 0;
    for (let i = 0; i < CHILDREN; i++) {
      const place = node + FIRST_CHILD + 8 * i;
      const { leaf, to } = this.at(place);
      if (leaf) continue;
      this.storeLeaf(place, 0);
      space.storePtr(to, node);
      node = to;
      i = -1;
    }
    space.storePtr(rest, space.loadPtr(node));
    this.clear(node);
    return node;
  }
}
