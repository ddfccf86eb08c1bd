import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { guest } from '../../testing/guest.js';

describe('hashes of lib/crypto', () => {
  const g = guest();
  const { k, call } = g;
  const data = k.slab.allocateBytes(256, true);
  const text = Uint8Array.from({ length: 200 }, (_, i) => 7 * i);
  k.space.writable(data, 200).set(text);
  const out = k.slab.allocateBytes(64, true);
  const hex = (bytes: number): string => Buffer.from(k.space.bytes.slice(out, out + bytes)).toString('hex');

  it('sha256, at once and in pieces from an initial state', () => {
    const wanted = createHash('sha256').update(text).digest('hex');
    call.sha256(data, 200, out);
    expect(hex(32)).toBe(wanted);
    const state = g.struct.sha256_state();
    const words = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab];
    [...words, 0x5be0cd19].forEach((word, i) => {
      k.space.store32(k.struct('sha256_state').addr(state, 'state') + 4 * i, word);
    });
    call.sha256_update(state, data, 70);
    call.sha256_update(state, data + 70, 130);
    k.space.writable(out, 32).fill(0);
    call.sha256_final(state, out);
    expect(hex(32)).toBe(wanted);
  });

  it('sha1_transform, block by block', () => {
    // The whole of SHA-1 is blocks whose last has the padding: 0x80, zeroes, and the length in bits.
    const block = k.slab.allocateBytes(64, true);
    k.space.writable(block, 64).set([0x61, 0x62, 0x63, 0x80]);
    k.space.store8(block + 63, 24);
    const words = k.slab.allocateBytes(20, true);
    call.sha1_init(words);
    call.sha1_transform(words, block, k.slab.allocateBytes(64, true));
    const digest = Buffer.from(
      [0, 1, 2, 3, 4].flatMap((i) => [...k.space.bytes.slice(words + 4 * i, words + 4 * i + 4)].reverse()),
    );
    expect(digest.toString('hex')).toBe(createHash('sha1').update('abc').digest('hex'));
  });
});
