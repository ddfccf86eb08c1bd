import type { Sleepable } from '../../../kernel/effects.js';
import { joinBytes } from '../../terminal.js';
import { type Applet, AppletUsageError } from '../applet.js';
import { withEscapes } from './text.js';

/** Most that a width or a precision may be: nobody gets a text of gigabytes for a word. */
const MOST_WIDE = 65536;
const encoder = new TextEncoder();

/** printf(1): the format is used again as long as there are arguments. */
export const printfApplet: Applet = {
  name: 'printf',
  usage: 'printf FORMAT [ARGUMENT]...',
  summary: 'Prints its arguments as the format says.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, io }): Sleepable<number> {
    const [format, ...rest] = args;
    if (format === undefined) throw new AppletUsageError('give a format');
    const given = [...rest];
    const wrong: string[] = [];
    do {
      const before = given.length;
      io.out(formatted(format, given, wrong));
      if (given.length === before) break;
    } while (given.length > 0);
    for (const text of wrong) io.err(`printf: invalid number '${text}'\n`);
    return wrong.length > 0 ? 1 : 0;
  },
};

const DIRECTIVE = /%(?:%|([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?([diouxXcsb]))/g;

function formatted(format: string, given: string[], wrong: string[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  const number = (text: string): bigint => {
    const value = numberOf(text);
    if (value === undefined) wrong.push(text);
    return value ?? 0n;
  };
  const size = (text: string | undefined): number | undefined =>
    text === undefined
      ? undefined
      : Math.min(MOST_WIDE, Number(text === '*' ? number(given.shift() ?? '0') : text));
  let last = 0;
  for (const match of format.matchAll(DIRECTIVE)) {
    pieces.push(withEscapes(format.slice(last, match.index)));
    last = match.index + match[0].length;
    if (match[4] === undefined) {
      pieces.push(encoder.encode('%'));
      continue;
    }
    const width = size(match[2]) ?? 0;
    const precision = size(match[3]);
    const body = converted(match[4], given.shift(), match[1], precision, number);
    const missing = Math.max(0, width - body.length);
    const zeros = match[1].includes('0') && !match[1].includes('-') && /[diouxX]/.test(match[4]);
    if (match[1].includes('-')) pieces.push(body, encoder.encode(' '.repeat(missing)));
    else if (zeros && precision === undefined) {
      const text = new TextDecoder().decode(body);
      const sign = /^[-+ ]?(?:0[xX])?/.exec(text)?.[0] ?? '';
      pieces.push(encoder.encode(sign + '0'.repeat(missing) + text.slice(sign.length)));
    } else pieces.push(encoder.encode(' '.repeat(missing)), body);
  }
  const tail = format.slice(last);
  const odd = /%/.exec(tail);
  if (odd) throw new AppletUsageError(`invalid format '${tail.slice(odd.index, odd.index + 2)}'`);
  pieces.push(withEscapes(tail));
  return joinBytes(pieces);
}

function converted(
  kind: string,
  argument: string | undefined,
  flags: string,
  precision: number | undefined,
  number: (text: string) => bigint,
): Uint8Array {
  if (kind === 'b') return withEscapes(argument ?? '');
  if (kind === 'c') return encoder.encode([...(argument ?? '')][0] ?? '');
  if (kind === 's') return encoder.encode(argument ?? '').subarray(0, precision);
  const value = number(argument ?? '0');
  const base = kind === 'o' ? 8 : /[xX]/.test(kind) ? 16 : 10;
  const signed = kind === 'd' || kind === 'i';
  const plain = signed ? (value < 0n ? -value : value) : BigInt.asUintN(64, value);
  let digits = plain.toString(base).padStart(precision ?? 0, '0');
  if (flags.includes('#') && base !== 10 && plain !== 0n) digits = (base === 16 ? '0x' : '0') + digits;
  if (kind === 'X') digits = digits.toUpperCase();
  const sign = value < 0n && signed ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  return encoder.encode((signed ? sign : '') + digits);
}

function numberOf(text: string): bigint | undefined {
  if (/^["']/.test(text)) return BigInt(text.codePointAt(1) ?? 0);
  const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text);
  if (!match) return text === '' ? 0n : undefined;
  const octal = /^0[0-7]+$/.test(match[2]);
  const value = BigInt(octal ? `0o${match[2].slice(1)}` : match[2]);
  return match[1] === '-' ? -value : value;
}
