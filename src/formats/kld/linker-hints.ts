import { ByteReader } from '../byte-reader.js';
import { MDT_MODULE, MDT_PNP_INFO, MDT_VERSION } from './constants.js';
import { byteString } from './kld-image.js';
import type { PnpValue } from './pnp-table.js';

/** The version of linker.hints that every FreeBSD reads (LINKER_HINTS_VERSION of sys/linker.h). */
export const LINKER_HINTS_VERSION = 1;

/** A record of linker.hints. Texts are strings of bytes. */
export type HintsRecord =
  /** A module, and the file that it is in. */
  | { readonly kind: 'module'; readonly name: string; readonly file: string }
  | { readonly kind: 'version'; readonly name: string; readonly version: number; readonly file: string }
  /** Devices of a bus that the module of the last 'module' record drives. */
  | {
      readonly kind: 'pnp';
      readonly bus: string;
      /** The fields of an entry: `I:vendor;I:device;`. */
      readonly description: string;
      readonly count: number;
      /** What the fields of the entries say, one entry behind the other. */
      readonly values: readonly PnpValue[];
    }
  /** A type that kldxref does not write; readers pass it over. */
  | { readonly kind: 'other'; readonly type: number; readonly data: Uint8Array };

/** Thrown where kldxref gives up: something does not fit into a record. */
export class HintsError extends Error {
  override readonly name = 'HintsError';
}

const HINT_TEXT_LIMIT = 255;
/** MAXRECSIZE of kldxref since it writes PNP tables; 1,024 before. */
const MAXRECSIZE = 64 << 10;

/**
 * The bytes of a record: its length, then its type, its texts each behind a byte of their length, and ints at multiples of 4;
 * zeros up to a multiple of 4. Throws HintsError with kldxref's words.
 */
export function encodeHintsRecord(record: HintsRecord, maxSize = MAXRECSIZE): Uint8Array {
  const writer = new RecordWriter(maxSize);
  switch (record.kind) {
    case 'module':
      writer.int(MDT_MODULE);
      writer.text(record.name);
      writer.text(record.file);
      break;
    case 'version':
      writer.int(MDT_VERSION);
      writer.text(record.name);
      writer.int(record.version);
      writer.text(record.file);
      break;
    case 'pnp':
      writer.int(MDT_PNP_INFO);
      writer.text(record.bus);
      writer.text(record.description);
      writer.int(record.count);
      for (const value of record.values)
        if (typeof value === 'number') writer.int(value);
        else writer.text(value);
      break;
    case 'other':
      writer.int(record.type);
      writer.bytes(record.data);
  }
  return writer.finish();
}

/** A whole linker.hints. Throws HintsError. */
export function writeLinkerHints(records: readonly HintsRecord[]): Uint8Array {
  const pieces = records.map((record) => encodeHintsRecord(record));
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 4));
  new DataView(out.buffer).setInt32(0, LINKER_HINTS_VERSION, true);
  let at = 4;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

class RecordWriter {
  private readonly out: Uint8Array;
  private readonly view: DataView;
  /** Behind the record's length. */
  private at = 0;

  constructor(private readonly maxSize: number) {
    this.out = new Uint8Array(4 + maxSize);
    this.view = new DataView(this.out.buffer);
  }

  int(value: number): void {
    this.align();
    this.need(4);
    this.view.setInt32(4 + this.at, value, true);
    this.at += 4;
  }

  text(text: string): void {
    if (text.length > HINT_TEXT_LIMIT) throw new HintsError(`string ${text} too long`);
    this.bytes(Uint8Array.of(text.length, ...Array.from(text, (char) => char.charCodeAt(0))));
  }

  bytes(bytes: Uint8Array): void {
    this.need(bytes.length);
    this.out.set(bytes, 4 + this.at);
    this.at += bytes.length;
  }

  finish(): Uint8Array {
    this.align();
    this.view.setInt32(0, this.at, true);
    return this.out.slice(0, 4 + this.at);
  }

  private align(): void {
    this.at = (this.at + 3) & ~3;
  }

  private need(size: number): void {
    if (this.maxSize - this.at < size) throw new HintsError('record buffer overflow');
  }
}

/** Reads linker.hints. Throws a FormatError where its version or a record makes no sense. */
export function readLinkerHints(bytes: Uint8Array, file: string): readonly HintsRecord[] {
  const reader = new ByteReader(bytes, file);
  const version = reader.i32(0, 'version');
  if (version !== LINKER_HINTS_VERSION) reader.fail('version', 0, `${version}, need ${LINKER_HINTS_VERSION}`);
  const records: HintsRecord[] = [];
  for (let at = 4; at < reader.length; ) {
    const length = reader.i32(at, `record ${records.length}: length`);
    if (length < 4) reader.fail(`record ${records.length}: length`, at, `${length} bytes, need 4 or more`);
    const data = reader.slice(at + 4, length, `record ${records.length}: length`, at);
    records.push(new RecordReader(data, file, at + 4, records.length).record());
    at += 4 + length;
  }
  return records;
}

class RecordReader {
  private readonly reader: ByteReader;
  private at = 0;

  constructor(
    private readonly data: Uint8Array,
    file: string,
    private readonly base: number,
    private readonly index: number,
  ) {
    this.reader = new ByteReader(data, file);
  }

  record(): HintsRecord {
    const type = this.int('type');
    switch (type) {
      case MDT_MODULE:
        return { kind: 'module', name: this.text('name'), file: this.text('file') };
      case MDT_VERSION:
        return {
          kind: 'version',
          name: this.text('name'),
          version: this.int('version'),
          file: this.text('file'),
        };
      case MDT_PNP_INFO:
        return this.pnp();
      default:
        return { kind: 'other', type, data: this.data.subarray(4) };
    }
  }

  private pnp(): HintsRecord {
    const bus = this.text('bus');
    const description = this.text('description');
    const count = this.int('number of entries');
    const letters = description
      .split(';')
      .map((field) => field[0])
      .filter((letter) => letter !== undefined && letter !== 'T');
    const values: PnpValue[] = [];
    if (letters.length === 0) return { kind: 'pnp', bus, description, count, values };
    for (let i = 0; i < count; i++)
      for (const letter of letters)
        values.push(letter === 'D' || letter === 'Z' ? this.text(`entry ${i}`) : this.int(`entry ${i}`));
    return { kind: 'pnp', bus, description, count, values };
  }

  private int(what: string): number {
    this.at = (this.at + 3) & ~3;
    this.need(4, what);
    this.at += 4;
    return this.reader.i32(this.at - 4, what);
  }

  private text(what: string): string {
    this.need(1, what);
    const length = this.data[this.at];
    this.need(1 + length, what);
    const text = byteString(this.data.subarray(this.at + 1, this.at + 1 + length));
    this.at += 1 + length;
    return text;
  }

  private need(size: number, what: string): void {
    if (this.at + size > this.data.length)
      this.reader.fail(
        `record ${this.index}: ${what}`,
        this.base + this.at,
        `needs ${size} bytes, past the end of the record`,
      );
  }
}
