import { FormatError, hex } from '../format-error.js';

/** No kernel, module or package comes near this; what wants more is a decompression bomb. */
const DEFAULT_MAX_OUTPUT = 0x6000_0000;

/** Output that grows as a decompressor goes on, up to a limit. */
export class OutputBuffer {
  bytes: Uint8Array;
  length = 0;

  constructor(
    private readonly file: string,
    expected: number,
    private readonly maximum = DEFAULT_MAX_OUTPUT,
  ) {
    this.bytes = new Uint8Array(Math.min(Math.max(expected, 4096), maximum));
  }

  /** Throws where `more` bytes after `length` would be beyond the limit. */
  allow(more: number): void {
    if (this.length + more <= this.maximum) return;
    throw new FormatError(this.file, 'compressed data', 0, `unpacks to more than ${hex(this.maximum)} bytes`);
  }

  /** Makes room for `more` bytes after `length`. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    this.allow(more);
    const grown = new Uint8Array(Math.min(Math.max(needed, this.bytes.length * 2), this.maximum));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Appends a copy of `from`, making room. */
  take(from: Uint8Array): void {
    this.reserve(from.length);
    this.bytes.set(from, this.length);
    this.length += from.length;
  }

  /** Appends a part of `from`. Room has been reserved. */
  append(from: Uint8Array, start: number, count: number): void {
    const { bytes } = this;
    let to = this.length;
    if (count > 32) bytes.set(from.subarray(start, start + count), to);
    else for (let at = start; at < start + count; at++) bytes[to++] = from[at];
    this.length += count;
  }

  /** Appends a byte many times. Room has been reserved. */
  fill(byte: number, count: number): void {
    this.bytes.fill(byte, this.length, this.length + count);
    this.length += count;
  }

  /** Appends what is `distance` bytes back, which may overlap what it makes. Room has been reserved. */
  repeat(distance: number, count: number): void {
    const { bytes } = this;
    const end = this.length + count;
    if (count > 32 && distance >= count)
      bytes.copyWithin(this.length, this.length - distance, end - distance);
    else for (let at = this.length; at < end; at++) bytes[at] = bytes[at - distance];
    this.length = end;
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
