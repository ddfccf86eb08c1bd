import { describe, expect, it } from 'vitest';
import { FakeStruct } from '../testing/fake-struct.js';
import { TestGuest } from '../testing/guest.js';
import { isNode, MAX_INDEX, RETRY } from './entry.js';
import { FREE_MARK, NodeTree } from './node-tree.js';
import { XArray } from './x-array.js';

const guest = new TestGuest(0x80_0000);
const { space } = guest;
const live = new Set<number>();
const nodeType = new FakeStruct(space, 'xa_node', {
  shift: [0, 1, 'u'],
  offset: [1, 1, 'u'],
  count: [2, 1, 'u'],
  nr_values: [3, 1, 'u'],
  parent: [8, 8, 'p'],
  array: [16, 8, 'p'],
  private_list: [24, 16, 'b'],
  slots: [40, 512, 'b'],
  marks: [552, 24, 'b'],
});
const tree = new NodeTree(
  space,
  nodeType,
  new FakeStruct(space, 'xarray', { xa_lock: [0, 4, 'u'], xa_flags: [4, 4, 'u'], xa_head: [8, 8, 'p'] }),
  {
    allocate() {
      const node = guest.alloc(576);
      live.add(node);
      return node;
    },
    free: (node) => void live.delete(node),
  },
  27,
);
const arrays = new XArray(tree);
const value = (n: number): bigint => BigInt(n * 2 + 1);

function allocating(): number {
  const xa = guest.alloc(16);
  space.store32(xa + 4, 4 | (1 << 27));
  return xa;
}

describe('XArray', () => {
  it('keeps index 0 alone in the head, and more in nodes', () => {
    const xa = guest.alloc(16);
    expect(arrays.store(xa, 0n, 0x1000n)).toBe(0n);
    expect(tree.head(xa)).toBe(0x1000n);
    arrays.store(xa, 70n, value(7));
    expect(isNode(tree.head(xa))).toBe(true);
    const top = tree.toNode(tree.head(xa));
    expect([tree.shift(top), nodeType.get(top, 'count'), live.size]).toEqual([6n, 2, 3]);
    expect(arrays.load(xa, 0n)).toBe(0x1000n);
    expect(arrays.load(xa, 70n)).toBe(value(7));
    expect(arrays.load(xa, 71n)).toBe(0n);
    expect(arrays.erase(xa, 70n)).toBe(value(7));
    expect(tree.head(xa)).toBe(0x1000n);
    expect(live.size).toBe(0);
    expect(RETRY).toBe(0x402n);
  });
  it('agrees with a map through random stores, erasures and searches', () => {
    const xa = guest.alloc(16);
    const model = new Map<bigint, bigint>();
    let seed = 7;
    const random = (limit: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 7) % limit;
    };
    for (let i = 0; i < 1500; i++) {
      const index = BigInt(random(40)) << BigInt([0, 0, 6, 13, 40, 58][random(6)]);
      if (random(3) === 0) {
        expect(arrays.erase(xa, index)).toBe(model.get(index) ?? 0n);
        model.delete(index);
      } else {
        expect(arrays.store(xa, index, value(i))).toBe(model.get(index) ?? 0n);
        model.set(index, value(i));
        if (random(2)) arrays.setMark(xa, index, 1, true);
      }
    }
    const sorted = [...model.keys()].sort((a, b) => (a < b ? -1 : 1));
    const found: bigint[] = [];
    for (let at = arrays.find(xa, 0n, (1n << 64n) - 1n, 8); at; ) {
      found.push(at.index);
      expect(at.entry).toBe(model.get(at.index));
      at = arrays.find(xa, at.index + 1n, (1n << 64n) - 1n, 8);
    }
    expect(found).toEqual(sorted);
    for (const index of sorted) arrays.erase(xa, index);
    expect(tree.head(xa)).toBe(0n);
    expect(tree.flags(xa)).toBe(0);
    expect(live.size).toBe(0);
  });
  it('finds marked entries only', () => {
    const xa = guest.alloc(16);
    for (const index of [3n, 200n, 5000n]) arrays.store(xa, index, value(1));
    arrays.setMark(xa, 200n, 0, true);
    expect(arrays.find(xa, 0n, 9999n, 0)?.index).toBe(200n);
    expect(tree.headMarked(xa, 0)).toBe(true);
    arrays.setMark(xa, 200n, 0, false);
    expect(tree.headMarked(xa, 0)).toBe(false);
    arrays.destroy(xa);
    expect(live.size).toBe(0);
  });
  it('hands out the lowest free indices', () => {
    const xa = allocating();
    const limit = { min: 0n, max: 300n };
    for (let i = 0n; i < 200n; i++) expect(arrays.allocate(xa, value(1), limit)).toBe(i);
    arrays.erase(xa, 5n);
    arrays.erase(xa, 130n);
    expect(arrays.allocate(xa, value(1), limit)).toBe(5n);
    expect(arrays.allocate(xa, 0n, limit)).toBe(130n);
    expect(arrays.load(xa, 130n)).toBe(0n);
    expect(arrays.allocate(xa, value(1), limit)).toBe(200n);
    expect(arrays.allocate(xa, value(1), { min: 0n, max: 200n })).toBe(-16n);
    expect(arrays.allocate(xa, value(1), { min: 4000n, max: 4001n })).toBe(4000n);
    expect(tree.headMarked(xa, FREE_MARK)).toBe(true);
    expect(arrays.insert(xa, 7n, value(2))).toBe(-16);
    expect(arrays.compareExchange(xa, 7n, value(1), value(9))).toBe(value(1));
    arrays.destroy(xa);
    expect(live.size).toBe(0);
  });
  it('never hands out index 0 where it is busy', () => {
    const xa = guest.alloc(16);
    space.store32(xa + 4, 4 | 8);
    const limit = { min: 1n, max: 4n };
    for (let i = 1n; i <= 4n; i++) expect(arrays.allocate(xa, value(1), limit)).toBe(i);
    expect(arrays.allocate(xa, value(1), limit)).toBe(-16n);
    arrays.erase(xa, 2n);
    expect(arrays.allocate(xa, value(1), limit)).toBe(2n);
    for (let i = 1n; i <= 4n; i++) arrays.erase(xa, i);
    expect(tree.head(xa)).toBe(0n);
    expect(live.size).toBe(0);
  });

  it('has one entry for a range of indices, and none of it once any of them is erased', () => {
    const xa = guest.alloc(16);
    expect(arrays.storeRange(xa, 3n, 10n, value(7))).toBe(0n);
    expect(arrays.storeRange(xa, 20n, 20n, value(8))).toBe(0n);
    for (let i = 3n; i <= 10n; i++) expect(arrays.load(xa, i)).toBe(value(7));
    expect([2n, 11n, 19n, 21n].map((i) => arrays.load(xa, i))).toEqual([0n, 0n, 0n, 0n]);
    expect(arrays.find(xa, 11n, 100n, 8)?.index).toBe(20n);
    expect(arrays.erase(xa, 6n)).toBe(value(7));
    for (let i = 3n; i <= 10n; i++) expect(arrays.load(xa, i)).toBe(0n);
    expect(arrays.erase(xa, 20n)).toBe(value(8));
    expect(live.size).toBe(0);
  });

  it('covers large ranges with few nodes', () => {
    const xa = guest.alloc(16);
    const before = live.size;
    expect(arrays.storeRange(xa, 0n, 64n ** 3n - 1n, value(9))).toBe(0n);
    expect(live.size - before).toBeLessThan(5);
    expect(arrays.load(xa, 123_456n)).toBe(value(9));
    arrays.destroy(xa);
    expect(live.size).toBe(before);
  });
});

describe('nodes of 16 slots (CONFIG_BASE_SMALL)', () => {
  const small = new XArray(
    new NodeTree(
      space,
      nodeType,
      new FakeStruct(space, 'xarray', { xa_lock: [0, 4, 'u'], xa_flags: [4, 4, 'u'], xa_head: [8, 8, 'p'] }),
      { allocate: () => guest.alloc(576), free: () => {} },
      27,
      16,
    ),
  );

  it('decide four bits of an index each', () => {
    const xa = guest.alloc(16);
    const indices = [0n, 15n, 16n, 255n, 4096n];
    for (const index of indices) small.store(xa, index, value(Number(index)));
    const top = small.tree.toNode(small.tree.head(xa));
    expect(small.tree.shift(top)).toBe(12n);
    expect(indices.map((index) => small.load(xa, index))).toEqual(
      indices.map((index) => value(Number(index))),
    );
    expect(small.load(xa, 17n)).toBe(0n);
    expect(small.find(xa, 17n, MAX_INDEX, 8)?.index).toBe(255n);
    expect(small.find(xa, 4097n, MAX_INDEX, 8)).toBeUndefined();
  });
});
