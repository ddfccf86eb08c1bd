import { describe, expect, it } from 'vitest';
import { Booted } from '../testing/booted.js';

describe('MD5', () => {
  it('of a text is the same in one piece and in many, also with a copy of the state', () => {
    const booted = new Booted([]);
    const { k } = booted;
    const call = (name: string, signature: string, ...args: readonly number[]): void => {
      booted.run(k.callAs(signature, k.fn(name), ...args));
    };
    const size = k.sizeOf('MD5Context');
    const at = k.slab.allocateBytes(1024, true);
    const [context, copy, digest, text] = [at, at + size, at + 2 * size, at + 2 * size + 16];
    k.space.storeCstring(text, 'The quick brown fox jumps over the lazy dog, over and over and over again.');
    const digestOf = (of: number): string => {
      call('MD5Final', 'v:pp', digest, of);
      return Buffer.from(k.space.readable(digest, 16)).toString('hex');
    };
    call('MD5Init', 'v:p', context);
    call('MD5Update', 'v:ppu', context, text, 43);
    k.space.bytes.copyWithin(copy, context, context + size);
    expect(digestOf(context)).toBe('9e107d9d372bb6826bd81d3542a419d6');
    call('MD5Update', 'v:ppu', copy, text + 43, 31);
    call('MD5Init', 'v:p', context);
    call('MD5Update', 'v:ppu', context, text, 74);
    expect(digestOf(copy)).toBe(digestOf(context));
  });
});
