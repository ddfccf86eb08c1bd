import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import { GFP_ZERO } from '../../abi/gfp.js';
import { EBUSY, EFAULT, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { bitGroups, bitRanges } from '../vsprintf/bytes.js';
import { type ParsedBits, parseGroups, parseRange, parseRanges, rangesOf } from './bitmap-text.js';
import {
  bitmapBytes,
  fillBits,
  findNext,
  maskOf,
  storeWords,
  type WordSource,
  weight32,
  wordsOf,
} from './words.js';

/** Bits of the words that a bitmap takes. */
const wholeWords = (bits: number): number => bitmapBytes(bits) * 8;

/** Bitmaps (include/linux/bitmap.h, lib/bitmap.c). */
export class Bitmap implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    bitmap_alloc: (bits: number, gfp: number) => this.allocate(bits, gfp),
    bitmap_zalloc: (bits: number, gfp: number) => this.allocate(bits, gfp | GFP_ZERO),
    bitmap_alloc_node: (bits: number, gfp: number) => this.allocate(bits, gfp),
    bitmap_zalloc_node: (bits: number, gfp: number) => this.allocate(bits, gfp | GFP_ZERO),
    bitmap_free: (map: Ptr) => {
      if (map !== 0) this.k.slab.free(map);
    },
    __bitmap_weight: (map: Ptr, bits: number) => this.weight(this.words(map, bits), bits),
    __bitmap_weight_and: (a: Ptr, b: Ptr, bits: number) =>
      this.weight(
        this.combined(a, b, bits, (x, y) => x & y),
        bits,
      ),
    __bitmap_set: (map: Ptr, start: number, count: number) => fillBits(this.k.space, map, start, count, true),
    __bitmap_clear: (map: Ptr, start: number, count: number) =>
      fillBits(this.k.space, map, start, count, false),
    __bitmap_and: (to: Ptr, a: Ptr, b: Ptr, bits: number) =>
      this.combineExactly(to, a, b, bits, (x, y) => x & y),
    __bitmap_andnot: (to: Ptr, a: Ptr, b: Ptr, bits: number) =>
      this.combineExactly(to, a, b, bits, (x, y) => x & ~y),
    __bitmap_or: (to: Ptr, a: Ptr, b: Ptr, bits: number) => {
      this.combine(to, a, b, bits, (x, y) => x | y);
    },
    __bitmap_xor: (to: Ptr, a: Ptr, b: Ptr, bits: number) => {
      this.combine(to, a, b, bits, (x, y) => x ^ y);
    },
    __bitmap_complement: (to: Ptr, from: Ptr, bits: number) => {
      const word = this.words(from, bits);
      storeWords(this.k.space, to, bits, (i) => ~word(i));
    },
    __bitmap_replace: (to: Ptr, old: Ptr, fresh: Ptr, mask: Ptr, bits: number) => {
      const [a, b, m] = [this.words(old, bits), this.words(fresh, bits), this.words(mask, bits)];
      storeWords(this.k.space, to, bits, (i) => (a(i) & ~m(i)) | (b(i) & m(i)));
    },
    __bitmap_equal: (a: Ptr, b: Ptr, bits: number) =>
      !this.any(
        this.combined(a, b, bits, (x, y) => x ^ y),
        bits,
      ),
    __bitmap_or_equal: (a: Ptr, b: Ptr, c: Ptr, bits: number) => {
      const either = this.combined(a, b, bits, (x, y) => x | y);
      const wanted = this.words(c, bits);
      return !this.any((i) => either(i) ^ wanted(i), bits);
    },
    __bitmap_subset: (a: Ptr, b: Ptr, bits: number) =>
      !this.any(
        this.combined(a, b, bits, (x, y) => x & ~y),
        bits,
      ),
    __bitmap_intersects: (a: Ptr, b: Ptr, bits: number) =>
      this.any(
        this.combined(a, b, bits, (x, y) => x & y),
        bits,
      ),
    __bitmap_shift_right: (to: Ptr, from: Ptr, shift: number, bits: number) =>
      this.shift(to, from, -shift, bits),
    // Bits beyond the last are whatever comes there.
    __bitmap_shift_left: (to: Ptr, from: Ptr, shift: number, bits: number) =>
      this.shift(to, from, shift, wholeWords(bits)),
    bitmap_cut: (to: Ptr, from: Ptr, first: number, cut: number, bits: number) => {
      const whole = wholeWords(bits);
      const map = this.load(from, whole);
      const kept = (1n << BigInt(first)) - 1n;
      const high = (map >> BigInt(cut)) & ~kept;
      this.store(to, whole, (map & kept) | high);
    },
    bitmap_find_next_zero_area_off: (
      map: Ptr,
      bits: number,
      start: number,
      count: number,
      alignMask: number,
      offset: number,
    ) => this.findArea(map, bits, start, count, alignMask, offset),
    bitmap_find_free_region: (map: Ptr, bits: number, order: number) => {
      const count = 2 ** order;
      for (let at = 0; at + count <= bits; at += count) if (this.takeRegion(map, at, order) === 0) return at;
      return -ENOMEM;
    },
    bitmap_allocate_region: (map: Ptr, at: number, order: number) => this.takeRegion(map, at, order),
    bitmap_release_region: (map: Ptr, at: number, order: number) =>
      fillBits(this.k.space, map, at, 2 ** order, false),
    bitmap_from_arr32: (to: Ptr, from: Ptr, bits: number) => {
      const { space } = this.k;
      const count = Math.ceil(bits / 32);
      storeWords(space, to, bits, (i) =>
        i < count ? space.loadInt32(from + 4 * i) & maskOf(bits - 32 * i) : 0,
      );
    },
    bitmap_to_arr32: (to: Ptr, from: Ptr, bits: number) => {
      const word = this.words(from, bits);
      for (let i = 0; i * 32 < bits; i++) this.k.space.store32(to + 4 * i, word(i) & maskOf(bits - 32 * i));
    },
    bitmap_parse: (text: Ptr, length: number, map: Ptr, bits: number) =>
      this.fill(map, bits, parseGroups(this.k.space.cstring(text, length), bits)),
    bitmap_parselist: (text: Ptr, map: Ptr, bits: number) =>
      this.fillRanges(map, bits, this.k.space.cstring(text)),
    bitmap_parse_user: (text: Ptr, length: number, map: Ptr, bits: number) =>
      this.fromUser(text, length, map, bits, parseGroups),
    bitmap_parselist_user: (text: Ptr, length: number, map: Ptr, bits: number) =>
      this.fromUser(text, length, map, bits, parseRanges),
    bitmap_print_to_pagebuf: (list: boolean, buf: Ptr, map: Ptr, bits: number) => {
      const bytes = this.k.space.readable(map, bitmapBytes(bits)).slice();
      const text = `${list ? bitRanges(bytes, bits) : bitGroups(bytes, bits)}\n`;
      const room = PAGE_SIZE - (buf % PAGE_SIZE);
      this.k.space.storeCstring(buf, text.slice(0, room - 1));
      return Math.min(text.length, room - 1);
    },
  };

  private allocate(bits: number, gfp: number): Ptr {
    return this.k.kmalloc(bitmapBytes(bits), gfp);
  }

  private words(map: Ptr, bits: number): WordSource {
    return wordsOf(this.k.space, map, bits);
  }

  private combined(a: Ptr, b: Ptr, bits: number, with_: (x: number, y: number) => number): WordSource {
    const x = this.words(a, bits);
    const y = this.words(b, bits);
    return (i) => with_(x(i), y(i));
  }

  /** Stores the combination; true if a bit of it is set. */
  private combine(to: Ptr, a: Ptr, b: Ptr, bits: number, with_: (x: number, y: number) => number): boolean {
    storeWords(this.k.space, to, bits, this.combined(a, b, bits, with_));
    return this.any(this.words(to, bits), bits);
  }

  /** As `combine`; bits beyond the last are cleared. */
  private combineExactly(
    to: Ptr,
    a: Ptr,
    b: Ptr,
    bits: number,
    with_: (x: number, y: number) => number,
  ): boolean {
    const word = this.combined(a, b, bits, with_);
    storeWords(this.k.space, to, bits, (i) => (i * 32 < bits ? word(i) & maskOf(bits - 32 * i) : 0));
    return this.any(this.words(to, bits), bits);
  }

  private any(word: WordSource, bits: number): boolean {
    for (let i = 0; i * 32 < bits; i++) if (word(i) & maskOf(bits - 32 * i)) return true;
    return false;
  }

  private weight(word: WordSource, bits: number): number {
    let total = 0;
    for (let i = 0; i * 32 < bits; i++) total += weight32(word(i) & maskOf(bits - 32 * i));
    return total;
  }

  private shift(to: Ptr, from: Ptr, by: number, bits: number): void {
    const map = this.load(from, bits);
    this.store(to, bits, by < 0 ? map >> BigInt(-by) : map << BigInt(by));
  }

  private load(map: Ptr, bits: number): bigint {
    const word = this.words(map, bits);
    let value = 0n;
    for (let i = Math.ceil(bits / 32) - 1; i >= 0; i--) value = (value << 32n) | BigInt(word(i) >>> 0);
    return BigInt.asUintN(bits, value);
  }

  private store(map: Ptr, bits: number, value: bigint): void {
    const cut = BigInt.asUintN(bits, value);
    storeWords(this.k.space, map, bits, (i) => Number(BigInt.asIntN(32, cut >> BigInt(32 * i))));
  }

  private findArea(
    map: Ptr,
    bits: number,
    from: number,
    count: number,
    alignMask: number,
    offset: number,
  ): number {
    const word = this.words(map, bits);
    for (let start = from; ; ) {
      const free = findNext((i) => ~word(i), bits, start);
      const align = alignMask + 1;
      const at = Math.ceil((free + offset) / align) * align - offset;
      if (at + count > bits) return at + count;
      const busy = findNext(word, at + count, at);
      if (busy >= at + count) return at;
      start = busy + 1;
    }
  }

  private takeRegion(map: Ptr, at: number, order: number): number {
    const end = at + 2 ** order;
    if (findNext(this.words(map, end), end, at) < end) return -EBUSY;
    fillBits(this.k.space, map, at, end - at, true);
    return 0;
  }

  private fill(map: Ptr, bits: number, parsed: ParsedBits): number {
    if (typeof parsed === 'number') return parsed;
    storeWords(this.k.space, map, bits, () => 0);
    return this.set(map, parsed);
  }

  /** What stands before a mistake is set. */
  private fillRanges(map: Ptr, bits: number, text: string): number {
    storeWords(this.k.space, map, bits, () => 0);
    for (const region of rangesOf(text)) {
      const error = this.set(map, parseRange(region, bits));
      if (error) return error;
    }
    return 0;
  }

  private set(map: Ptr, parsed: ParsedBits): number {
    if (typeof parsed === 'number') return parsed;
    for (const bit of parsed) fillBits(this.k.space, map, bit, 1, true);
    return 0;
  }

  private fromUser(
    text: Ptr,
    length: number,
    map: Ptr,
    bits: number,
    parse: (text: string, bits: number) => ParsedBits,
  ): number {
    const { space } = this.k;
    if (!space.user.canRead(text, length)) return -EFAULT;
    const copy = space.user.within(() => space.cstring(text, length));
    return this.fill(map, bits, parse(copy, bits));
  }
}
