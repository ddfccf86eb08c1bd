import { byteText } from '../byte-text.js';

/**
 * Lines as fgets(3) gives them with a buffer of that many bytes: with the newline, a longer line in pieces, and
 * cut where there is a NUL. Byte text.
 */
export function* linesOf(content: Uint8Array, buffer: number): Generator<string> {
  const text = byteText(content);
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = Math.min(newline < 0 ? text.length : newline + 1, at + buffer - 1);
    yield untilNul(text.slice(at, end));
    at = end;
  }
}

/** A C string: what is before the first NUL. */
export function untilNul(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

/** Words of a line as strtok(3) with blanks and tabs finds them. */
export function wordsOf(line: string): string[] {
  return line.split(/[\t ]+/).filter((word) => word !== '');
}
