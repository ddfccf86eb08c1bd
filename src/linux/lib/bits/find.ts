import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { findLast, findNext, type WordSource, wordsOf } from './words.js';

type Combine = (a: number, b: number) => number;

const AND: Combine = (a, b) => a & b;
const AND_NOT: Combine = (a, b) => a & ~b;

/** Searching bitmaps (include/linux/find.h). */
export class FindBit implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    _find_first_bit: (map: Ptr, bits: number) => findNext(this.words(map, bits), bits, 0),
    _find_next_bit: (map: Ptr, bits: number, start: number) => findNext(this.words(map, bits), bits, start),
    _find_first_zero_bit: (map: Ptr, bits: number) => findNext(this.zeros(map, bits), bits, 0),
    _find_next_zero_bit: (map: Ptr, bits: number, start: number) =>
      findNext(this.zeros(map, bits), bits, start),
    _find_first_and_bit: (a: Ptr, b: Ptr, bits: number) => findNext(this.both(a, b, bits, AND), bits, 0),
    _find_next_and_bit: (a: Ptr, b: Ptr, bits: number, start: number) =>
      findNext(this.both(a, b, bits, AND), bits, start),
    _find_next_andnot_bit: (a: Ptr, b: Ptr, bits: number, start: number) =>
      findNext(this.both(a, b, bits, AND_NOT), bits, start),
    _find_last_bit: (map: Ptr, bits: number) => findLast(this.words(map, bits), bits),
    __find_nth_bit: (map: Ptr, bits: number, n: number) => nth(this.words(map, bits), bits, n),
    __find_nth_and_bit: (a: Ptr, b: Ptr, bits: number, n: number) => nth(this.both(a, b, bits, AND), bits, n),
    __find_nth_andnot_bit: (a: Ptr, b: Ptr, bits: number, n: number) =>
      nth(this.both(a, b, bits, AND_NOT), bits, n),
    find_next_clump8: (clump: Ptr, map: Ptr, bits: number, start: number) => {
      const at = findNext(this.words(map, bits), bits, start);
      if (at === bits) return bits;
      const offset = at & ~7;
      this.k.space.storeLong(clump, this.k.space.load8(map + offset / 8));
      return offset;
    },
  };

  private words(map: Ptr, bits: number): WordSource {
    return wordsOf(this.k.space, map, bits);
  }

  private zeros(map: Ptr, bits: number): WordSource {
    const word = this.words(map, bits);
    return (index) => ~word(index);
  }

  private both(a: Ptr, b: Ptr, bits: number, combine: Combine): WordSource {
    const x = this.words(a, bits);
    const y = this.words(b, bits);
    return (index) => combine(x(index), y(index));
  }
}

function nth(word: WordSource, bits: number, n: number): number {
  let at = findNext(word, bits, 0);
  for (let left = n; left > 0 && at < bits; left--) at = findNext(word, bits, at + 1);
  return at;
}
