/** A byte offset as it appears in messages. */
export function hex(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/**
 * Input that is not what it claims to be: truncated, damaged, hostile or of the wrong kind.
 * Always says where: the file, the field that does not make sense and the field's offset in the file
 * (or in the section that `file` names).
 */
export class FormatError extends Error {
  override readonly name = 'FormatError';

  constructor(
    /** What the user called the input: a path, or a path with a section (`hello.ko: .BTF`). */
    readonly file: string,
    /** The field in the words of its specification: `e_shoff`, `section 3 (.text): sh_size`. */
    readonly field: string,
    /** Offset of the field in bytes. */
    readonly offset: number,
    /** What is wrong with it. */
    readonly detail: string,
  ) {
    super(`${file}: ${field} (at ${hex(offset)}): ${detail}`);
  }
}
