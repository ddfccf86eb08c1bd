import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { loadBundled } from '../../../target/node/index.js';
import { LinuxKernel } from '../../kernel.js';
import { Sbitmap } from './sbitmap.js';

describe('sbitmap', () => {
  let k: LinuxKernel;
  let map: Ptr;
  const bits = (): Sbitmap['exports'] => k.get(Sbitmap).exports;

  beforeEach(() => {
    k = new LinuxKernel(loadBundled());
    map = k.slab.allocateBytes(k.sizeOf('sbitmap'), true);
  });

  it('spreads few numbers over four words or more', () => {
    expect(bits().sbitmap_init_node(map, 32, -1, 0, 0, false, true)).toBe(0);
    expect(k.struct('sbitmap').get(map, 'shift')).toBe(3);
    expect(k.struct('sbitmap').get(map, 'map_nr')).toBe(4);
  });

  it('gives every number once, then none', () => {
    bits().sbitmap_init_node(map, 70, 5, 0, 0, false, true);
    const taken = Array.from({ length: 70 }, () => bits().sbitmap_get(map));
    expect([...taken].sort((a, b) => a - b)).toEqual(Array.from({ length: 70 }, (_, i) => i));
    expect(bits().sbitmap_get(map)).toBe(-1);
    expect(bits().sbitmap_weight(map)).toBe(70);
  });

  it('a number that was given back, which inlined code marks, is taken again', () => {
    bits().sbitmap_init_node(map, 4, 6, 0, 0, true, true);
    expect([1, 2, 3, 4].map(() => bits().sbitmap_get(map))).toEqual([0, 1, 2, 3]);
    k.struct('sbitmap_word').setBig(k.struct('sbitmap').get(map, 'map'), 'cleared', 4n);
    expect(bits().sbitmap_any_bit_set(map)).toBe(true);
    expect(bits().sbitmap_weight(map)).toBe(3);
    expect(bits().sbitmap_get(map)).toBe(2);
  });

  it('refuses words of more than 64 numbers', () => {
    expect(bits().sbitmap_init_node(map, 4, 7, 0, 0, false, false)).toBe(-22);
  });
});
