import { describe, expect, it } from 'vitest';
import { bitGroups, bitRanges } from '../vsprintf/bytes.js';
import { parseGroups, parseRanges } from './bitmap-text.js';
import { reverseBits } from './weight.js';
import { findLast, findNext, lowestBit, weight32 } from './words.js';

describe('words', () => {
  const words = [0x8000_0001 | 0, 0, 0x10];
  const word = (i: number): number => words[i];
  it('counts and finds bits', () => {
    expect([0, 1, 0xff, -1, 0x8000_0001 | 0].map(weight32)).toEqual([0, 1, 8, 32, 2]);
    expect([1, 0x80, -0x8000_0000].map(lowestBit)).toEqual([0, 7, 31]);
    expect([0, 1, 32, 69].map((start) => findNext(word, 96, start))).toEqual([0, 31, 68, 96]);
    expect(findNext(word, 68, 32)).toBe(68);
    expect([96, 68, 31, 0].map((bits) => findLast(word, bits))).toEqual([68, 31, 0, 0]);
    expect(reverseBits(0x12, 8)).toBe(0x48);
  });
});

describe('bitmaps as text', () => {
  it('parses groups', () => {
    expect(parseGroups('3,00000001', 64)).toEqual([0, 32, 33]);
    expect(parseGroups('f\n', 3)).toBe(-75);
    expect(parseGroups('xyz', 64)).toBe(-22);
    expect(parseGroups('123456789', 64)).toBe(-75);
  });
  it('parses ranges', () => {
    expect(parseRanges('0-3,8', 16)).toEqual([0, 1, 2, 3, 8]);
    expect(parseRanges('0-9:2/5\n', 16)).toEqual([0, 1, 5, 6]);
    expect(parseRanges('all', 4)).toEqual([0, 1, 2, 3]);
    expect(parseRanges('2-N', 5)).toEqual([2, 3, 4]);
    expect(parseRanges('3-1', 16)).toBe(-22);
    expect(parseRanges('16', 16)).toBe(-34);
    expect(parseRanges('', 16)).toEqual([]);
  });
  it('prints both', () => {
    const bytes = Uint8Array.of(0x0f, 0, 0, 0x80, 1, 0, 0, 0);
    expect(bitRanges(bytes, 40)).toBe('0-3,31-32');
    expect(bitGroups(bytes, 33)).toBe('1,8000000f');
    expect(bitGroups(bytes, 0)).toBe('');
  });
});
