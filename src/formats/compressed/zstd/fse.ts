import { type BackwardBits, ZstdDamage } from './bit-reader.js';

/** A table of finite state entropy (RFC 8878, 4.1): by state the symbol, and how to get to the next state. */
export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly base: Uint16Array;
}

/** A table that has one symbol only and reads nothing (RLE mode). */
export function singleSymbol(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: Uint8Array.of(0), base: Uint16Array.of(0) };
}

/** Spreads the symbols over the states (RFC 8878, 4.1.1); -1 stands for "less than one". */
export function buildTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size - 1;
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[high--] = symbol;
    next[symbol] = Math.abs(count);
  });
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position > high);
    }
  });
  const bits = new Uint8Array(size);
  const base = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const number = next[symbols[state]]++;
    bits[state] = log - (31 - Math.clz32(number));
    base[state] = (number << bits[state]) - size;
  }
  return { log, symbols, bits, base };
}

/** Reads a table's description, which starts at `at`. Returns the table and where the description ends. */
export function readTable(
  bytes: Uint8Array,
  at: number,
  end: number,
  maxLog: number,
  maxSymbol: number,
): { table: FseTable; end: number } {
  let bit = at * 8;
  const peek = (count: number): number => {
    const byte = bit >>> 3;
    const word = bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16) | (bytes[byte + 3] << 24);
    return (word >>> (bit & 7)) & ((1 << count) - 1);
  };
  const log = peek(4) + 5;
  bit += 4;
  if (log > maxLog) throw new ZstdDamage(`an FSE table of ${log} bits, at most ${maxLog}`);
  const counts: number[] = [];
  let remaining = (1 << log) + 1;
  let threshold = 1 << log;
  let width = log + 1;
  while (remaining > 1) {
    if (bit >= end * 8 || counts.length > maxSymbol)
      throw new ZstdDamage('an FSE table that does not add up');
    // Values below `few` need a bit less.
    const few = 2 * threshold - 1 - remaining;
    let value = peek(width) & (threshold - 1);
    if (value < few) {
      bit += width - 1;
    } else {
      value = peek(width);
      if (value >= threshold) value -= few;
      bit += width;
    }
    const count = value - 1;
    counts.push(count);
    remaining -= Math.abs(count);
    if (remaining < 1) throw new ZstdDamage('an FSE table that does not add up');
    if (count === 0) {
      for (let repeat = 3; repeat === 3; ) {
        repeat = peek(2);
        bit += 2;
        for (let i = 0; i < repeat; i++) counts.push(0);
        if (counts.length > maxSymbol + 1) throw new ZstdDamage('an FSE table with too many symbols');
      }
    }
    while (remaining < threshold) {
      width--;
      threshold >>= 1;
    }
  }
  if (counts.length > maxSymbol + 1 || bit > end * 8)
    throw new ZstdDamage('an FSE table that runs out of its block');
  return { table: buildTable(counts, log), end: (bit + 7) >>> 3 };
}

/** One decoder's walk through a table. */
export class FseState {
  private state: number;

  constructor(
    private readonly table: FseTable,
    bits: BackwardBits,
  ) {
    this.state = bits.read(table.log);
  }

  get symbol(): number {
    return this.table.symbols[this.state];
  }

  advance(bits: BackwardBits): void {
    const { state } = this;
    this.state = this.table.base[state] + bits.read(this.table.bits[state]);
  }
}
