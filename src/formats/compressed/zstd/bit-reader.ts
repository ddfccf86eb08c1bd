/** What is wrong with zstd data; the frame reader adds where. */
export class ZstdDamage extends Error {}

/**
 * Bits from the end of a stream to its beginning (RFC 8878, 4.1 "FSE" and 4.2.2): the last byte's highest set
 * bit marks where they start. Past the beginning there are zeros; whoever reads checks `left` at the end.
 */
export class BackwardBits {
  /** Bits not read yet; below zero where more were read than there are. */
  left: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly start: number,
    end: number,
  ) {
    const last = end > start ? bytes[end - 1] : 0;
    if (last === 0) throw new ZstdDamage('a bit stream without its end mark');
    this.left = (end - start) * 8 - 8 + (31 - Math.clz32(last));
  }

  /** The next `count` bits, at most 24. */
  read(count: number): number {
    this.left -= count;
    return this.at(this.left, count);
  }

  /** The next `count` bits (at most 32), which may be more than one read gives. */
  readLong(count: number): number {
    if (count <= 24) return this.read(count);
    const high = this.read(count - 16);
    return high * 0x10000 + this.read(16);
  }

  /** The next `count` bits, at most 24, without reading them. */
  peek(count: number): number {
    return this.at(this.left - count, count);
  }

  private at(position: number, count: number): number {
    if (position < 0) {
      // Part of it lies before the beginning: zeros.
      const there = position + count;
      return there <= 0 ? 0 : this.at(0, there) << -position;
    }
    const byte = this.start + (position >>> 3);
    const { bytes } = this;
    const word = bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16) | (bytes[byte + 3] << 24);
    return (word >>> (position & 7)) & ((1 << count) - 1);
  }
}
