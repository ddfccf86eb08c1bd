import { describe, expect, it } from 'vitest';
import {
  LZO_E_INPUT_OVERRUN,
  LZO_E_LOOKBEHIND_OVERRUN,
  LZO_E_OK,
  LZO_E_OUTPUT_OVERRUN,
  lzo1xCompress,
  lzo1xDecompress,
} from './lzo1x.js';

const patterned = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i % 1000 < 700 ? (i * i) % 251 : i % 7));

describe('LZO1X', () => {
  for (const length of [0, 1, 3, 4, 18, 238, 239, 300, 5000, 120_000])
    it(`brings ${length} bytes back`, () => {
      const data = patterned(length);
      const packed = lzo1xCompress(data);
      const out = new Uint8Array(length);
      expect(lzo1xDecompress(packed, out)).toEqual({ result: 0, length });
      expect(out).toEqual(data);
    });

  it('shortens what repeats, near and far', () => {
    expect(lzo1xCompress(new Uint8Array(10_000)).length).toBeLessThan(60);
    const far = new Uint8Array(2 * 40_000);
    far.set(patterned(40_000), 0);
    far.set(patterned(40_000), 40_000);
    expect(lzo1xCompress(far).length).toBeLessThan(40_000);
  });

  it('reads every kind of instruction', () => {
    // 4 literals; M2 of 3, distance 4, 1 literal behind; M1 of 2, distance 1; M3 of 36 by an extra byte; the end.
    const stream = Uint8Array.of(21, 1, 2, 3, 4, 0x4d, 0, 9, 0x00, 0, 32, 3, 0, 0, 17, 0, 0);
    const out = new Uint8Array(64);
    const { result, length } = lzo1xDecompress(stream, out);
    expect(result).toBe(0);
    expect([...out.subarray(0, length)]).toEqual([
      1,
      2,
      3,
      4,
      1,
      2,
      3,
      9,
      9,
      9,
      ...Array<number>(36).fill(9),
    ]);
  });

  it('reads runs of zeros where the stream says that it has them', () => {
    const body = [1, 97, 98, 99, 100, 0x1b, 0xfd, 0xff, 2, 122, 17, 0, 0];
    const out = new Uint8Array(40);
    const read = lzo1xDecompress(Uint8Array.of(17, 1, ...body), out);
    expect(read).toEqual({ result: LZO_E_OK, length: 4 + 23 + 1 });
    expect([...out.subarray(0, 28)]).toEqual([97, 98, 99, 100, ...Array<number>(23).fill(0), 122]);
    expect(lzo1xDecompress(Uint8Array.of(17, 0, ...body), out).result).toBe(LZO_E_LOOKBEHIND_OVERRUN);
    expect(lzo1xDecompress(Uint8Array.of(17, 1, ...body), new Uint8Array(20)).result).toBe(
      LZO_E_OUTPUT_OVERRUN,
    );
  });

  it('tells damaged data', () => {
    expect(lzo1xDecompress(Uint8Array.of(21, 1, 2), new Uint8Array(9)).result).toBe(LZO_E_INPUT_OVERRUN);
    expect(lzo1xDecompress(Uint8Array.of(18, 1, 0x40, 9), new Uint8Array(9)).result).toBe(
      LZO_E_LOOKBEHIND_OVERRUN,
    );
  });
});
