import type { OutputBuffer } from '../output-buffer.js';
import { BackwardBits, ZstdDamage } from './bit-reader.js';
import { buildTable, FseState, type FseTable, readTable, singleSymbol } from './fse.js';
import { decodeStream, type HuffmanTable, readHuffman } from './huffman.js';

export const MAX_BLOCK = 128 * 1024;

// RFC 8878, 3.1.1.3.2.1.1: what the codes of lengths stand for, and 3.1.1.3.2.2: how they are distributed by default.
const LITERAL_BASE = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512,
  1024, 2048, 4096, 8192, 16384, 32768, 65536,
];
const LITERAL_BITS = [
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  15, 16,
];
const MATCH_LONG_BASE = [
  35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539,
];
const MATCH_LONG_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BASE = [...Array.from({ length: 32 }, (_, code) => code + 3), ...MATCH_LONG_BASE];
const MATCH_BITS = [...Array.from({ length: 32 }, () => 0), ...MATCH_LONG_BITS];

const ones = (count: number): number[] => Array.from({ length: count }, () => 1);
const rare = (count: number): number[] => Array.from({ length: count }, () => -1);
const twos = (count: number): number[] => Array.from({ length: count }, () => 2);

/** One of the three codes of a sequence. */
interface CodeKind {
  readonly maxLog: number;
  readonly maxSymbol: number;
  readonly defaults: FseTable;
}

const LITERAL_LENGTHS: CodeKind = {
  maxLog: 9,
  maxSymbol: 35,
  defaults: buildTable([4, 3, ...twos(11), 1, 1, 1, ...twos(9), 3, 2, ...ones(5), ...rare(4)], 6),
};
const OFFSETS: CodeKind = {
  maxLog: 8,
  maxSymbol: 31,
  defaults: buildTable([...ones(6), 2, 2, 2, ...ones(15), ...rare(5)], 5),
};
const MATCH_LENGTHS: CodeKind = {
  maxLog: 9,
  maxSymbol: 52,
  defaults: buildTable([1, 4, 3, ...twos(6), ...ones(37), ...rare(7)], 6),
};

/** What compressed blocks of one frame hand on to each other (RFC 8878, 3.1.1.3). */
export class BlockDecoder {
  private huffman: HuffmanTable | undefined;
  private literalTable: FseTable | undefined;
  private offsetTable: FseTable | undefined;
  private matchTable: FseTable | undefined;
  private readonly recent = [1, 4, 8];
  private readonly literalBuffer = new Uint8Array(MAX_BLOCK);

  constructor(
    private readonly out: OutputBuffer,
    /** Where the frame's output begins: no match reaches further back. */
    private readonly frameStart: number,
  ) {}

  /** Decodes the compressed block at `from` of `bytes`. */
  decode(bytes: Uint8Array, from: number, to: number): void {
    const { literals, end } = this.literals(bytes, from, to);
    this.sequences(bytes, end, to, literals);
  }

  private literals(bytes: Uint8Array, at: number, to: number): { literals: Uint8Array; end: number } {
    if (at >= to) throw new ZstdDamage('an empty compressed block');
    const type = bytes[at] & 3;
    const format = (bytes[at] >> 2) & 3;
    const low = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    if (type < 2) {
      const headerSize = format === 1 ? 2 : format === 3 ? 3 : 1;
      const size = format === 1 ? (low & 0xffff) >> 4 : format === 3 ? low >> 4 : bytes[at] >> 3;
      const from = at + headerSize;
      const packed = type === 0 ? size : 1;
      checkSizes(size, from + packed, to);
      if (type === 0) return { literals: bytes.subarray(from, from + size), end: from + size };
      return { literals: this.literalBuffer.subarray(0, size).fill(bytes[from]), end: from + 1 };
    }
    const width = [10, 10, 14, 18][format];
    const headerSize = [3, 3, 4, 5][format];
    // Up to 40 bits: more than an int has.
    const header = low + bytes[at + 3] * 2 ** 24 + bytes[at + 4] * 2 ** 32;
    const size = Math.floor(header / 16) % 2 ** width;
    const packed = Math.floor(header / 2 ** (4 + width)) % 2 ** width;
    let from = at + headerSize;
    const end = from + packed;
    checkSizes(size, end, to);
    if (type === 2) {
      const tree = readHuffman(bytes, from, end);
      this.huffman = tree.table;
      from = tree.end;
    }
    if (this.huffman === undefined) throw new ZstdDamage('literals without a Huffman table');
    const literals = this.literalBuffer.subarray(0, size);
    if (format === 0) decodeStream(this.huffman, bytes, from, end, literals);
    else fourStreams(this.huffman, bytes, from, end, literals);
    return { literals, end };
  }

  private sequences(bytes: Uint8Array, start: number, to: number, literals: Uint8Array): void {
    let at = start;
    if (at >= to) throw new ZstdDamage('a block without its number of sequences');
    let count = bytes[at++];
    if (count >= 128) {
      if (at + 2 > to) throw new ZstdDamage('a block that ends in its number of sequences');
      if (count < 255) count = ((count - 128) << 8) + bytes[at++];
      else {
        count = bytes[at] + (bytes[at + 1] << 8) + 0x7f00;
        at += 2;
      }
    }
    if (count === 0) {
      if (at !== to) throw new ZstdDamage('bytes after the end of a block');
      this.append(literals);
      return;
    }
    if (at >= to) throw new ZstdDamage('a block without its compression modes');
    const modes = bytes[at++];
    const table = (kind: CodeKind, mode: number, before: FseTable | undefined): FseTable => {
      if (mode === 0) return kind.defaults;
      if (mode === 3) {
        if (before === undefined) throw new ZstdDamage('a block that repeats a table which is not there');
        return before;
      }
      if (at >= to) throw new ZstdDamage('a block that ends before its tables');
      if (mode === 1) {
        if (bytes[at] > kind.maxSymbol) throw new ZstdDamage(`code ${bytes[at]}, at most ${kind.maxSymbol}`);
        return singleSymbol(bytes[at++]);
      }
      const read = readTable(bytes, at, to, kind.maxLog, kind.maxSymbol);
      at = read.end;
      return read.table;
    };
    this.literalTable = table(LITERAL_LENGTHS, modes >> 6, this.literalTable);
    this.offsetTable = table(OFFSETS, (modes >> 4) & 3, this.offsetTable);
    this.matchTable = table(MATCH_LENGTHS, (modes >> 2) & 3, this.matchTable);
    this.execute(new BackwardBits(bytes, at, to), count, literals);
  }

  /** RFC 8878, 3.1.1.4: literals, then a match, as often as there are sequences; then the other literals. */
  private execute(bits: BackwardBits, count: number, literals: Uint8Array): void {
    const literalState = new FseState(this.literalTable!, bits);
    const offsetState = new FseState(this.offsetTable!, bits);
    const matchState = new FseState(this.matchTable!, bits);
    const { out } = this;
    out.reserve(MAX_BLOCK);
    const limit = out.length + MAX_BLOCK;
    let used = 0;
    for (let i = 0; i < count; i++) {
      const offsetCode = offsetState.symbol;
      const offsetValue = ((1 << offsetCode) >>> 0) + bits.readLong(offsetCode);
      const matchLength = MATCH_BASE[matchState.symbol] + bits.read(MATCH_BITS[matchState.symbol]);
      const literalLength = LITERAL_BASE[literalState.symbol] + bits.read(LITERAL_BITS[literalState.symbol]);
      if (i < count - 1) {
        literalState.advance(bits);
        matchState.advance(bits);
        offsetState.advance(bits);
      }
      const distance = this.distance(offsetValue, literalLength);
      if (used + literalLength > literals.length)
        throw new ZstdDamage('sequences that use more literals than there are');
      if (out.length + literalLength + matchLength > limit)
        throw new ZstdDamage('a block of more than 128 KiB');
      out.append(literals, used, literalLength);
      used += literalLength;
      if (distance > out.length - this.frameStart)
        throw new ZstdDamage(`a match ${distance} bytes back, beyond the start`);
      out.repeat(distance, matchLength);
    }
    if (bits.left !== 0) throw new ZstdDamage('sequences that do not end with their stream');
    if (out.length + literals.length - used > limit) throw new ZstdDamage('a block of more than 128 KiB');
    out.append(literals, used, literals.length - used);
  }

  /** RFC 8878, 3.1.1.5: the values 1 to 3 stand for recent distances, shifted by one where there are no literals. */
  private distance(value: number, literalLength: number): number {
    const { recent } = this;
    if (value > 3) {
      recent[2] = recent[1];
      recent[1] = recent[0];
      recent[0] = value - 3;
      return recent[0];
    }
    const index = value - (literalLength === 0 ? 0 : 1);
    const distance = index === 3 ? recent[0] - 1 : recent[index];
    if (distance === 0) throw new ZstdDamage('a match at no distance');
    if (index > 1) recent[2] = recent[1];
    if (index > 0) recent[1] = recent[0];
    recent[0] = distance;
    return distance;
  }

  private append(literals: Uint8Array): void {
    this.out.reserve(literals.length);
    this.out.append(literals, 0, literals.length);
  }
}

function checkSizes(size: number, end: number, to: number): void {
  if (size > MAX_BLOCK) throw new ZstdDamage(`${size} bytes of literals in one block`);
  if (end > to) throw new ZstdDamage('literals that run out of their block');
}

/** Four streams of a quarter each; three sizes stand in front. */
function fourStreams(table: HuffmanTable, bytes: Uint8Array, at: number, end: number, out: Uint8Array): void {
  const quarter = (out.length + 3) >> 2;
  if (at + 6 > end || quarter * 3 > out.length) throw new ZstdDamage('literals too short for four streams');
  let from = at + 6;
  for (let i = 0; i < 4; i++) {
    const to = i === 3 ? end : from + (bytes[at + 2 * i] | (bytes[at + 2 * i + 1] << 8));
    if (to > end) throw new ZstdDamage('a stream of literals that runs out of its block');
    decodeStream(table, bytes, from, to, out.subarray(i * quarter, i === 3 ? out.length : (i + 1) * quarter));
    from = to;
  }
}
