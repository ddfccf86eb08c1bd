/** One conversion specification: what stands between `%` and its letter (Documentation/core-api/printk-formats.rst). */
export interface Spec {
  readonly left: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  /** `#`: an 0x or 0 prefix. */
  readonly prefix: boolean;
  readonly zeroPad: boolean;
  /** Lower-case digits. */
  readonly lower: boolean;
  readonly signed: boolean;
  /** -1 where none was given. */
  readonly width: number;
  /** -1 where none was given. */
  readonly precision: number;
  readonly base: 8 | 10 | 16;
}

export const PLAIN: Spec = {
  left: false,
  plus: false,
  space: false,
  prefix: false,
  zeroPad: false,
  lower: false,
  signed: false,
  width: -1,
  precision: -1,
  base: 10,
};

/** Decimal, padded with zeros to a width. */
export const zeroPadded = (width: number): Spec => ({ ...PLAIN, zeroPad: true, width });

/** `0x` and as many digits as the bytes have. */
export const hexOfBytes = (bytes: number): Spec => ({
  ...PLAIN,
  base: 16,
  prefix: true,
  lower: true,
  zeroPad: true,
  width: 2 + 2 * bytes,
});

/** `0x1f`, unpadded. */
export const HEX_FLAGS: Spec = { ...PLAIN, base: 16, prefix: true, lower: true };

/** C types of integer conversions; `char` to `long` by their size in bytes. */
type IntegerSize = 1 | 2 | 4 | 8;

type Conversion =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'integer'; readonly spec: Flags; readonly size: IntegerSize }
  | { readonly kind: 'char' | 'string' | 'pointer'; readonly spec: Flags }
  | { readonly kind: 'percent' }
  | { readonly kind: 'invalid'; readonly letter: string };

/** A specification whose width or precision may be an argument (`*`). */
export interface Flags extends Spec {
  readonly starWidth: boolean;
  readonly starPrecision: boolean;
}

const INTEGER_BASES: Readonly<Record<string, 8 | 10 | 16>> = { d: 10, i: 10, u: 10, o: 8, x: 16, X: 16 };

interface Decoded {
  readonly conversion: Conversion;
  /** Index of what follows. For pointers the letters of the extension are still to come. */
  readonly next: number;
}

/** Takes the literal text or the conversion that starts at `at` apart. */
export function decode(format: string, at: number): Decoded {
  if (format[at] !== '%') {
    const percent = format.indexOf('%', at);
    const next = percent < 0 ? format.length : percent;
    return { conversion: { kind: 'text', text: format.slice(at, next) }, next };
  }
  let i = at + 1;
  const flags = { left: false, plus: false, space: false, prefix: false, zeroPad: false };
  for (; ; i++) {
    if (format[i] === '-') flags.left = true;
    else if (format[i] === '+') flags.plus = true;
    else if (format[i] === ' ') flags.space = true;
    else if (format[i] === '#') flags.prefix = true;
    else if (format[i] === '0') flags.zeroPad = true;
    else break;
  }
  const width = count(format, i);
  i = width.next;
  let precision = { value: -1, star: false, next: i };
  if (format[i] === '.') {
    precision = count(format, i + 1);
    if (!precision.star && precision.value < 0) precision.value = 0;
    i = precision.next;
  }
  const { size, next } = qualifier(format, i);
  i = next;
  const letter = format[i] ?? '';
  const spec: Flags = {
    ...PLAIN,
    ...flags,
    width: width.value,
    precision: precision.value,
    starWidth: width.star,
    starPrecision: precision.star,
    base: INTEGER_BASES[letter] ?? 10,
    lower: letter === 'x',
    signed: letter === 'd' || letter === 'i',
  };
  return { conversion: conversion(letter, spec, size), next: i + 1 };
}

function conversion(letter: string, spec: Flags, size: IntegerSize): Conversion {
  if (letter !== '' && letter in INTEGER_BASES) return { kind: 'integer', spec, size };
  switch (letter) {
    case 'c':
      return { kind: 'char', spec };
    case 's':
      return { kind: 'string', spec };
    case 'p':
      return { kind: 'pointer', spec };
    case '%':
      return { kind: 'percent' };
    default:
      return { kind: 'invalid', letter };
  }
}

function count(format: string, at: number): { value: number; star: boolean; next: number } {
  if (format[at] === '*') return { value: -1, star: true, next: at + 1 };
  let next = at;
  while (format[next] >= '0' && format[next] <= '9') next++;
  return { value: next === at ? -1 : Number(format.slice(at, next)), star: false, next };
}

function qualifier(format: string, at: number): { size: IntegerSize; next: number } {
  const letter = format[at];
  if (letter === undefined || !'hlLzt'.includes(letter)) return { size: 4, next: at };
  const doubled = format[at + 1] === letter && (letter === 'h' || letter === 'l');
  if (letter === 'h') return { size: doubled ? 1 : 2, next: at + (doubled ? 2 : 1) };
  return { size: 8, next: at + (doubled ? 2 : 1) };
}
