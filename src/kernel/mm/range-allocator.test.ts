import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { RangeAllocator } from './range-allocator.js';

const claimed = (ranges: RangeAllocator, at: number, size: number): number | undefined =>
  ranges.claim(at, size) ? at : undefined;

describe('RangeAllocator', () => {
  it('hands out the lowest range that fits, aligned', () => {
    const ranges = new RangeAllocator(0x1000, 0x9000);
    expect(ranges.allocate(0x1000)).toBe(0x1000);
    expect(ranges.allocate(0x2000, 0x4000)).toBe(0x4000);
    expect(ranges.allocate(0x2000)).toBe(0x2000);
    expect(ranges.allocate(0x4000)).toBeUndefined();
  });

  it('joins what is given back with its neighbours', () => {
    const ranges = new RangeAllocator(0, 0x3000);
    const [a, b, c] = [0, 1, 2].map(() => ranges.allocate(0x1000)!);
    ranges.release(a, 0x1000);
    ranges.release(c, 0x1000);
    ranges.release(b, 0x1000);
    expect(ranges.allocate(0x3000)).toBe(0);
  });

  it('throws when a range is given back twice', () => {
    const ranges = new RangeAllocator(0, 0x3000);
    const a = ranges.allocate(0x1000)!;
    ranges.release(a, 0x1000);
    expect(() => ranges.release(a, 0x1000)).toThrow(RangeError);
  });

  it('hands out a range that was chosen, if all of it is free', () => {
    const ranges = new RangeAllocator(0x1000, 0x5000);
    expect(ranges.claim(0x2000, 0x1000)).toBe(true);
    expect(ranges.claim(0x2000, 0x1000)).toBe(false);
    expect(ranges.claim(0x1800, 0x1000)).toBe(false);
    expect(ranges.claim(0x4000, 0x2000)).toBe(false);
    expect(ranges.claim(0, 0x1000)).toBe(false);
    expect(ranges.allocate(0x1000)).toBe(0x1000);
    expect(ranges.allocate(0x2000)).toBe(0x3000);
  });

  it('finds what a search from the start would find, however much was given out and back before', () => {
    const random = new Random(3);
    const ranges = new RangeAllocator(0, 4096);
    const taken = new Uint8Array(4096);
    const lowest = (size: number, align: number): number | undefined => {
      for (let at = 0; at + size <= taken.length; at += align)
        if (!taken.subarray(at, at + size).includes(1)) return at;
      return undefined;
    };
    const live: { at: number; size: number }[] = [];
    for (let i = 0; i < 3000; i++) {
      const [size, align] = [1 + random.below(40), 1 << random.below(5)];
      if (random.below(5) < 3) {
        const at = ranges.allocate(size, align);
        expect(at).toBe(lowest(size, align));
        if (at === undefined) continue;
        taken.fill(1, at, at + size);
        live.push({ at, size });
      } else if (live.length > 0) {
        const [gone] = live.splice(random.below(live.length), 1);
        ranges.release(gone.at, gone.size);
        taken.fill(0, gone.at, gone.at + gone.size);
      }
    }
  });

  it('never overlaps and never loses a unit, whatever the order', () => {
    const random = new Random(7);
    const ranges = new RangeAllocator(0, 1 << 16);
    const live = new Map<number, number>();
    let overlaps = false;
    for (let i = 0; i < 2000; i++) {
      if (random.below(3) > 0) {
        const size = 1 + random.below(300);
        const wanted = random.below(4) === 0 ? random.below(1 << 16) : undefined;
        const at =
          wanted === undefined ? ranges.allocate(size, 1 << random.below(5)) : claimed(ranges, wanted, size);
        if (at === undefined) continue;
        overlaps ||= [...live].some(([other, length]) => at < other + length && at + size > other);
        live.set(at, size);
      } else {
        const [at, size] = [...live][random.below(live.size || 1)] ?? [];
        if (at === undefined) continue;
        ranges.release(at, size!);
        live.delete(at);
      }
    }
    expect(overlaps).toBe(false);
    const used = [...live.values()].reduce((sum, size) => sum + size, 0);
    expect(ranges.available).toBe((1 << 16) - used);
  });
});
