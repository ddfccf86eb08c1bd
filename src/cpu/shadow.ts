import { type Ptr, type Region, SHADOW_BYTES, SHADOW_SHIFT } from './layout.js';

/** A word that stands for bytes nobody may access. */
const POISONED = -1;

/**
 * Which bytes of watched pages machine code may access: one signed byte for each eight, as KASAN has it. 0: all may be accessed;
 * 1 to 7: the first so many; negative: none. Translated code looks at it too (runtime/watch-glue.ts).
 */
export class Shadow {
  private readonly words: Int8Array;

  private readonly start: Ptr;
  private readonly end: Ptr;

  /** `ram`: the region whose pages can be watched. */
  constructor(buffer: ArrayBuffer, ram: Region) {
    this.start = ram.start;
    this.end = ram.start + ram.size;
    this.words = new Int8Array(buffer, SHADOW_BYTES, ram.size >>> SHADOW_SHIFT);
  }

  /** Machine code may not access these bytes; both are multiples of 8. */
  poison(start: Ptr, bytes: number): void {
    const at = this.index(start);
    this.words.fill(POISONED, at, at + (bytes >>> SHADOW_SHIFT));
  }

  /** Machine code may access these bytes, to the last; `start` is a multiple of 8. */
  allow(start: Ptr, bytes: number): void {
    const at = this.index(start);
    const whole = bytes >>> SHADOW_SHIFT;
    this.words.fill(0, at, at + whole);
    if (bytes & 7) this.words[at + whole] = bytes & 7;
  }

  /** Nothing of a range of any memory is poisoned any more. */
  forget(start: Ptr, end: Ptr): void {
    const from = Math.max(start, this.start);
    const to = Math.min(end, this.end);
    if (from < to) this.words.fill(0, this.index(from), this.index(to));
  }

  /** The first of `size` bytes that machine code may not access; undefined if it may access all. */
  firstPoisoned(ptr: Ptr, size: number): Ptr | undefined {
    if (ptr < this.start || ptr + size > this.end) return undefined;
    for (let at = ptr; at < ptr + size; at = (at | 7) + 1) {
      const word = this.words[this.index(at)];
      if (word === 0) continue;
      const bad = word < 0 ? at : Math.max(at, (at & ~7) + word);
      if (bad < ptr + size) return bad;
    }
    return undefined;
  }

  private index(ptr: Ptr): number {
    return (ptr - this.start) >>> SHADOW_SHIFT;
  }
}
