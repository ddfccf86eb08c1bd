import { beforeEach, describe, expect, it } from 'vitest';
import { AddressSpace } from '../../cpu/address-space.js';
import { TEST_MAP } from '../../cpu/testing/memory-map.js';
import { Probes } from '../probes.js';
import { Ledger } from './ledger.js';
import { PageAllocator } from './page-allocator.js';
import { Slab, type SlabDefect, type SlabPolicy } from './slab.js';

const POLICY: SlabPolicy = {
  sizes: [8, 32, 64, 128, 256, 1024, 4096, 8192],
  nameOf: (size) => `general-${size}`,
  alignOf: (size) => size,
  fresh: 0x5a,
  freed: 0x6b,
  zone: 0xcc,
};

let space: AddressSpace;
let ledger: Ledger;
let slab: Slab;

beforeEach(() => {
  space = new AddressSpace(TEST_MAP);
  ledger = new Ledger(
    new Probes(
      space,
      () => 0,
      () => undefined,
    ),
  );
  slab = new Slab(space, new PageAllocator(space, ledger), ledger, POLICY);
});

describe('Slab', () => {
  it('gives distinct, writable objects, zeroed when asked', () => {
    const objects = Array.from({ length: 500 }, () => slab.allocateBytes(100, true));
    expect(new Set(objects).size).toBe(500);
    for (const object of objects) expect(space.readable(object, 100).every((byte) => byte === 0)).toBe(true);
  });

  it('aligns powers of two to their size', () => {
    for (const size of [8, 64, 256, 1024, 4096]) expect(slab.allocateBytes(size, false) % size).toBe(0);
  });

  it('serves more than 8 KiB with whole pages, and takes them back', () => {
    const ptr = slab.allocateBytes(100_000, true);
    expect(ptr % 4096).toBe(0);
    expect(slab.free(ptr)).toEqual({ kind: 'freed' });
    expect(space.canRead(ptr)).toBe(false);
  });

  it('finds a write past the end when the object is freed', () => {
    const ptr = slab.allocateBytes(100, true);
    space.store8(ptr + 100, 1);
    const result = slab.free(ptr);
    expect(result).toMatchObject({
      kind: 'freed',
      defect: { kind: 'redzone', ptr, size: 100, at: ptr + 100 },
    });
  });

  it('finds a write after free when it looks', () => {
    const ptr = slab.allocateBytes(64, true);
    slab.free(ptr);
    space.store32(ptr + 8, 1);
    expect(slab.check()).toMatchObject([{ kind: 'use-after-free', ptr, at: ptr + 8 }]);
  });

  it('finds a write after free when the object is used again', () => {
    const seen: SlabDefect[] = [];
    slab.onDefect = (defect) => seen.push(defect);
    const ptr = slab.allocateBytes(64, true);
    slab.free(ptr);
    space.store8(ptr, 0);
    for (let i = 0; i < 200 && seen.length === 0; i++) slab.allocateBytes(64, true);
    expect(seen[0]).toMatchObject({ kind: 'use-after-free', ptr });
  });

  it('tells a double free from a pointer that was never allocated', () => {
    const ptr = slab.allocateBytes(32, true);
    slab.free(ptr);
    expect(slab.free(ptr).kind).toBe('double-free');
    expect(slab.free(ptr + 4).kind).toBe('not-an-object');
  });

  it('does not destroy a cache that has objects in use', () => {
    const cache = slab.createCache({ name: 'things', objectSize: 48, align: 8, keepContent: false });
    const object = slab.allocate(cache, true);
    expect(slab.destroyCache(cache)).toBe(1);
    slab.free(object);
    expect(slab.destroyCache(cache)).toBe(0);
    expect(space.canRead(object)).toBe(false);
  });

  it('counts bytes by what was asked for, and knows who asked', () => {
    ledger.caller = () => 0x4000_1234;
    const mark = ledger.mark;
    slab.allocateBytes(100, true);
    slab.allocateBytes(10, true);
    expect(ledger.bytes).toBe(110);
    expect(ledger.since(mark).map(({ size, caller }) => [size, caller])).toEqual([
      [100, 0x4000_1234],
      [10, 0x4000_1234],
    ]);
  });
});
