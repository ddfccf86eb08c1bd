import type { Spec } from './spec.js';

/**
 * An integer as the kernel's vsnprintf prints it. Unlike C's: zero has a digit even at precision 0, `%#x` of
 * zero has its prefix, and a zero pad stays with a precision.
 */
export function formatNumber(value: bigint, spec: Spec): string {
  let sign = '';
  let magnitude = value;
  if (spec.signed) {
    if (value < 0n) {
      sign = '-';
      magnitude = -value;
    } else if (spec.plus) sign = '+';
    else if (spec.space) sign = ' ';
  }
  let prefix = '';
  if (spec.prefix && spec.base === 16) prefix = spec.lower ? '0x' : '0X';
  else if (spec.prefix && spec.base === 8 && magnitude !== 0n) prefix = '0';
  let digits = magnitude.toString(spec.base);
  if (!spec.lower) digits = digits.toUpperCase();
  digits = digits.padStart(spec.precision, '0');
  const room = spec.width - sign.length - prefix.length;
  if (spec.left) return (sign + prefix + digits).padEnd(spec.width);
  if (spec.zeroPad) return sign + prefix + digits.padStart(room, '0');
  return (sign + prefix + digits).padStart(spec.width);
}

/** The low `bytes` of a register as the C type of the conversion. */
export function asInteger(raw: bigint, bytes: number, signed: boolean): bigint {
  return signed ? BigInt.asIntN(bytes * 8, raw) : BigInt.asUintN(bytes * 8, raw);
}
