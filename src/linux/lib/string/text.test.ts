import { describe, expect, it } from 'vitest';
import { CTYPE, isSpace } from './ctype.js';
import {
  ESCAPE_ANY,
  ESCAPE_APPEND,
  ESCAPE_HEX,
  ESCAPE_NP,
  ESCAPE_OCTAL,
  ESCAPE_SPACE,
  escapeBytes,
  UNESCAPE_HEX,
  UNESCAPE_OCTAL,
  UNESCAPE_SPACE,
  UNESCAPE_SPECIAL,
  unescapeText,
} from './escape.js';
import { sizeText } from './size-text.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe('escapes', () => {
  it('are chosen by class', () => {
    expect(escapeBytes(bytes('a\n\x1b\0\x80'), ESCAPE_ANY, undefined)).toBe('\\141\\n\\e\\0\\200');
    expect(escapeBytes(bytes('a\n b'), ESCAPE_SPACE | ESCAPE_OCTAL | ESCAPE_NP, undefined)).toBe('a\\n b');
    expect(escapeBytes(bytes('a b'), ESCAPE_HEX, ' ')).toBe('a\\x20b');
    expect(escapeBytes(bytes('a\0b'), ESCAPE_HEX, 'b')).toBe('a\\x00\\x62');
    expect(escapeBytes(bytes('a\tb'), ESCAPE_HEX | ESCAPE_NP | ESCAPE_APPEND, 'b')).toBe('a\\x09\\x62');
  });
  it('are undone by class', () => {
    const all = UNESCAPE_SPACE | UNESCAPE_OCTAL | UNESCAPE_HEX | UNESCAPE_SPECIAL;
    expect(unescapeText('\\n\\101\\x42\\\\\\"\\q', all)).toBe('\nAB\\"\\q');
    expect(unescapeText('\\n\\101', UNESCAPE_OCTAL)).toBe('\\nA');
  });
});

describe('sizeText', () => {
  it.each<[bigint, bigint, boolean, string]>([
    [0n, 512n, false, '0 B'],
    [16384n, 1n, true, '16.0 KiB'],
    [8192n, 4096n, false, '33.6 MB'],
    [1100n, 1n, true, '1.07 KiB'],
    [3907029168n, 512n, false, '2.00 TB'],
    [3907029168n, 512n, true, '1.82 TiB'],
    [500118192n, 512n, false, '256 GB'],
    [999n, 1n, false, '999 B'],
  ])('%i blocks of %i', (count, block, binary, expected) => {
    expect(sizeText(count, block, binary)).toBe(expected);
  });
});

describe('ctype', () => {
  it('knows latin-1', () => {
    expect([' ', '\t', '\xa0', 'x', undefined].map(isSpace)).toEqual([true, true, true, false, false]);
    expect([...'aA0_'].map((c) => CTYPE[c.charCodeAt(0)])).toEqual([0x42, 0x41, 0x04, 0x10]);
  });
});
