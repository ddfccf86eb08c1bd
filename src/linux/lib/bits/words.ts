import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import { requireReadable, requireWritable } from '../string/bytes.js';

/** Bits that are set in a 32-bit word. */
export function weight32(word: number): number {
  let x = word - ((word >>> 1) & 0x5555_5555);
  x = (x & 0x3333_3333) + ((x >>> 2) & 0x3333_3333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Index of the lowest set bit of a word that is not 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Word `index` of a bitmap in 32-bit words. */
export type WordSource = (index: number) => number;

/** The first set bit from `start` on, `bits` if there is none: find_next_bit() and its kin. */
export function findNext(word: WordSource, bits: number, start: number): number {
  if (start >= bits) return bits;
  let index = start >>> 5;
  let value = word(index) & (-1 << (start & 31));
  while (value === 0) {
    index++;
    if (index * 32 >= bits) return bits;
    value = word(index);
  }
  return Math.min(index * 32 + lowestBit(value), bits);
}

/** The last set bit below `bits`, `bits` if there is none. */
export function findLast(word: WordSource, bits: number): number {
  for (let index = (bits - 1) >>> 5; bits > 0 && index >= 0; index--) {
    const value = word(index) & maskOf(bits - index * 32);
    if (value !== 0) return index * 32 + 31 - Math.clz32(value);
  }
  return bits;
}

/** The low `bits` of a word, all of it from 32 up. */
export function maskOf(bits: number): number {
  return bits >= 32 ? -1 : (1 << bits) - 1;
}

/** Bytes of a bitmap in memory: an array of unsigned long. */
export function bitmapBytes(bits: number): number {
  return Math.ceil(bits / 64) * 8;
}

/** Reads words of a bitmap. */
export function wordsOf(space: AddressSpace, map: Ptr, bits: number): WordSource {
  requireReadable(space, map, bitmapBytes(bits));
  const { view } = space;
  return (index) => view.getInt32(map + index * 4, true);
}

/** Fills a bitmap's words, those of the last unsigned long too. */
export function storeWords(space: AddressSpace, map: Ptr, bits: number, word: WordSource): void {
  const bytes = bitmapBytes(bits);
  requireWritable(space, map, bytes);
  for (let index = 0; index * 4 < bytes; index++) space.view.setInt32(map + index * 4, word(index), true);
}

/** Sets or clears a range of bits. */
export function fillBits(space: AddressSpace, map: Ptr, start: number, count: number, value: boolean): void {
  const end = start + count;
  for (let index = start >>> 5; index * 32 < end; index++) {
    const low = Math.max(start - index * 32, 0);
    const mask = maskOf(end - index * 32) & (-1 << low);
    const at = map + index * 4;
    const old = space.loadInt32(at);
    space.store32(at, value ? old | mask : old & ~mask);
  }
}
