/**
 * Names in modules and lines of files are bytes to kmod. Here they are strings with a character for a byte, so that
 * they are compared, cut and written as kmod does it.
 */

const CHUNK = 0x2000;

/** A character for every byte. */
export function textOf(bytes: Uint8Array): string {
  if (isAscii(bytes)) return new TextDecoder().decode(bytes);
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}

/** A byte for every character. */
export function bytesOf(text: string): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  if (encoded.length === text.length) return encoded;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The bytes of a path or another string as the host has it, a character for each. */
export function byteText(text: string): string {
  const encoded = new TextEncoder().encode(text);
  return encoded.length === text.length ? text : textOf(encoded);
}

/** A text of bytes as it is shown: UTF-8 where it is that. */
export function shown(text: string): string {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 0x7f) return new TextDecoder().decode(bytesOf(text));
  return text;
}

/**
 * Lines as fgets(3) gives them with a buffer of that many bytes: with the newline, a longer line in pieces, and
 * cut where there is a NUL.
 */
export function* linesOf(content: Uint8Array, buffer: number): Generator<string> {
  const text = textOf(content);
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = Math.min(newline < 0 ? text.length : newline + 1, at + buffer - 1);
    yield untilNul(text.slice(at, end));
    at = end;
  }
}

export function untilNul(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

/** Words of a line as strtok(3) with blanks and tabs finds them. */
export function wordsOf(line: string): string[] {
  return line.split(/[\t ]+/).filter((word) => word !== '');
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] > 0x7f) return false;
  return true;
}
