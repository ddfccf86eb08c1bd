import type { AddressSpace } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import {
  ESCAPE_ANY,
  ESCAPE_ANY_NP,
  ESCAPE_HEX,
  ESCAPE_NP,
  ESCAPE_NULL,
  ESCAPE_OCTAL,
  ESCAPE_SPACE,
  ESCAPE_SPECIAL,
  escapeBytes,
} from '../string/escape.js';
import { formatNumber } from './number.js';
import { hexOfBytes, type Spec } from './spec.js';
import { formatError, formatText } from './text.js';

const MAX_DUMP = 64;
const HEX_SEPARATORS: Readonly<Record<string, string>> = { C: ':', D: '-', N: '' };

/** %*ph: up to 64 bytes in hexadecimal; 'C' with colons, 'D' with dashes, 'N' with nothing between. */
export function formatHexDump(space: AddressSpace, ptr: Ptr, spec: Spec, letters: string): string {
  const length = spec.width > 0 ? Math.min(spec.width, MAX_DUMP) : 1;
  const bytes = [...space.readable(ptr, length)].map((byte) => byte.toString(16).padStart(2, '0'));
  return bytes.join(HEX_SEPARATORS[letters[1]] ?? ' ');
}

const ESCAPES: Readonly<Record<string, number>> = {
  a: ESCAPE_ANY,
  c: ESCAPE_SPECIAL,
  h: ESCAPE_HEX,
  n: ESCAPE_NULL,
  o: ESCAPE_OCTAL,
  p: ESCAPE_NP,
  s: ESCAPE_SPACE,
};

/** %*pE: bytes with what is not printable escaped. */
export function formatEscaped(space: AddressSpace, ptr: Ptr, spec: Spec, letters: string): string {
  let flags = 0;
  for (const letter of letters.slice(1)) {
    if (ESCAPES[letter] === undefined) break;
    flags |= ESCAPES[letter];
  }
  const length = spec.width < 0 ? 1 : spec.width;
  return escapeBytes(space.readable(ptr, length), flags || ESCAPE_ANY_NP, undefined);
}

export const GUID_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
export const UUID_BYTES = 16;

/** %pUb, %pUB, %pUl, %pUL: RFC 4122 text; 'l' takes the first three fields as little-endian. */
export function formatUuid(space: AddressSpace, ptr: Ptr, spec: Spec, letters: string): string {
  const bytes = space.readable(ptr, UUID_BYTES);
  const style = letters[1];
  const little = style === 'l' || style === 'L';
  let text = '';
  for (let i = 0; i < UUID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
    text += bytes[little ? GUID_ORDER[i] : i].toString(16).padStart(2, '0');
  }
  return formatText(style === 'L' || style === 'B' ? text.toUpperCase() : text, spec);
}

/** %*pb: a bitmap in 32-bit groups, most significant first; %*pbl: its set bits as ranges. */
export function formatBitmap(space: AddressSpace, ptr: Ptr, spec: Spec, letters: string): string {
  const bits = Math.max(spec.width, 0);
  const words = space.readable(ptr, Math.ceil(bits / 64) * 8);
  const bytes = Uint8Array.from(words);
  return letters[1] === 'l' ? bitRanges(bytes, bits) : bitGroups(bytes, bits);
}

/** `0-3,7`, as cpulists are written. */
export function bitRanges(bytes: Uint8Array, bits: number): string {
  const set = (bit: number): boolean => bit < bits && ((bytes[bit >> 3] >> (bit & 7)) & 1) !== 0;
  const ranges: string[] = [];
  for (let bit = 0; bit < bits; bit++) {
    if (!set(bit)) continue;
    const first = bit;
    while (set(bit + 1)) bit++;
    ranges.push(first === bit ? `${first}` : `${first}-${bit}`);
  }
  return ranges.join(',');
}

/** `7f,ffffffff`: 32 bits a group, the first as short as the number of bits allows. */
export function bitGroups(bytes: Uint8Array, bits: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups: string[] = [];
  for (let at = Math.ceil(bits / 32) - 1; at >= 0; at--) {
    const width = Math.min(32, bits - at * 32);
    const word = view.getUint32(at * 4, true);
    const value = width === 32 ? word : word & ((1 << width) - 1);
    groups.push((value >>> 0).toString(16).padStart(Math.ceil(width / 4), '0'));
  }
  return groups.join(',');
}

const BIG_ENDIAN = 0x8000_0000;

/** %p4cc: a V4L2 or DRM pixel format code. */
export function formatFourcc(space: AddressSpace, ptr: Ptr, spec: Spec, letters: string): string {
  if (letters[1] !== 'c' || letters[2] !== 'c') return formatError('(%p4?)', spec);
  const code = space.load32(ptr);
  let text = '';
  for (let shift = 0; shift < 32; shift += 8) {
    const byte = ((code & ~BIG_ENDIAN) >>> shift) & 0xff;
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
  }
  const endian = code & BIG_ENDIAN ? 'big-endian' : 'little-endian';
  return formatText(`${text} ${endian} (${formatNumber(BigInt(code), hexOfBytes(4))})`, spec);
}
