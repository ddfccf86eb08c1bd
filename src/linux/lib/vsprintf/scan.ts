import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { VarArgs } from '../../../kernel/abi/convention.js';
import { isSpace } from '../string/ctype.js';
import { parseDigits } from '../string/simple-strto.js';

/** %s without a width stops here (SHRT_MAX). */
const MAX_STRING = 0x7fff;

/** Position in the input and in the format. */
interface Cursor {
  input: number;
  format: number;
}

interface Conversion {
  readonly width: number;
  readonly bytes: number;
  readonly letter: string;
}

/** A conversion ended the scan. */
const STOP = Symbol('stop');

/** vsscanf: the number of conversions stored. */
export function scan(space: AddressSpace, buf: Ptr, fmt: Ptr, args: VarArgs): number {
  const input = space.cstring(buf);
  const format = space.cstring(fmt);
  const at: Cursor = { input: 0, format: 0 };
  let stored = 0;
  while (at.format < format.length) {
    if (isSpace(format[at.format])) {
      at.format = skipSpaces(format, at.format);
      at.input = skipSpaces(input, at.input);
      continue;
    }
    if (format[at.format] !== '%') {
      if (format[at.format++] !== input[at.input++]) break;
      continue;
    }
    at.format++;
    if (format[at.format] === '*') {
      if (at.input >= input.length) break;
      if (!skipSuppressed(format, input, at)) return stored;
      continue;
    }
    const conversion = takeConversion(format, at);
    if (!conversion) break;
    if (conversion.letter === 'n') {
      space.store32(args.nextPtr(), at.input);
      continue;
    }
    if (at.input >= input.length) break;
    const result = convert(space, input, format, at, conversion, args);
    if (result === STOP) break;
    stored += result;
  }
  return stored;
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (isSpace(text[at])) at++;
  return at;
}

/** `%*d`: skips a word of the input. False for %*[, which is not supported. */
function skipSuppressed(format: string, input: string, at: Cursor): boolean {
  while (at.format < format.length && !isSpace(format[at.format]) && format[at.format] !== '%') {
    if (format[at.format] === '[') return false;
    at.format++;
  }
  while (at.input < input.length && !isSpace(input[at.input])) at.input++;
  return true;
}

function takeConversion(format: string, at: Cursor): Conversion | undefined {
  const match = /^(\d*)(hh|h|ll|l|L|z)?/.exec(format.slice(at.format));
  const [all, digits, qualifier] = match ?? ['', '', undefined];
  const width = digits === '' ? -1 : Number(digits);
  if (width === 0) return undefined;
  at.format += all.length;
  const letter = format[at.format++];
  if (letter === undefined) return undefined;
  const bytes = qualifier === 'hh' ? 1 : qualifier === 'h' ? 2 : qualifier === undefined ? 4 : 8;
  return { width, bytes, letter };
}

const BASES: Readonly<Record<string, number>> = { o: 8, x: 16, X: 16, i: 0, d: 10, u: 10 };

function convert(
  space: AddressSpace,
  input: string,
  format: string,
  at: Cursor,
  { width, bytes, letter }: Conversion,
  args: VarArgs,
): 0 | 1 | typeof STOP {
  switch (letter) {
    case 'c': {
      const text = input.slice(at.input, at.input + Math.max(width, 1));
      const out = space.writable(args.nextPtr(), text.length);
      for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
      at.input += text.length;
      return 1;
    }
    case 's': {
      at.input = skipSpaces(input, at.input);
      return storeWhile(space, input, at, width < 0 ? MAX_STRING : width, args, (c) => !isSpace(c));
    }
    case '[':
      return scanSet(space, input, format, at, width, args);
    case '%':
      return input[at.input++] === '%' ? 0 : STOP;
    default: {
      const base = BASES[letter];
      if (base === undefined) return STOP;
      const isSigned = letter === 'd' || letter === 'i';
      at.input = skipSpaces(input, at.input);
      const value = takeInteger(input, at, base, isSigned, width);
      if (value === undefined) return STOP;
      storeInteger(space, args.nextPtr(), bytes, value);
      return 1;
    }
  }
}

function takeInteger(
  input: string,
  at: Cursor,
  base: number,
  isSigned: boolean,
  width: number,
): bigint | undefined {
  let limit = width < 0 ? Number.POSITIVE_INFINITY : width;
  const isNegative = isSigned && input[at.input] === '-';
  if (isNegative && limit === 1) return undefined;
  const first = input[at.input + (isNegative ? 1 : 0)] ?? '';
  const allowed = base === 16 ? /[0-9a-fA-F]/ : base === 8 ? /[0-7]/ : /[0-9]/;
  if (!allowed.test(first)) return undefined;
  if (isNegative) {
    at.input++;
    limit--;
  }
  const { value, length } = parseDigits(input.slice(at.input, at.input + limit), base);
  at.input += length;
  return isNegative ? -value : value;
}

function storeInteger(space: AddressSpace, ptr: Ptr, bytes: number, value: bigint): void {
  const raw = BigInt.asUintN(64, value);
  if (bytes === 8) space.store64(ptr, raw);
  else if (bytes === 4) space.store32(ptr, Number(raw & 0xffff_ffffn));
  else if (bytes === 2) space.store16(ptr, Number(raw & 0xffffn));
  else space.store8(ptr, Number(raw & 0xffn));
}

/** `%15[^,]`: a width is required; ranges are not known. */
function scanSet(
  space: AddressSpace,
  input: string,
  format: string,
  at: Cursor,
  width: number,
  args: VarArgs,
): 1 | typeof STOP {
  if (width < 0) return STOP;
  const isNegated = format[at.format] === '^';
  if (isNegated) at.format++;
  const end = format.indexOf(']', at.format);
  if (end <= at.format) return STOP;
  const set = format.slice(at.format, end);
  at.format = end + 1;
  const matches = (c: string): boolean => set.includes(c) !== isNegated;
  if (!matches(input[at.input])) return STOP;
  return storeWhile(space, input, at, width, args, matches);
}

function storeWhile(
  space: AddressSpace,
  input: string,
  at: Cursor,
  limit: number,
  args: VarArgs,
  matches: (c: string) => boolean,
): 1 {
  let end = at.input;
  while (end < input.length && end - at.input < limit && matches(input[end])) end++;
  space.storeCstring(args.nextPtr(), input.slice(at.input, end));
  at.input = end;
  return 1;
}
