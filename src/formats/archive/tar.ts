import { FormatError } from '../format-error.js';
import { decodeUtf8 } from '../string-table.js';

/** One entry of a tar archive (tar(5), ustar with GNU and pax long names). */
export interface TarEntry {
  /** Without a leading `./` or `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly size: number;
  readonly mode: number;
  /** Where a link points. */
  readonly link: string;
  /** The content, of files that were wanted. */
  readonly data: Uint8Array | undefined;
}

const BLOCK = 512;
/** Long names and pax headers are small. */
const MAX_META = 1 << 20;
const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};

export function isTar(bytes: Uint8Array): boolean {
  return bytes.length >= BLOCK && text(bytes, 257, 5) === 'ustar';
}

/** Reads an archive that arrives in pieces. Content is kept of those files only that `wanted` names. */
export function* tarEntries(
  pieces: Iterable<Uint8Array>,
  file: string,
  wanted: (path: string, size: number) => boolean,
): Generator<TarEntry> {
  const stream = new PieceReader(pieces, file);
  let longName: string | undefined;
  let longLink: string | undefined;
  for (;;) {
    const at = stream.position;
    const header = stream.take(BLOCK, 'header');
    if (header.every((byte) => byte === 0)) return;
    checkHeader(header, file, at);
    const size = numberAt(header, 124, 12, file, at);
    const type = String.fromCharCode(header[156]);
    if (type === 'L' || type === 'K' || type === 'x' || type === 'g') {
      if (size > MAX_META) throw new FormatError(file, 'size', at + 124, `${size} bytes of header`);
      const text = decodeUtf8(stream.take(size, 'long name'));
      if (type === 'L') longName = untilNul(text);
      if (type === 'K') longLink = untilNul(text);
      if (type === 'x') ({ path: longName = longName, linkpath: longLink = longLink } = paxRecords(text));
    } else {
      const path = (longName ?? ustarName(header)).replace(/^(\.?\/)+/, '');
      const kind = TYPES[type] ?? 'other';
      const keep = kind === 'file' && wanted(path, size);
      const data = keep ? stream.take(size, path) : undefined;
      if (!keep) stream.skip(size, path);
      const link = longLink ?? text(header, 157, 100);
      yield { path, type: kind, size, mode: numberAt(header, 100, 8, file, at), link, data };
      longName = undefined;
      longLink = undefined;
    }
    stream.skip((BLOCK - (size % BLOCK)) % BLOCK, 'padding');
  }
}

function checkHeader(header: Uint8Array, file: string, at: number): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i];
  if (sum !== numberAt(header, 148, 8, file, at))
    throw new FormatError(file, 'checksum', at + 148, 'does not match the header');
}

/** Octal text, or with the top bit set a big-endian number (GNU). */
function numberAt(header: Uint8Array, offset: number, length: number, file: string, at: number): number {
  let value = 0;
  if (header[offset] === 0x80) {
    for (let i = 1; i < length; i++) value = value * 256 + header[offset + i];
  } else {
    const digits = text(header, offset, length).trim();
    value = digits === '' ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  }
  if (!Number.isSafeInteger(value)) throw new FormatError(file, 'number', at + offset, 'is no size');
  return value;
}

function text(header: Uint8Array, offset: number, length: number): string {
  return untilNul(decodeUtf8(header.subarray(offset, offset + length)));
}

function untilNul(value: string): string {
  const end = value.indexOf('\0');
  return end < 0 ? value : value.slice(0, end);
}

function ustarName(header: Uint8Array): string {
  const name = text(header, 0, 100);
  const prefix = text(header, 257, 5) === 'ustar' && header[263] !== 0x20 ? text(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** `LENGTH KEY=VALUE\n` lines. */
function paxRecords(body: string): Record<string, string | undefined> {
  const records: Record<string, string | undefined> = {};
  for (const line of body.split('\n')) {
    const match = /^\d+ ([^=]+)=(.*)$/.exec(line);
    if (match !== null) records[match[1]] = match[2];
  }
  return records;
}

/** Takes bytes off a sequence of pieces. */
class PieceReader {
  position = 0;
  private readonly pieces: Iterator<Uint8Array>;
  private current: Uint8Array = new Uint8Array(0);

  constructor(
    pieces: Iterable<Uint8Array>,
    private readonly file: string,
  ) {
    this.pieces = pieces[Symbol.iterator]();
  }

  take(size: number, field: string): Uint8Array {
    const parts: Uint8Array[] = [];
    let total = 0;
    this.each(size, field, (part) => {
      parts.push(new Uint8Array(part));
      total += part.length;
    });
    if (parts.length === 1) return parts[0];
    const all = new Uint8Array(total);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  skip(size: number, field: string): void {
    this.each(size, field, () => {});
  }

  private each(size: number, field: string, visit: (part: Uint8Array) => void): void {
    for (let left = size; left > 0; ) {
      while (this.current.length === 0) {
        const next = this.pieces.next();
        if (next.done === true)
          throw new FormatError(this.file, field, this.position, `the archive ends ${left} bytes early`);
        this.current = next.value;
      }
      const part = this.current.subarray(0, left);
      visit(part);
      this.current = this.current.subarray(part.length);
      this.position += part.length;
      left -= part.length;
    }
  }
}
