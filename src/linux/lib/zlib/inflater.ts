import { DISTANCE_BASE, DISTANCE_EXTRA, LENGTH_BASE, LENGTH_EXTRA } from './codes.js';

/** Where compressed bytes come from and plain bytes go: both may have to wait for more. */
export interface ByteChannel {
  /** The next byte, or undefined when there is none yet. */
  take(): number | undefined;
  /** False when there is no room yet. */
  put(byte: number): boolean;
}

export class DataError extends Error {
  override readonly name = 'DataError';
}

/** A code as counts by length and symbols in order of their codes (RFC 1951, 3.2.2). */
interface Huffman {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

const MAX_BITS = 15;
const END_OF_BLOCK = 256;
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;
const FIXED_LENGTHS = [
  ...Array<number>(144).fill(8),
  ...Array<number>(112).fill(9),
  ...Array<number>(24).fill(7),
  ...Array<number>(8).fill(8),
];

type Step<T> = Generator<void, T, void>;

/**
 * Decodes DEFLATE (RFC 1951), with the zlib header and trailer (RFC 1950) unless raw, in whatever pieces the data
 * comes and goes: `run` goes as far as the channel lets it.
 */
export class Inflater {
  private readonly steps: Step<void>;
  private channel: ByteChannel | undefined;
  private readonly window: Uint8Array;
  private written = 0;
  private bits = 0;
  private held = 0;
  private adlerLow = 1;
  private adlerHigh = 0;
  finished = false;

  constructor(
    windowBits: number,
    private readonly raw: boolean,
  ) {
    this.window = new Uint8Array(1 << windowBits);
    this.steps = this.stream();
  }

  /** Throws DataError when the data is not what it should be. */
  run(channel: ByteChannel): void {
    this.channel = channel;
    if (this.steps.next().done) this.finished = true;
  }

  /** Adler-32 of the plain bytes so far. */
  get checksum(): number {
    return ((this.adlerHigh << 16) | this.adlerLow) >>> 0;
  }

  private *stream(): Step<void> {
    if (!this.raw) yield* this.header();
    for (let last = 0; !last; ) {
      last = yield* this.read(1);
      const kind = yield* this.read(2);
      if (kind === 0) yield* this.stored();
      else if (kind === 1) yield* this.compressed(huffman(FIXED_LENGTHS), huffman(Array(30).fill(5)));
      else if (kind === 2) yield* this.dynamic();
      else throw new DataError('invalid block type');
    }
    this.align();
    if (this.raw) return;
    let expected = 0;
    for (let i = 0; i < 4; i++) expected = ((expected << 8) | (yield* this.read(8))) >>> 0;
    if (expected !== this.checksum) throw new DataError('incorrect data check');
  }

  private *header(): Step<void> {
    const method = yield* this.read(8);
    const flags = yield* this.read(8);
    if (((method << 8) | flags) % 31 !== 0) throw new DataError('incorrect header check');
    if ((method & 15) !== 8) throw new DataError('unknown compression method');
    if (1 << ((method >> 4) + 8) > this.window.length) throw new DataError('invalid window size');
    if (flags & 0x20) throw new DataError('need dictionary');
  }

  private *stored(): Step<void> {
    this.align();
    const length = yield* this.read(16);
    if ((yield* this.read(16)) !== (~length & 0xffff)) throw new DataError('invalid stored block lengths');
    for (let i = 0; i < length; i++) yield* this.emit(yield* this.read(8));
  }

  private *dynamic(): Step<void> {
    const literals = (yield* this.read(5)) + 257;
    const distances = (yield* this.read(5)) + 1;
    const codes = (yield* this.read(4)) + 4;
    if (literals > 286 || distances > 30) throw new DataError('too many length or distance symbols');
    const order = Array<number>(19).fill(0);
    for (let i = 0; i < codes; i++) order[CODE_LENGTH_ORDER[i]] = yield* this.read(3);
    const code = huffman(order);
    const lengths: number[] = [];
    while (lengths.length < literals + distances) {
      const symbol = yield* this.decode(code);
      if (symbol < 16) {
        lengths.push(symbol);
        continue;
      }
      if (symbol === 16 && lengths.length === 0) throw new DataError('invalid bit length repeat');
      const value = symbol === 16 ? lengths[lengths.length - 1] : 0;
      const extra = symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
      const count = (symbol === 18 ? 11 : 3) + (yield* this.read(extra));
      for (let i = 0; i < count; i++) lengths.push(value);
    }
    if (lengths.length > literals + distances) throw new DataError('invalid bit length repeat');
    if (lengths[END_OF_BLOCK] === 0) throw new DataError('invalid code -- missing end-of-block');
    yield* this.compressed(huffman(lengths.slice(0, literals)), huffman(lengths.slice(literals)));
  }

  private *compressed(literals: Huffman, distances: Huffman): Step<void> {
    for (;;) {
      const symbol = yield* this.decode(literals);
      if (symbol === END_OF_BLOCK) return;
      if (symbol < END_OF_BLOCK) {
        yield* this.emit(symbol);
        continue;
      }
      const index = symbol - 257;
      if (index >= LENGTH_BASE.length) throw new DataError('invalid literal/length code');
      const length = LENGTH_BASE[index] + (yield* this.read(LENGTH_EXTRA[index]));
      const which = yield* this.decode(distances);
      if (which >= DISTANCE_BASE.length) throw new DataError('invalid distance code');
      const distance = DISTANCE_BASE[which] + (yield* this.read(DISTANCE_EXTRA[which]));
      if (distance > this.written || distance > this.window.length)
        throw new DataError('invalid distance too far back');
      for (let i = 0; i < length; i++)
        yield* this.emit(this.window[(this.written - distance) % this.window.length]);
    }
  }

  private *decode({ counts, symbols }: Huffman): Step<number> {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_BITS; length++) {
      code |= yield* this.read(1);
      const count = counts[length];
      if (code - count < first) return symbols[index + (code - first)];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new DataError('invalid code');
  }

  /** So many bits, the lowest first. */
  private *read(count: number): Step<number> {
    while (this.held < count) {
      const byte = this.channel!.take();
      if (byte === undefined) {
        yield;
        continue;
      }
      this.bits |= byte << this.held;
      this.held += 8;
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.held -= count;
    return value;
  }

  private align(): void {
    this.bits >>>= this.held & 7;
    this.held -= this.held & 7;
  }

  private *emit(byte: number): Step<void> {
    while (!this.channel!.put(byte)) yield;
    this.window[this.written++ % this.window.length] = byte;
    this.adlerLow = (this.adlerLow + byte) % 65521;
    this.adlerHigh = (this.adlerHigh + this.adlerLow) % 65521;
  }
}

function huffman(lengths: readonly number[]): Huffman {
  const counts = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) if (length > 0) counts[length]++;
  const offsets = new Uint16Array(MAX_BITS + 2);
  for (let length = 1; length <= MAX_BITS; length++) offsets[length + 1] = offsets[length] + counts[length];
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length > 0) symbols[offsets[length]++] = symbol;
  });
  return { counts, symbols };
}
