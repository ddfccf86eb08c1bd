import type { Code } from './signature.js';

/** A raw 64-bit register as the C type that `code` stands for. */
export function convert(raw: bigint, code: Code): number | bigint | boolean {
  switch (code) {
    case 'i':
      return Number(BigInt.asIntN(32, raw));
    case 'u':
      return Number(BigInt.asUintN(32, raw));
    case 'l':
      return Number(BigInt.asIntN(64, raw));
    case 'L':
      return Number(raw);
    case 'q':
      return BigInt.asIntN(64, raw);
    case 'Q':
      return raw;
    case 'h':
      return Number(BigInt.asIntN(16, raw));
    case 'H':
      return Number(BigInt.asUintN(16, raw));
    case 'c':
      return Number(BigInt.asIntN(8, raw));
    case 'C':
      return Number(BigInt.asUintN(8, raw));
    case 'b':
      return (raw & 0xffn) !== 0n;
    default:
      throw new TypeError(`cannot convert to '${code}'`);
  }
}
