/**
 * Names of files, and text around them, need not be UTF-8. Here such text is a string in which a byte that is part of no
 * UTF-8 sequence is a lone surrogate, U+DC80 to U+DCFF (as in Python's PEP 383): everything else is ordinary text, and
 * the bytes come out again as they went in.
 */

const FIRST = 0xdc00;
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();
const STRAY = /[\udc80-\udcff]/u;

/** Bytes as text that keeps those that are no UTF-8. */
export function rawText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeStray(bytes);
  }
}

/** The bytes that a text of {@link rawText} stands for; ordinary text is its UTF-8. */
export function rawBytes(text: string): Uint8Array {
  if (!hasStray(text)) return encoder.encode(text);
  const pieces: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code >= FIRST + 0x80 && code <= FIRST + 0xff) pieces.push(code - FIRST);
    else pieces.push(...encoder.encode(char));
  }
  return Uint8Array.from(pieces);
}

/** Whether a text has bytes that are no UTF-8. */
export function hasStray(text: string): boolean {
  return STRAY.test(text);
}

function decodeStray(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceAt(bytes, at);
    if (length === 0) parts.push(String.fromCharCode(FIRST + bytes[at]));
    else parts.push(strict.decode(bytes.subarray(at, at + length)));
    at += Math.max(length, 1);
  }
  return parts.join('');
}

/** Length of the UTF-8 sequence at a place, 0 where there is none (RFC 3629, section 4). */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const length = first >= 0xc2 && first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = bytes[at + 1];
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second === undefined || second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i] ?? 0) >> 6 !== 0b10) return 0;
  return length;
}
