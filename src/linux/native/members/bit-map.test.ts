import { describe, expect, it } from 'vitest';
import { StructBits } from './bit-map.js';

describe('sets of bits of structs', () => {
  it('hold bits of a byte, whole members, and what lies round a struct', () => {
    const bits = new StructBits();
    bits.add('device', 8, 1, 0x10);
    bits.add('device', 8, 1, 0x01);
    bits.add('device', 16, 4, 0xff);
    bits.add('device', -8, 8, 0xff);
    expect([8, 9, 16, 19, 20, -8, -9].map((at) => bits.at('device', at))).toEqual([
      0x11, 0, 0xff, 0xff, 0, 0xff, 0,
    ]);
    expect(bits.at('inode', 0)).toBe(0);
  });

  it('are the same when they were kept as bytes', () => {
    const bits = new StructBits();
    bits.add('device', 8, 1, 0x10);
    bits.add('inode', -3, 5, 0xff);
    const again = StructBits.decode(bits.encode());
    for (const struct of ['device', 'inode'])
      for (let at = -8; at < 16; at++) expect(again.at(struct, at)).toBe(bits.at(struct, at));
  });
});
