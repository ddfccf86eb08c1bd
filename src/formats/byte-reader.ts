import { FormatError, hex } from './format-error.js';

/**
 * Little-endian reads from untrusted bytes. Every read is checked and a read past the end is a FormatError
 * naming the file, the field and the offset. Reading never copies; slices are views.
 */
export class ByteReader {
  readonly length: number;
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly file: string,
  ) {
    this.length = bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Throws a FormatError about the field at `offset`. */
  fail(field: string, offset: number, detail: string): never {
    throw new FormatError(this.file, field, offset, detail);
  }

  /** Checks that `size` bytes at `offset` are inside; `field` is what lives there. */
  need(offset: number, size: number, field: string): void {
    if (!(offset >= 0 && size >= 0 && offset + size <= this.length)) {
      this.fail(field, offset, `needs ${size} bytes, past the end of the data (${hex(this.length)})`);
    }
  }

  u8(offset: number, field: string): number {
    this.need(offset, 1, field);
    return this.bytes[offset];
  }

  u16(offset: number, field: string): number {
    this.need(offset, 2, field);
    return this.view.getUint16(offset, true);
  }

  u32(offset: number, field: string): number {
    this.need(offset, 4, field);
    return this.view.getUint32(offset, true);
  }

  i32(offset: number, field: string): number {
    this.need(offset, 4, field);
    return this.view.getInt32(offset, true);
  }

  u64(offset: number, field: string): bigint {
    this.need(offset, 8, field);
    return this.view.getBigUint64(offset, true);
  }

  i64(offset: number, field: string): bigint {
    this.need(offset, 8, field);
    return this.view.getBigInt64(offset, true);
  }

  /** A 64-bit field that counts or locates bytes: refused where a double no longer holds it exactly. */
  size64(offset: number, field: string): number {
    this.need(offset, 8, field);
    const high = this.view.getUint32(offset + 4, true);
    if (high >= 0x20_0000) {
      this.fail(
        field,
        offset,
        `${hex(this.view.getBigUint64(offset, true))} is not a possible size or offset`,
      );
    }
    return high * 0x1_0000_0000 + this.view.getUint32(offset, true);
  }

  /** A view of `size` bytes at `offset`. `field` at `fieldOffset` is what claimed them. */
  slice(offset: number, size: number, field: string, fieldOffset = offset): Uint8Array {
    if (!(offset >= 0 && size >= 0 && offset + size <= this.length)) {
      this.fail(
        field,
        fieldOffset,
        `${hex(size)} bytes at ${hex(offset)} end at ${hex(offset + size)}, past the end of the file (${hex(this.length)})`,
      );
    }
    return this.bytes.subarray(offset, offset + size);
  }
}
