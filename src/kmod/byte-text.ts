import { rawBytes, rawText } from '../files/raw-text.js';

/**
 * Text of modules goes through kmod's tools as bytes, whatever its encoding. Here it is a *byte text*: a string
 * in which each character (U+0000 to U+00FF) is one byte. ASCII is the same both ways.
 */

/** Only ASCII keeps its length; a stray byte becomes U+FFFD. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** How many bytes are made characters in one call: more would not fit on the stack. */
const CHUNK = 4096;

/** Bytes as byte text. */
export function byteText(bytes: Uint8Array): string {
  const text = utf8.decode(bytes);
  if (text.length === bytes.length && !text.includes('\ufffd')) return text;
  let exact = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    exact += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return exact;
}

/** The bytes that a byte text stands for. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Ordinary text (a path, an option's argument) as the byte text of its UTF-8. */
export function asByteText(text: string): string {
  return isAscii(text) ? text : byteText(rawBytes(text));
}

/** A byte text to show to people and in JSON: UTF-8 where it is that, else ISO 8859-1. */
export function readable(text: string): string {
  if (isAscii(text)) return text;
  try {
    return strictUtf8.decode(bytesOf(text));
  } catch {
    return text;
  }
}

/** A byte text in a message, which is written byte for byte: see src/files/raw-text.ts. */
export function messageText(text: string): string {
  return isAscii(text) ? text : rawText(bytesOf(text));
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
