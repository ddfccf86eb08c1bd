import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** The largest packed decimal, 0x99, and the largest digit there are letters for: base 36. */
const LARGEST_BCD = 0x99;
const LARGEST_BASE = 36;

/** Tables of digits that inlined functions look into: bcd2bin() and its kin (sys/libkern/bcd.c). */
export class Digits implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {
    k.variable('bcd2bin_data', LARGEST_BCD + 1);
    k.variable('bin2bcd_data', 100);
    k.variable('hex2ascii_data', LARGEST_BASE + 1);
  }

  readonly data = {
    bcd2bin_data: (at: Ptr) => this.eachDecimal((number, packed) => this.k.space.store8(at + packed, number)),
    bin2bcd_data: (at: Ptr) => this.eachDecimal((number, packed) => this.k.space.store8(at + number, packed)),
    hex2ascii_data: (at: Ptr) => {
      const digits = Array.from({ length: LARGEST_BASE }, (_, digit) => digit.toString(LARGEST_BASE));
      this.k.space.storeCstring(at, digits.join(''));
    },
  };

  private eachDecimal(store: (number: number, packed: number) => void): void {
    for (let number = 0; number < 100; number++) store(number, Math.floor(number / 10) * 16 + (number % 10));
  }
}
