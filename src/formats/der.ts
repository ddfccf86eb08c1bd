import { ByteReader } from './byte-reader.js';

/** Identifier octets of the types that modbox meets (X.690, 8.1.2, with the constructed bit). */
export const DER = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific, constructed. */
  context0: 0xa0,
  context1: 0xa1,
} as const;

/** One element: its identifier octet, and where its contents are in the file. */
export interface DerElement {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads DER elements (X.690) one after the other between two offsets. Tags above 30 and lengths of more than four
 * octets do not occur in what modbox reads and are errors. Errors are FormatErrors with the offset in `reader`.
 */
export class DerReader {
  constructor(
    private readonly reader: ByteReader,
    private at: number,
    private readonly end: number,
  ) {}

  static of(bytes: Uint8Array, file: string): DerReader {
    return new DerReader(new ByteReader(bytes, file), 0, bytes.length);
  }

  /** Where the next element would begin. */
  get offset(): number {
    return this.at;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** Whether the next element has that tag. */
  has(tag: number): boolean {
    return !this.done && this.reader.bytes[this.at] === tag;
  }

  /** The next element, which has to be of that tag, if one is given; `field` is what it is called. */
  next(field: string, tag?: number): DerElement {
    const at = this.at;
    const found = this.octet(field);
    if (tag !== undefined && found !== tag)
      this.reader.fail(field, at, `tag 0x${found.toString(16)}, not 0x${tag.toString(16)}`);
    if ((found & 0x1f) === 0x1f) this.reader.fail(field, at, 'a tag of several octets');
    const size = this.length(field);
    const start = this.at;
    if (start + size > this.end) this.reader.fail(field, at, `${size} bytes, there are ${this.end - start}`);
    this.at = start + size;
    return { tag: found, start, end: this.at };
  }

  /** The elements within the next one. */
  into(field: string, tag: number): DerReader {
    return this.within(this.next(field, tag));
  }

  within(element: DerElement): DerReader {
    return new DerReader(this.reader, element.start, element.end);
  }

  /** Contents of the next element. */
  contents(field: string, tag?: number): Uint8Array {
    const { start, end } = this.next(field, tag);
    return this.reader.bytes.subarray(start, end);
  }

  private octet(field: string): number {
    if (this.done) this.reader.fail(field, this.at, 'there is none');
    return this.reader.bytes[this.at++];
  }

  private length(field: string): number {
    const at = this.at;
    const first = this.octet(field);
    if (first < 0x80) return first;
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4) this.reader.fail(field, at, `a length of ${octets} octets`);
    let size = 0;
    for (let i = 0; i < octets; i++) size = size * 256 + this.octet(field);
    return size;
  }
}

/** An object identifier in dotted form, from its contents (X.690, 8.19). */
export function oidText(contents: Uint8Array): string {
  const arcs: bigint[] = [];
  let value = 0n;
  for (const octet of contents) {
    value = (value << 7n) | BigInt(octet & 0x7f);
    if ((octet & 0x80) !== 0) continue;
    arcs.push(value);
    value = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}
