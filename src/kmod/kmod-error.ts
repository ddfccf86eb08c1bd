import { hex } from '../formats/format-error.js';

/** What libkmod fails with: an error number, of which kmod's tools print strerror(3), and what modbox knows besides. */
export class KmodError extends Error {
  override readonly name = 'KmodError';

  constructor(
    /** Positive. */
    readonly errno: number,
    /** The path as the user gave it. */
    readonly file: string,
    /** Where in the file (unpacked) the damage is, in bytes. */
    readonly offset: number,
    /** What is wrong there. */
    readonly detail: string,
  ) {
    super(`${file}: ${detail} (at ${hex(offset)})`);
  }
}
