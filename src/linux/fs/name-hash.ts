import type { Ptr } from '../../cpu/layout.js';
import { ULONG_MAX } from '../abi/limits.js';
import type { LinuxKernel } from '../kernel.js';
import { Strings } from '../lib/string/strings.js';
import type { Subsystem } from '../subsystem.js';

const WORD_BYTES = 8;
/** 2^64 times the golden ratio's square root complement (include/linux/hash.h). */
const GOLDEN_RATIO_64 = 0x61c8_8646_80b5_83ebn;

const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & ULONG_MAX;

/** Hashes of file names, a word at a time (fs/namei.c with CONFIG_DCACHE_WORD_ACCESS). */
export class NameHash implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    full_name_hash: (salt: bigint, name: Ptr, length: number) =>
      Number(hash(salt, this.k.space.readable(name, length))),
    hashlen_string: (salt: bigint, name: Ptr) => {
      const bytes = this.k.space.readable(name, this.k.get(Strings).length(name));
      return (BigInt(bytes.length) << 32n) | hash(salt, bytes);
    },
  };

  readonly signatures = { full_name_hash: 'u:Qpu', hashlen_string: 'Q:Qp' };
}

/** full_name_hash(): of a name in a directory, whose dentry's address is the salt; 32 bits. */
export function nameHash(salt: bigint, name: Uint8Array): number {
  return Number(hash(salt, name));
}

function hash(salt: bigint, bytes: Uint8Array): bigint {
  let x = 0n;
  let y = salt;
  let at = 0;
  for (; at + WORD_BYTES <= bytes.length; at += WORD_BYTES) {
    x ^= word(bytes, at);
    y ^= x;
    x = (rotate(x, 12n) + y) & ULONG_MAX;
    y = (rotate(y, 45n) * 9n) & ULONG_MAX;
  }
  x ^= word(bytes, at);
  y ^= (x * GOLDEN_RATIO_64) & ULONG_MAX;
  return ((y * GOLDEN_RATIO_64) & ULONG_MAX) >> 32n;
}

/** Eight bytes, little-endian; what is missing is zero. */
function word(bytes: Uint8Array, at: number): bigint {
  let value = 0n;
  for (let i = 0; i < WORD_BYTES; i++) value |= BigInt(bytes[at + i] ?? 0) << BigInt(8 * i);
  return value;
}
