import { DISTANCE_BASE, DISTANCE_EXTRA, LENGTH_BASE, LENGTH_EXTRA } from './codes.js';

const ADLER_MODULUS = 65521;
const SHORTEST_MATCH = 3;
const LONGEST_MATCH = 258;
const END_OF_BLOCK = 256;
const FIXED_CODES = 1;

/**
 * Makes DEFLATE (RFC 1951) of the fixed codes, with the zlib header and trailer (RFC 1950) unless raw. Its bytes are not
 * those of the kernel's zlib, which looks further for matches and makes codes for the data; what they
 * decompress to is the same.
 */
export class Deflater {
  private out: number[] = [];
  private bits = 0;
  private held = 0;
  private low = 1;
  private high = 0;
  private blockIsOpen = false;
  /** The data that matches may lie in, and where in the whole it begins. */
  private history = new Uint8Array(0);
  private historyAt = 0;
  private readonly seen = new Map<number, number>();
  private readonly window: number;
  finished = false;

  constructor(
    private readonly level: number,
    windowBits: number,
    private readonly raw: boolean,
  ) {
    this.window = 1 << windowBits;
    if (raw) return;
    const method = ((windowBits - 8) << 4) | 8;
    this.out.push(method, (31 - ((method << 8) % 31)) % 31);
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    for (const byte of bytes) {
      this.low = (this.low + byte) % ADLER_MODULUS;
      this.high = (this.high + this.low) % ADLER_MODULUS;
    }
    const start = this.remember(bytes);
    if (!this.blockIsOpen) this.putBits(FIXED_CODES << 1, 3);
    this.blockIsOpen = true;
    this.compress(start);
  }

  /** Everything written so far can be decompressed from what comes out. */
  flush(): void {
    if (!this.blockIsOpen) return;
    this.endBlock();
    this.putBits(0, 3);
    this.align();
    this.out.push(0, 0, 0xff, 0xff);
  }

  finish(): void {
    if (this.finished) return;
    this.finished = true;
    if (this.blockIsOpen) this.endBlock();
    this.putBits((FIXED_CODES << 1) | 1, 3);
    this.putSymbol(END_OF_BLOCK);
    this.align();
    const { high, low } = this;
    if (!this.raw) this.out.push(high >> 8, high & 255, low >> 8, low & 255);
  }

  get checksum(): number {
    return ((this.high << 16) | this.low) >>> 0;
  }

  get isEmpty(): boolean {
    return this.out.length === 0;
  }

  /** The next bytes of the result, at most so many. */
  read(limit: number): Uint8Array {
    const bytes = Uint8Array.from(this.out.slice(0, limit));
    this.out = this.out.slice(limit);
    return bytes;
  }

  /** Appends to the history, of which a window's worth is kept: where in it the new bytes begin. */
  private remember(bytes: Uint8Array): number {
    const kept = this.history.subarray(Math.max(0, this.history.length - this.window));
    this.historyAt += this.history.length - kept.length;
    const joined = new Uint8Array(kept.length + bytes.length);
    joined.set(kept);
    joined.set(bytes, kept.length);
    this.history = joined;
    return kept.length;
  }

  private compress(start: number): void {
    const { history } = this;
    for (let at = start; at < history.length; ) {
      const from = this.level === 0 ? -1 : this.candidate(at);
      const length = from < 0 ? 0 : this.matchLength(from, at);
      if (length < SHORTEST_MATCH) {
        this.putSymbol(history[at++]);
        continue;
      }
      this.putMatch(length, at - from);
      for (let i = 1; i < length; i++) this.candidate(at + i);
      at += length;
    }
  }

  /** Where the next three bytes were last, or -1; they are now here. */
  private candidate(at: number): number {
    const { history } = this;
    if (at + SHORTEST_MATCH > history.length) return -1;
    const key = history[at] | (history[at + 1] << 8) | (history[at + 2] << 16);
    const from = this.seen.get(key);
    this.seen.set(key, this.historyAt + at);
    if (from === undefined || from < this.historyAt || this.historyAt + at - from > this.window) return -1;
    return from - this.historyAt;
  }

  private matchLength(from: number, at: number): number {
    const { history } = this;
    const limit = Math.min(LONGEST_MATCH, history.length - at);
    let length = 0;
    while (length < limit && history[from + length] === history[at + length]) length++;
    return length;
  }

  private putMatch(length: number, distance: number): void {
    const which = lastAtMost(LENGTH_BASE, length);
    this.putSymbol(257 + which);
    this.putBits(length - LENGTH_BASE[which], LENGTH_EXTRA[which]);
    const back = lastAtMost(DISTANCE_BASE, distance);
    this.putCode(back, 5);
    this.putBits(distance - DISTANCE_BASE[back], DISTANCE_EXTRA[back]);
  }

  /** A literal or length, in the code of RFC 1951, 3.2.6. */
  private putSymbol(symbol: number): void {
    if (symbol < 144) this.putCode(0x30 + symbol, 8);
    else if (symbol < 256) this.putCode(0x190 + symbol - 144, 9);
    else if (symbol < 280) this.putCode(symbol - 256, 7);
    else this.putCode(0xc0 + symbol - 280, 8);
  }

  /** Codes go out with their highest bit first. */
  private putCode(code: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) this.putBits((code >> bit) & 1, 1);
  }

  private putBits(value: number, count: number): void {
    this.bits |= value << this.held;
    this.held += count;
    for (; this.held >= 8; this.held -= 8, this.bits >>>= 8) this.out.push(this.bits & 255);
  }

  private endBlock(): void {
    this.putSymbol(END_OF_BLOCK);
    this.blockIsOpen = false;
  }

  private align(): void {
    if (this.held > 0) this.putBits(0, 8 - this.held);
  }
}

function lastAtMost(bases: readonly number[], value: number): number {
  let index = bases.length - 1;
  while (bases[index] > value) index--;
  return index;
}
