import { rawBytes, rawText, visible } from '../tools.js';

/**
 * Writes text that has names and texts of files in it: to a terminal with its controls shown, anywhere else byte for byte
 * as the files have it (src/files/raw-text.ts).
 */
export function print(text: string): void {
  process.stdout.write(bytesFor(process.stdout, text));
}

/** The same to standard error. */
export function printError(text: string): void {
  process.stderr.write(bytesFor(process.stderr, text));
}

/** The bytes of a text for a stream. */
export function bytesFor(stream: { readonly isTTY?: boolean }, data: string | Uint8Array): Uint8Array {
  if (!stream.isTTY) return typeof data === 'string' ? rawBytes(data) : data;
  return rawBytes(visible(typeof data === 'string' ? data : rawText(data)));
}

/** A line of modbox's own on standard error: one, whatever is in the names that it has. */
export function complain(text: string): void {
  process.stderr.write(`modbox: ${visible(text).replaceAll('\n', '\\n')}\n`);
}
