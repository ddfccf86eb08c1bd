import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL, ERANGE } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { parseInteger } from '../string/kstrtox.js';
import { parseDigits } from '../string/simple-strto.js';
import { globMatch, wildcardMatch } from './glob.js';

const MAX_ARGUMENTS = 3;
const NUMBER_BYTES = 24;
const BASES: Readonly<Record<string, number>> = { d: 0, u: 0, o: 8, x: 16 };

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Where the arguments of a pattern are in a text; undefined where it does not match. */
export function matchPattern(pattern: string, text: string): readonly Range[] | undefined {
  const found: Range[] = [];
  let at = 0;
  for (let i = 0; i < pattern.length; ) {
    if (pattern[i] !== '%') {
      if (pattern[i++] !== text[at++]) return undefined;
      continue;
    }
    const conversion = /^%(%|(\d*)([sduox]))/.exec(pattern.slice(i));
    if (!conversion) return undefined;
    i += conversion[0].length;
    if (conversion[1] === '%') {
      if (text[at++] !== '%') return undefined;
      continue;
    }
    if (found.length === MAX_ARGUMENTS) return undefined;
    const length = argumentLength(text.slice(at), conversion[3], conversion[2]);
    if (length === 0) return undefined;
    found.push({ from: at, to: at + length });
    at += length;
  }
  return at === text.length ? found : undefined;
}

function argumentLength(text: string, letter: string, width: string): number {
  if (letter === 's') return width === '' ? text.length : Math.min(Number(width), text.length);
  const sign = letter === 'd' && text[0] === '-' ? 1 : 0;
  const { length } = parseDigits(text.slice(sign), BASES[letter]);
  return length === 0 ? 0 : sign + length;
}

/** Option strings (include/linux/parser.h, lib/parser.c). */
export class Parser implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    match_token: (text: Ptr, table: Ptr, args: Ptr) => this.token(text, table, args),
    match_int: (range: Ptr, result: Ptr) => this.number(range, result, 0),
    match_octal: (range: Ptr, result: Ptr) => this.number(range, result, 8),
    match_hex: (range: Ptr, result: Ptr) => this.number(range, result, 16),
    match_uint: (range: Ptr, result: Ptr) => {
      const parsed = parseInteger(this.text(range), 10, { signed: false, bits: 32 });
      if ('error' in parsed) return parsed.error;
      this.k.space.store32(result, Number(parsed.value));
      return 0;
    },
    match_u64: (range: Ptr, result: Ptr) => {
      const parsed = parseInteger(this.text(range), 0, { signed: false, bits: 64 });
      if ('error' in parsed) return parsed.error;
      this.k.space.store64(result, parsed.value);
      return 0;
    },
    match_strlcpy: (to: Ptr, range: Ptr, size: number) => {
      const text = this.text(range);
      if (size > 0) this.k.space.storeCstring(to, text.slice(0, size - 1));
      return text.length;
    },
    match_strdup: (range: Ptr) => {
      const text = this.text(range);
      const copy = this.k.slab.allocateBytes(text.length + 1, false);
      if (copy !== 0) this.k.space.storeCstring(copy, text);
      return copy;
    },
    match_wildcard: (pattern: Ptr, text: Ptr) =>
      wildcardMatch(this.k.space.cstring(pattern), this.k.space.cstring(text)),
    glob_match: (pattern: Ptr, text: Ptr) =>
      globMatch(this.k.space.cstring(pattern), this.k.space.cstring(text)),
  };

  private token(text: Ptr, table: Ptr, args: Ptr): number {
    const { space } = this.k;
    const entry = this.k.struct('match_token');
    const range = this.k.struct('substring_t');
    const value = space.cstring(text);
    for (let at = table; ; at += entry.size) {
      const pattern = entry.get(at, 'pattern');
      const found = pattern === 0 ? [] : matchPattern(space.cstring(pattern), value);
      if (!found) continue;
      for (const [i, { from, to }] of found.entries()) {
        range.set(args + i * range.size, 'from', text + from);
        range.set(args + i * range.size, 'to', text + to);
      }
      return entry.get(at, 'token') | 0;
    }
  }

  private text(range: Ptr): string {
    const type = this.k.struct('substring_t');
    const from = type.get(range, 'from');
    return this.k.space.cstring(from, type.get(range, 'to') - from);
  }

  private number(range: Ptr, result: Ptr, base: number): number {
    const text = this.text(range);
    if (text.length >= NUMBER_BYTES) return -ERANGE;
    const isNegative = text[0] === '-';
    const { value, length } = parseDigits(isNegative ? text.slice(1) : text, base);
    if (length === 0) return -EINVAL;
    const signed = isNegative ? -value : value;
    if (BigInt.asIntN(32, signed) !== signed) return -ERANGE;
    this.k.space.store32(result, Number(signed));
    return 0;
  }
}
