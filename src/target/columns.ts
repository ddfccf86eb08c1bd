import { ByteReader } from '../formats/byte-reader.js';
import { decodeUtf8 } from '../formats/string-table.js';

/**
 * Columns of equal length, the shape in which tables are stored: numbers as four planes (all lowest bytes, all
 * second bytes, ...), names joined by NULs. Like stands next to like, which is what a compressor wants.
 */
export class ColumnWriter {
  private readonly pieces: Uint8Array[] = [];

  constructor(count: number) {
    this.pieces.push(new Uint8Array(new Uint32Array([count]).buffer));
  }

  u8(values: readonly number[]): void {
    this.pieces.push(Uint8Array.from(values));
  }

  u32(values: Uint32Array): void {
    const planes = new Uint8Array(values.length * 4);
    for (let plane = 0; plane < 4; plane++) {
      for (let i = 0; i < values.length; i++) planes[plane * values.length + i] = values[i] >>> (plane * 8);
    }
    this.pieces.push(planes);
  }

  /** Ascending numbers, as the distances between them. */
  ascending(values: Uint32Array): void {
    this.u32(values.map((value, i) => (i === 0 ? value : value - values[i - 1])));
  }

  /** Strings without NULs. Has to come last. */
  names(values: readonly string[]): void {
    this.pieces.push(new TextEncoder().encode(values.map((name) => `${name}\0`).join('')));
  }

  finish(): Uint8Array {
    return concat(this.pieces);
  }
}

export class ColumnReader {
  readonly count: number;
  private readonly r: ByteReader;
  private at = 4;

  constructor(bytes: Uint8Array, file: string) {
    this.r = new ByteReader(bytes, file);
    this.count = this.r.u32(0, 'count');
  }

  u8(): Uint8Array {
    const values = this.r.slice(this.at, this.count, 'column');
    this.at += this.count;
    return values;
  }

  u32(): Uint32Array {
    const { count } = this;
    const planes = this.r.slice(this.at, count * 4, 'column');
    const values = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      values[i] =
        planes[i] | (planes[count + i] << 8) | (planes[2 * count + i] << 16) | (planes[3 * count + i] << 24);
    }
    this.at += count * 4;
    return values;
  }

  ascending(): Uint32Array {
    const values = this.u32();
    for (let i = 1; i < values.length; i++) values[i] += values[i - 1];
    return values;
  }

  /** All names, each followed by a NUL. */
  names(): string {
    return decodeUtf8(this.r.bytes.subarray(this.at));
  }
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
