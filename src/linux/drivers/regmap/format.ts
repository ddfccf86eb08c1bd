/** Byte order of registers' numbers and values on the wire (enum regmap_endian without its default). */
export type Order = 'big' | 'little';

/** Where a register's number and its value share bytes: widths of both (drivers/base/regmap/regmap.c). */
const SHARED: readonly (readonly [register: number, value: number])[] = [
  [2, 6],
  [4, 12],
  [7, 9],
  [7, 17],
  [10, 14],
  [12, 20],
];

/** What a configuration says of the wire. */
export interface WireOptions {
  readonly registerBits: number;
  readonly valueBits: number;
  readonly padBits: number;
  readonly registerOrder: Order;
  readonly valueOrder: Order;
  /** Bits of the first bytes of a message that say that it reads, or writes. */
  readonly readMask: number;
  readonly writeMask: number;
}

function bytesOf(value: bigint, count: number, order: Order): number[] {
  const bytes = Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  return order === 'big' ? bytes.reverse() : bytes;
}

/** How a register map's registers and values are laid out on a bus. */
export class WireFormat {
  readonly registerBytes: number;
  readonly valueBytes: number;
  private readonly padBytes: number;
  private readonly shift: number;
  /** A register's number and its value are one word, which can only be written. */
  readonly isShared: boolean;

  constructor(private readonly options: WireOptions) {
    const { registerBits, valueBits, padBits } = options;
    this.registerBytes = Math.ceil(registerBits / 8);
    this.valueBytes = Math.ceil(valueBits / 8);
    this.padBytes = Math.floor(padBits / 8);
    this.shift = padBits % 8;
    const bits = registerBits + this.shift;
    this.isShared = SHARED.some(([register, value]) => register === bits && value === valueBits);
  }

  /** Whether registers and values are of widths, and in orders, that there are. */
  get isValid(): boolean {
    const { registerBits, valueBits, registerOrder, valueOrder } = this.options;
    if (this.isShared) return registerOrder === 'big' && valueOrder === 'big';
    const whole = (bits: number, order: Order): boolean =>
      [8, 16, 32, 64].includes(bits) || (bits === 24 && order === 'big');
    return whole(registerBits + this.shift, registerOrder) && whole(valueBits, valueOrder);
  }

  /** Whether values can be taken from a block of bytes and put back: not those of 24 bits. */
  get hasInPlace(): boolean {
    return !this.isShared && [1, 2, 4, 8].includes(this.valueBytes);
  }

  /** What a message begins with: the register's number, and padding. */
  header(register: number, reads: boolean): number[] {
    const { registerOrder, readMask, writeMask } = this.options;
    const bytes = bytesOf(BigInt(register) << BigInt(this.shift), this.registerBytes, registerOrder);
    const mask = reads ? readMask : writeMask;
    const flagged = bytes.map((byte, i) => byte | ((mask >>> (8 * i)) & 0xff));
    return [...flagged, ...new Array<number>(this.padBytes).fill(0)];
  }

  /** A register's number and its value as one word. */
  shared(register: number, value: number): number[] {
    const { registerBits, valueBits, padBits } = this.options;
    const word = (BigInt(register) << BigInt(valueBits)) | BigInt(value);
    return bytesOf(word, Math.ceil((registerBits + valueBits + padBits) / 8), 'big');
  }

  value(value: number): number[] {
    return bytesOf(BigInt(value >>> 0), this.valueBytes, this.options.valueOrder);
  }

  /** A value of 32 bits at most, as its users have it. */
  parse(bytes: Uint8Array): number {
    const ordered = this.options.valueOrder === 'big' ? [...bytes] : [...bytes].reverse();
    return Number(
      BigInt.asUintN(
        32,
        ordered.reduce((all, byte) => (all << 8n) | BigInt(byte), 0n),
      ),
    );
  }

  /** Values between wire and memory, in place: both ways the same. */
  turn(bytes: Uint8Array): Uint8Array {
    if (this.options.valueOrder === 'little') return bytes;
    for (let at = 0; at < bytes.length; at += this.valueBytes)
      bytes.subarray(at, at + this.valueBytes).reverse();
    return bytes;
  }
}
