import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { weight32 } from './words.js';

/** Population counts and bit reversal (include/linux/bitops.h, include/linux/bitrev.h). */
export class BitWeight implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __sw_hweight32: (word: number) => weight32(word),
    __sw_hweight64: (word: bigint) => weight32(Number(word & 0xffff_ffffn)) + weight32(Number(word >> 32n)),
  };

  readonly signatures = { __sw_hweight32: 'L:u', __sw_hweight64: 'L:Q' };

  readonly data = {
    byte_rev_table: (at: Ptr) => {
      const table = this.k.space.writable(at, 256);
      for (let byte = 0; byte < 256; byte++) table[byte] = reverseBits(byte, 8);
    },
  };
}

/** The low `width` bits in opposite order. */
export function reverseBits(value: number, width: number): number {
  let result = 0;
  for (let bit = 0; bit < width; bit++) if ((value >>> bit) & 1) result |= 1 << (width - 1 - bit);
  return result >>> 0;
}
