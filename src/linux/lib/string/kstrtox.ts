import { EINVAL, ERANGE } from '../../errno.js';
import { chooseBase, takeDigits } from './simple-strto.js';

/** An integer type that a string is parsed into. */
export interface IntegerType {
  readonly signed: boolean;
  readonly bits: 8 | 16 | 32 | 64;
}

type Parsed = { readonly value: bigint } | { readonly error: number };

/**
 * kstrtoull() and its siblings: a sign, digits of a base (0: as C writes them), at most one newline at the
 * end, and nothing else. -EINVAL for other text, -ERANGE for what does not fit.
 */
export function parseInteger(text: string, base: number, type: IntegerType): Parsed {
  const isNegative = type.signed && text[0] === '-';
  const unsigned = text.slice(isNegative || text[0] === '+' ? 1 : 0);
  const { base: actual, start } = chooseBase(unsigned, base);
  const { value, length } = takeDigits(unsigned, start, actual);
  if (length === 0) return { error: -EINVAL };
  if (value >= 1n << 64n) return { error: -ERANGE };
  const rest = unsigned.slice(start + length);
  if (rest !== '' && rest !== '\n') return { error: -EINVAL };
  const result = isNegative ? -value : value;
  const width = BigInt(type.bits);
  const fits = type.signed
    ? result >= -(1n << (width - 1n)) && result < 1n << (width - 1n)
    : result < 1n << width;
  return fits ? { value: result } : { error: -ERANGE };
}

/** kstrtobool(): yes, true, 1, on and their opposites, by their first letters. */
export function parseBool(text: string): boolean | undefined {
  if (/^([yYtT1]|[oO][nN])/.test(text)) return true;
  if (/^([nNfF0]|[oO][fF])/.test(text)) return false;
  return undefined;
}
