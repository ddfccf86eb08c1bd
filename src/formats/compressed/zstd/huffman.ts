import { BackwardBits, ZstdDamage } from './bit-reader.js';
import { FseState, readTable } from './fse.js';

/** A Huffman code for literals (RFC 8878, 4.2): by the next `log` bits the symbol and how many bits it has. */
export interface HuffmanTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
}

const MAX_BITS = 11;
const MAX_WEIGHTS_LOG = 6;
/** With 256 symbols, the last one's weight is implied. */
const MAX_WEIGHTS = 255;

/** Reads a tree description at `at`. Returns the table and where the description ends. */
export function readHuffman(
  bytes: Uint8Array,
  at: number,
  end: number,
): { table: HuffmanTable; end: number } {
  if (at >= end) throw new ZstdDamage('a block that ends before its Huffman table');
  const header = bytes[at];
  const size = header < 128 ? header : (header - 126) >> 1;
  const next = at + 1 + size;
  if (next > end) throw new ZstdDamage('a Huffman table that runs out of its block');
  const weights =
    header < 128 ? packedWeights(bytes, at + 1, next) : plainWeights(bytes, at + 1, header - 127);
  return { table: buildTable(weights), end: next };
}

/** Four bits each, the upper half of a byte first. */
function plainWeights(bytes: Uint8Array, at: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (bytes[at + (i >> 1)] >> (i % 2 === 0 ? 4 : 0)) & 15);
}

/** RFC 8878, 4.2.1.2: two interleaved FSE decoders until the bits run out. */
function packedWeights(bytes: Uint8Array, at: number, end: number): number[] {
  const { table, end: from } = readTable(bytes, at, end, MAX_WEIGHTS_LOG, MAX_BITS + 1);
  const bits = new BackwardBits(bytes, from, end);
  let current = new FseState(table, bits);
  let other = new FseState(table, bits);
  if (bits.left < 0) throw new ZstdDamage('Huffman weights that end early');
  const weights: number[] = [];
  for (;;) {
    weights.push(current.symbol);
    current.advance(bits);
    if (bits.left < 0) {
      weights.push(other.symbol);
      break;
    }
    [current, other] = [other, current];
    if (weights.length > MAX_WEIGHTS) break;
  }
  if (weights.length > MAX_WEIGHTS) throw new ZstdDamage('more Huffman weights than symbols');
  return weights;
}

function buildTable(weights: number[]): HuffmanTable {
  const sum = weights.reduce((total, weight) => total + (weight === 0 ? 0 : 2 ** (weight - 1)), 0);
  if (sum === 0) throw new ZstdDamage('a Huffman table without symbols');
  const log = Math.floor(Math.log2(sum)) + 1;
  if (log > MAX_BITS) throw new ZstdDamage(`a Huffman code of ${log} bits, at most ${MAX_BITS}`);
  const left = 2 ** log - sum;
  const last = Math.log2(left);
  if (!Number.isInteger(last)) throw new ZstdDamage('Huffman weights that do not add up');
  const all = [...weights, last + 1];
  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    all.forEach((w, symbol) => {
      if (w !== weight) return;
      const count = 1 << (weight - 1);
      symbols.fill(symbol, at, at + count);
      bits.fill(log + 1 - weight, at, at + count);
      at += count;
    });
  }
  return { log, symbols, bits };
}

/** Decodes one stream that fills `out` exactly. */
export function decodeStream(
  table: HuffmanTable,
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
): void {
  const bits = new BackwardBits(bytes, from, to);
  const { log, symbols } = table;
  for (let i = 0; i < out.length; i++) {
    const index = bits.peek(log);
    out[i] = symbols[index];
    bits.left -= table.bits[index];
  }
  if (bits.left !== 0) throw new ZstdDamage('literals that do not end with their stream');
}
