import { hex } from '../formats/format-error.js';

/** A complaint of libkmod's own, which its log shows before the tool says what failed. */
export interface LibkmodComplaint {
  /** The function of libkmod that its default log names. */
  readonly where: string;
  readonly text: string;
}

/** What libkmod fails with: an error number, of which kmod's tools print strerror(3), and what modbox knows besides. */
export class KmodError extends Error {
  override readonly name = 'KmodError';

  constructor(
    /** Positive. */
    readonly errno: number,
    /** The path as the user gave it. */
    readonly file: string,
    /** Where in the file (unpacked) the damage is, in bytes; undefined where that is no place in the file. */
    readonly offset: number | undefined,
    /** What is wrong there. */
    readonly detail: string,
    readonly complaint?: LibkmodComplaint,
  ) {
    super(`${file}: ${detail}${offset === undefined ? '' : ` (at ${hex(offset)})`}`);
  }
}
