import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { hsiphash, type SipKey, siphash, siphashWords } from './siphash.js';

/** SipHash and HalfSipHash (Documentation/security/siphash.rst). */
export class Hashes implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __siphash_unaligned: (data: Ptr, length: number, key: Ptr) => this.bytes(data, length, key),
    siphash_1u64: (a: bigint, key: Ptr) => siphashWords([a], this.key(key)),
    siphash_2u64: (a: bigint, b: bigint, key: Ptr) => siphashWords([a, b], this.key(key)),
    siphash_3u64: (a: bigint, b: bigint, c: bigint, key: Ptr) => siphashWords([a, b, c], this.key(key)),
    siphash_4u64: (a: bigint, b: bigint, c: bigint, d: bigint, key: Ptr) =>
      siphashWords([a, b, c, d], this.key(key)),
    siphash_1u32: (a: number, key: Ptr) => siphash(words(a), this.key(key)),
    siphash_3u32: (a: number, b: number, c: number, key: Ptr) => siphash(words(a, b, c), this.key(key)),
    __hsiphash_unaligned: (data: Ptr, length: number, key: Ptr) => this.half(data, length, key),
    hsiphash_1u32: (a: number, key: Ptr) => hsiphash(words(a), this.key(key)),
    hsiphash_2u32: (a: number, b: number, key: Ptr) => hsiphash(words(a, b), this.key(key)),
    hsiphash_3u32: (a: number, b: number, c: number, key: Ptr) => hsiphash(words(a, b, c), this.key(key)),
    hsiphash_4u32: (a: number, b: number, c: number, d: number, key: Ptr) =>
      hsiphash(words(a, b, c, d), this.key(key)),
  };

  readonly signatures = {
    siphash_1u64: 'Q:Qp',
    siphash_2u64: 'Q:QQp',
    siphash_3u64: 'Q:QQQp',
    siphash_4u64: 'Q:QQQQp',
  };

  private bytes(data: Ptr, length: number, key: Ptr): bigint {
    return siphash(this.k.space.readable(data, length), this.key(key));
  }

  private half(data: Ptr, length: number, key: Ptr): number {
    return hsiphash(this.k.space.readable(data, length), this.key(key));
  }

  private key(at: Ptr): SipKey {
    return { k0: this.k.space.load64(at), k1: this.k.space.load64(at + 8) };
  }
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  for (const [i, value] of values.entries()) new DataView(bytes.buffer).setUint32(4 * i, value, true);
  return bytes;
}
