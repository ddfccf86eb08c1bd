/** No base has more: beyond 16 the others are no digits either. */
const DIGITS = '0123456789abcdef';

/** Base 0: 16 after 0x and a hexadecimal digit, 8 after 0, else 10; and where the digits start. */
export function chooseBase(text: string, base: number): { readonly base: number; readonly start: number } {
  const isHex = /^0[xX]/.test(text);
  if (base === 0) {
    if (text[0] !== '0') return { base: 10, start: 0 };
    return isHex && /^0[xX][0-9a-fA-F]/.test(text) ? { base: 16, start: 2 } : { base: 8, start: 0 };
  }
  return { base, start: base === 16 && isHex ? 2 : 0 };
}

/** As simple_strtoull: digits as far as they go; overflow wraps. `length` counts a prefix, too. */
export function parseDigits(
  text: string,
  givenBase: number,
): { readonly value: bigint; readonly length: number } {
  const { base, start } = chooseBase(text, givenBase);
  const { value, length } = takeDigits(text, start, base);
  return { value: BigInt.asUintN(64, value), length: start + length };
}

/** The digits of a base from `start` on, without a limit to their value. */
export function takeDigits(
  text: string,
  start: number,
  base: number,
): { readonly value: bigint; readonly length: number } {
  let value = 0n;
  let at = start;
  for (; at < text.length; at++) {
    const digit = DIGITS.indexOf(text[at].toLowerCase());
    if (digit < 0 || digit >= base) break;
    value = value * BigInt(base) + BigInt(digit);
  }
  return { value, length: at - start };
}
