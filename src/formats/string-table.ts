import { ByteReader } from './byte-reader.js';

/** Names longer than this are damage, not names (the kernel's own limit, KSYM_NAME_LEN, is 512). */
const MAX_NAME_LENGTH = 16384;

/**
 * A table of NUL-terminated strings addressed by byte offset, as in ELF string tables and BTF.
 * The table is decoded once, so that a name is only a slice of it; where it holds bytes outside ASCII,
 * offsets and characters no longer agree and names are decoded one by one.
 */
export class StringTable {
  private readonly reader: ByteReader;
  private decoded: string | null | undefined;

  constructor(
    readonly bytes: Uint8Array,
    file: string,
    /** What to call the table in errors, and where it begins in the file. */
    private readonly field = 'string table',
    private readonly base = 0,
  ) {
    this.reader = new ByteReader(bytes, file);
  }

  /** The string at `offset`; `field` at `fieldOffset` is what points there. */
  get(offset: number, field = this.field, fieldOffset = this.base + offset): string {
    if (!(offset >= 0 && offset < this.bytes.length)) {
      this.reader.fail(
        field,
        fieldOffset,
        `name offset ${offset} is outside the ${this.field} of ${this.bytes.length} bytes`,
      );
    }
    if (this.decoded === undefined) this.decoded = decodeAscii(this.bytes);
    const end = this.decoded === null ? this.bytes.indexOf(0, offset) : this.decoded.indexOf('\0', offset);
    if (end < 0) this.reader.fail(field, fieldOffset, `name at ${offset} of the ${this.field} has no end`);
    if (end - offset > MAX_NAME_LENGTH) {
      this.reader.fail(
        field,
        fieldOffset,
        `name at ${offset} of the ${this.field} is ${end - offset} bytes long`,
      );
    }
    return this.decoded === null
      ? decodeUtf8(this.bytes.subarray(offset, end))
      : this.decoded.slice(offset, end);
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export function decodeUtf8(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** The bytes as text, or null where one character would not be one byte. */
function decodeAscii(bytes: Uint8Array): string | null {
  const text = utf8.decode(bytes);
  // A sequence of several bytes makes fewer characters, a stray byte one U+FFFD.
  return text.length === bytes.length && !text.includes('\ufffd') ? text : null;
}
