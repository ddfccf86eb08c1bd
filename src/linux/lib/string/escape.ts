/** What escapeBytes escapes (include/linux/string_helpers.h). */
export const ESCAPE_SPACE = 0x01;
export const ESCAPE_SPECIAL = 0x02;
export const ESCAPE_NULL = 0x04;
export const ESCAPE_OCTAL = 0x08;
export const ESCAPE_ANY = ESCAPE_SPACE | ESCAPE_OCTAL | ESCAPE_SPECIAL | ESCAPE_NULL;
export const ESCAPE_NP = 0x10;
export const ESCAPE_ANY_NP = ESCAPE_ANY | ESCAPE_NP;
export const ESCAPE_HEX = 0x20;
const ESCAPE_NA = 0x40;
const ESCAPE_NAP = 0x80;
export const ESCAPE_APPEND = 0x100;

const SPACES: Readonly<Record<number, string>> = { 10: 'n', 13: 'r', 9: 't', 11: 'v', 12: 'f' };
const SPECIALS: Readonly<Record<number, string>> = { 92: '\\', 7: 'a', 27: 'e', 34: '"' };

/** isprint() of the kernel: latin-1 letters too. */
const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || byte >= 0xa0;

/**
 * Text with bytes escaped as string_escape_mem does: `only` lists the only characters to escape (or, with
 * ESCAPE_APPEND, those to escape besides). A class of ESCAPE_NP, NA, NAP leaves such bytes alone.
 */
export function escapeBytes(bytes: Uint8Array, flags: number, only: string | undefined): string {
  let text = '';
  for (const byte of bytes) text += escapeByte(byte, flags, only);
  return text;
}

function escapeByte(byte: number, flags: number, only: string | undefined): string {
  const character = String.fromCharCode(byte);
  // strchr() finds the NUL that ends every list.
  const isNamed = only !== undefined && only !== '' && (byte === 0 || only.includes(character));
  const appended = isNamed && (flags & ESCAPE_APPEND) !== 0;
  if (!appended) {
    const isPassed = only !== undefined && only !== '' && !isNamed && !(flags & ESCAPE_APPEND);
    const isAscii = byte < 0x80;
    if (isPassed) return character;
    if (isPrintable(byte) && isAscii && flags & ESCAPE_NAP) return character;
    if (isPrintable(byte) && flags & ESCAPE_NP) return character;
    if (isAscii && flags & ESCAPE_NA) return character;
  }
  if (flags & ESCAPE_SPACE && SPACES[byte]) return `\\${SPACES[byte]}`;
  if (flags & ESCAPE_SPECIAL && SPECIALS[byte]) return `\\${SPECIALS[byte]}`;
  if (flags & ESCAPE_NULL && byte === 0) return '\\0';
  if (flags & ESCAPE_OCTAL) return `\\${byte.toString(8).padStart(3, '0')}`;
  if (flags & ESCAPE_HEX) return `\\x${byte.toString(16).padStart(2, '0')}`;
  return character;
}

/** What unescapeText undoes (include/linux/string_helpers.h). */
export const UNESCAPE_SPACE = 0x01;
export const UNESCAPE_OCTAL = 0x02;
export const UNESCAPE_HEX = 0x04;
export const UNESCAPE_SPECIAL = 0x08;

/**
 * Undoes escapes, as string_unescape does; escapes of other kinds stay as they are. `size`: room that there is, of which a backslash
 * takes a byte even where nothing is left of it.
 */
export function unescapeText(text: string, flags: number, size = Number.POSITIVE_INFINITY): string {
  const kinds: string[] = [];
  if (flags & UNESCAPE_SPACE) kinds.push('[nrtvf]');
  if (flags & UNESCAPE_OCTAL) kinds.push('[0-3][0-7]{0,2}|[4-7][0-7]?');
  if (flags & UNESCAPE_HEX) kinds.push('x[0-9a-fA-F]{1,2}');
  if (flags & UNESCAPE_SPECIAL) kinds.push('["\\\\ae]');
  const known = kinds.length === 0 ? undefined : new RegExp(`^\\\\(${kinds.join('|')})`);
  let out = '';
  let room = size - 1;
  for (let at = 0; at < text.length && room > 0; room--) {
    const isEscape = text[at] === '\\' && at + 1 < text.length && room > 1;
    const match = isEscape ? known?.exec(text.slice(at, at + LONGEST_ESCAPE)) : undefined;
    if (isEscape) room--;
    out += match ? unescaped(match[1]) : text.slice(at, at + (isEscape ? 2 : 1));
    at += match ? match[0].length : isEscape ? 2 : 1;
  }
  return out;
}

/** `\\377` */
const LONGEST_ESCAPE = 4;

const UNESCAPED: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  f: '\f',
  a: '\x07',
  e: '\x1b',
};

function unescaped(body: string): string {
  if (/^[0-7]/.test(body)) return String.fromCharCode(Number.parseInt(body, 8));
  if (body[0] === 'x') return String.fromCharCode(Number.parseInt(body.slice(1), 16));
  return UNESCAPED[body] ?? body;
}
