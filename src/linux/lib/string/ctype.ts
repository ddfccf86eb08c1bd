/** Character classes of _ctype (include/linux/ctype.h). */
const UPPER = 0x01;
const LOWER = 0x02;
const DIGIT = 0x04;
const CONTROL = 0x08;
const PUNCTUATION = 0x10;
const SPACE = 0x20;
const HEX = 0x40;
const BLANK = 0x80;

function classOf(code: number): number {
  if (code === 0x20) return SPACE | BLANK;
  if (code >= 0x09 && code <= 0x0d) return CONTROL | SPACE;
  if (code < 0x20 || code === 0x7f) return CONTROL;
  if (code >= 0x30 && code <= 0x39) return DIGIT;
  if (code >= 0x41 && code <= 0x5a) return UPPER | (code <= 0x46 ? HEX : 0);
  if (code >= 0x61 && code <= 0x7a) return LOWER | (code <= 0x66 ? HEX : 0);
  if (code < 0x7f) return PUNCTUATION;
  if (code < 0xa0) return 0;
  if (code === 0xa0) return SPACE | BLANK;
  if (code < 0xc0 || code === 0xd7 || code === 0xf7) return PUNCTUATION;
  return code < 0xdf ? UPPER : LOWER;
}

/** The table that inlined isspace() and its kin read. */
export const CTYPE: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => classOf(code));

/** isspace(): latin-1's no-break space too. */
export function isSpace(character: string | undefined): boolean {
  return character !== undefined && (CTYPE[character.charCodeAt(0) & 0xff] & SPACE) !== 0;
}

export function isSpaceCode(code: number): boolean {
  return (CTYPE[code] & SPACE) !== 0;
}

/** tolower() of one byte. */
export function toLower(code: number): number {
  return CTYPE[code] & UPPER ? code + 0x20 : code;
}
