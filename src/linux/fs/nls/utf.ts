/** UTF-8 as the kernel reads and writes it: up to six bytes, 31 bits, no surrogates (fs/nls/nls_base.c). */

interface Form {
  /** Bits that tell the length in the first byte, and their value. */
  readonly mask: number;
  readonly lead: number;
  readonly length: number;
  /** Smallest value that needs this length. */
  readonly lowest: number;
}

const FORMS: readonly Form[] = [
  { mask: 0x80, lead: 0x00, length: 1, lowest: 0 },
  { mask: 0xe0, lead: 0xc0, length: 2, lowest: 0x80 },
  { mask: 0xf0, lead: 0xe0, length: 3, lowest: 0x800 },
  { mask: 0xf8, lead: 0xf0, length: 4, lowest: 0x1_0000 },
  { mask: 0xfc, lead: 0xf8, length: 5, lowest: 0x20_0000 },
  { mask: 0xfe, lead: 0xfc, length: 6, lowest: 0x400_0000 },
];
const UNICODE_MAX = 0x10_ffff;
const SURROGATES = 0xd800;
const SURROGATE_BITS = 0xffff_f800;
const PLANE_SIZE = 0x1_0000;

/** One character: its value and how many bytes it took; undefined if the bytes are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): { value: number; length: number } | undefined {
  const form = FORMS.find(({ mask, lead }) => (bytes[0] & mask) === lead);
  if (!form || bytes.length < form.length) return undefined;
  let value = bytes[0] & ~form.mask & 0xff;
  for (let i = 1; i < form.length; i++) {
    if ((bytes[i] & 0xc0) !== 0x80) return undefined;
    value = value * 64 + (bytes[i] & 0x3f);
  }
  if (value < form.lowest || value > UNICODE_MAX || isSurrogate(value)) return undefined;
  return { value, length: form.length };
}

/** Whether what is no character of `length` bytes is the beginning of a longer one, as far as that can be told by then. */
export function isCutUtf8(bytes: Uint8Array, length: number): boolean {
  for (const [i, { mask, lead }] of FORMS.entries()) {
    if ((bytes[0] & mask) === lead) return false;
    if (length <= i + 1) return true;
    if ((bytes[i + 1] & 0xc0) !== 0x80) return false;
  }
  return false;
}

/** The bytes of a character; undefined for values that are no character. */
export function encodeUtf8(value: number): number[] | undefined {
  if (value > UNICODE_MAX || isSurrogate(value)) return undefined;
  const form = [...FORMS].reverse().find(({ lowest }) => value >= lowest)!;
  const bytes: number[] = [];
  let rest = value;
  for (let i = 1; i < form.length; i++) {
    bytes.unshift(0x80 | (rest & 0x3f));
    rest = Math.floor(rest / 64);
  }
  return [form.lead | rest, ...bytes];
}

export function isSurrogate(value: number): boolean {
  return (value & SURROGATE_BITS) === SURROGATES;
}

/** A character as UTF-16 units. */
export function utf16Units(value: number): number[] {
  if (value < PLANE_SIZE) return [value];
  const rest = value - PLANE_SIZE;
  return [0xd800 | (rest >> 10), 0xdc00 | (rest & 0x3ff)];
}

/** The character of a surrogate pair; undefined if they are none. */
export function fromSurrogates(high: number, low: number): number | undefined {
  if ((high & 0xfc00) !== 0xd800 || (low & 0xfc00) !== 0xdc00) return undefined;
  return PLANE_SIZE + ((high & 0x3ff) << 10) + (low & 0x3ff);
}
