import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { reverseBits } from '../bits/weight.js';

const CRC32_LE = 0xedb8_8320;
const CRC32_BE = 0x04c1_1db7;
const CRC32C_LE = 0x82f6_3b78;
const CCITT = 0x8408;
const CCITT_FALSE = 0x1021;

/** Checksums by polynomial division that are built into the kernel (lib/crc32.c, lib/crc-ccitt.c). */
export class Crc implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crc32_le: (crc: number, ptr: Ptr, length: number) => this.reflected(REFLECTED_32, crc, ptr, length),
    __crc32c_le: (crc: number, ptr: Ptr, length: number) => this.reflected(REFLECTED_32C, crc, ptr, length),
    crc32_be: (crc: number, ptr: Ptr, length: number) => {
      let value = crc;
      for (const byte of this.k.space.readable(ptr, length))
        value = (value << 8) ^ FORWARD_32[((value >>> 24) ^ byte) & 0xff];
      return value >>> 0;
    },
    crc32_le_shift: (crc: number, bytes: number) => shiftReflected(crc, bytes, CRC32_LE),
    __crc32c_le_shift: (crc: number, bytes: number) => shiftReflected(crc, bytes, CRC32C_LE),
    crc_ccitt: (crc: number, ptr: Ptr, length: number) => this.reflected(REFLECTED_CCITT, crc, ptr, length),
    crc_ccitt_false: (crc: number, ptr: Ptr, length: number) => {
      let value = crc;
      for (const byte of this.k.space.readable(ptr, length))
        value = ((value << 8) & 0xffff) ^ FALSE_CCITT[((value >>> 8) ^ byte) & 0xff];
      return value;
    },
  };

  readonly data = {
    crc_ccitt_table: (at: Ptr) => this.table16(at, REFLECTED_CCITT),
    crc_ccitt_false_table: (at: Ptr) => this.table16(at, FALSE_CCITT),
  };

  private reflected(table: Uint32Array, crc: number, ptr: Ptr, length: number): number {
    let value = crc >>> 0;
    if (length === 0) return value;
    for (const byte of this.k.space.readable(ptr, length))
      value = (value >>> 8) ^ table[(value ^ byte) & 0xff];
    return value >>> 0;
  }

  private table16(at: Ptr, table: Uint32Array): void {
    for (const [i, value] of table.entries()) this.k.space.store16(at + 2 * i, value);
  }
}

/** The remainders of all bytes, bits in reflected order. */
export function reflectedTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value;
  });
}

/** The remainders of all bytes, most significant bit first, for polynomials of `width` bits. */
export function forwardTable(polynomial: number, width: 16 | 32): Uint32Array {
  const top = width === 32 ? 0x8000_0000 : 0x8000;
  const mask = width === 32 ? 0xffff_ffff : 0xffff;
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte << (width - 8);
    for (let bit = 0; bit < 8; bit++) value = (value & top ? (value << 1) ^ polynomial : value << 1) & mask;
    return value >>> 0;
  });
}

const REFLECTED_32 = reflectedTable(CRC32_LE);
const REFLECTED_32C = reflectedTable(CRC32C_LE);
const FORWARD_32 = forwardTable(CRC32_BE, 32);
const REFLECTED_CCITT = reflectedTable(CCITT);
const FALSE_CCITT = forwardTable(CCITT_FALSE, 16);

/** A remainder after `bytes` zero bytes: multiplication by x^(8 * bytes), modulo the polynomial. */
export function shiftReflected(crc: number, bytes: number, polynomial: number): number {
  let power = 1 << 31;
  let base = reverseBits(2, 32);
  for (let left = BigInt(bytes) * 8n; left > 0n; left >>= 1n) {
    if (left & 1n) power = multiplyReflected(power, base, polynomial);
    base = multiplyReflected(base, base, polynomial);
  }
  return multiplyReflected(crc, power, polynomial) >>> 0;
}

/** Product of two polynomials over GF(2), bit 31 the constant term. */
function multiplyReflected(a: number, b: number, polynomial: number): number {
  let product = 0;
  let x = a;
  for (let bit = 31; bit >= 0; bit--) {
    if ((b >>> bit) & 1) product ^= x;
    x = x & 1 ? (x >>> 1) ^ polynomial : x >>> 1;
  }
  return product;
}
