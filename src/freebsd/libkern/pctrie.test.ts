import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import { WithModules } from '../testing/with-modules.js';
import { Pctries } from './pctrie.js';

let k: FreebsdKernel;
/** Nodes that are somebody's: given for a tree and not given back. */
let nodes = 0;

beforeAll(() => {
  k = new WithModules().k;
});

const bytesOf = (at: Ptr, count: number): readonly number[] => [...k.space.readable(at, count)];

/** A trie as its users' inlined code handles one (PCTRIE_DEFINE in sys/pctrie.h). */
class Trie {
  readonly root = k.slab.allocateBytes(8, true);
  private readonly place = k.slab.allocateBytes(8, true);
  private readonly calls = k.get(Pctries).exports;

  constructor() {
    k.space.store64(this.root, 1n);
  }

  insert(key: bigint): Ptr {
    const value = k.slab.allocateBytes(8, true);
    k.space.store64(value, key);
    const parent = this.calls.pctrie_insert_lookup(this.root, value);
    if (parent === 0) return value;
    const node = k.slab.allocateBytes(this.calls.pctrie_node_size(), true);
    this.calls.pctrie_zone_init(node);
    this.calls.pctrie_insert_node(parent, node, value);
    nodes++;
    return value;
  }

  remove(key: bigint): Ptr {
    const value = this.calls.pctrie_remove_lookup(this.root, key, this.place);
    this.give(k.space.loadPtr(this.place));
    return value;
  }

  private give(node: Ptr): void {
    if (node === 0) return;
    const fresh = k.slab.allocateBytes(this.calls.pctrie_node_size(), true);
    this.calls.pctrie_zone_init(fresh);
    // A zone hands a node out again as it was given back.
    expect(bytesOf(node, 144)).toEqual(bytesOf(fresh, 144));
    k.slab.free(fresh);
    k.slab.free(node);
    nodes--;
  }

  reclaim(): void {
    const { calls, place } = this;
    let node = calls.pctrie_reclaim_begin(place, this.root);
    for (; node !== 0; node = calls.pctrie_reclaim_resume(place)) this.give(node);
  }

  lookup(key: bigint): Ptr {
    return this.calls.pctrie_lookup(this.root, key);
  }

  neighbours(key: bigint): readonly (bigint | undefined)[] {
    const { pctrie_lookup_le, pctrie_lookup_ge } = this.calls;
    return [pctrie_lookup_le(this.root, key), pctrie_lookup_ge(this.root, key)].map((value) =>
      value === 0 ? undefined : k.space.load64(value),
    );
  }
}

/** A linear congruential generator: the same keys in every run. */
function* keys(count: number): Generator<bigint> {
  let state = 1n;
  for (let i = 0; i < count; i++) {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    // Some are close together, some far apart.
    yield state >> BigInt((i % 7) * 8 + 4);
  }
}

describe('tries of 64-bit keys', () => {
  it('find what was inserted, and nothing else', () => {
    const trie = new Trie();
    expect(trie.lookup(0n)).toBe(0);
    const values = [0n, 1n, 15n, 16n, 0xffff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n].map((key) =>
      trie.insert(key),
    );
    expect(trie.lookup(16n)).toBe(values[3]);
    expect(trie.lookup(0xffff_ffff_ffff_ffffn)).toBe(values[4]);
    expect(trie.lookup(17n)).toBe(0);
    expect(trie.neighbours(17n)).toEqual([16n, 0x8000_0000_0000_0000n]);
    expect(trie.neighbours(15n)).toEqual([15n, 15n]);
    trie.reclaim();
  });

  it('agree with a set under many insertions and removals, and give every node back', () => {
    const trie = new Trie();
    const model = new Set<bigint>();
    for (const key of keys(400)) {
      if (model.has(key)) continue;
      trie.insert(key);
      model.add(key);
      // Every third goes at once, so that paths are merged and parted again.
      if (key % 3n === 0n && model.delete(key)) expect(trie.remove(key)).not.toBe(0);
    }
    const sorted = [...model].sort((a, b) => (a < b ? -1 : 1));
    for (const probe of [...sorted.slice(0, 40), 0n, 1n << 40n, (1n << 64n) - 1n]) {
      const below = sorted.filter((key) => key <= probe).at(-1);
      expect(trie.neighbours(probe)).toEqual([below, sorted.find((key) => key >= probe)]);
    }
    for (const key of sorted.slice(0, sorted.length / 2)) expect(trie.remove(key)).not.toBe(0);
    expect(trie.remove(sorted[0])).toBe(0);
    trie.reclaim();
    expect(nodes).toBe(0);
    expect(k.space.load64(trie.root)).toBe(1n);
  });
});
