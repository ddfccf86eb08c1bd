import { describe, expect, it } from 'vitest';
import { Random } from '../testing/random.js';
import { hasStray, rawBytes, rawText } from './raw-text.js';

describe('text of any bytes', () => {
  it('is ordinary where it is UTF-8', () => {
    expect(rawText(new TextEncoder().encode('größe 😀'))).toBe('größe 😀');
    expect(hasStray('größe 😀')).toBe(false);
  });

  it('gives every sequence of bytes again', () => {
    const random = new Random(5);
    for (let round = 0; round < 3000; round++) {
      const bytes = Uint8Array.from({ length: random.below(12) }, () =>
        random.pick([0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xed, 0xa0, 0xf0, 0x90, 0xf4, 0x8f, 0xff]),
      );
      expect(rawBytes(rawText(bytes))).toEqual(bytes);
    }
  });
});
