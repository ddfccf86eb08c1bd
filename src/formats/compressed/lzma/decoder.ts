import { assemble } from './assembler.js';
import {
  DISTANCE_TOO_FAR,
  decodeFunction,
  INPUT_ENDS_EARLY,
  INPUT_LEFT,
  MATCH_TOO_LONG,
} from './chunk-decoder.js';
import { crcFunction, tablesFunction } from './crc.js';
import * as at from './models.js';

const PAGE = 0x10000;
/** What of memory is kept from one file to the next: enough for nearly every module. */
const KEPT_BYTES = 48 << 20;
const INITIAL_BYTES = 1 << 20;
const PROBABILITY_HALF = 1024;

const PROBLEMS: Readonly<Record<number, string>> = {
  [INPUT_ENDS_EARLY]: 'the compressed data ends early',
  [DISTANCE_TOO_FAR]: 'distance beyond the start',
  [MATCH_TOO_LONG]: 'match runs past the end of the chunk',
  [INPUT_LEFT]: 'the compressed data does not end with its chunk',
};

const CRC32 = { address: at.CRC32_TABLES, entryShift: 2 } as const;
const CRC32_POLYNOMIAL = 0xedb88320n;
const CRC64 = { address: at.CRC64_TABLES, entryShift: 3 } as const;
const CRC64_POLYNOMIAL = 0xc96c5795d7870f42n;

interface Functions {
  readonly decode: (dictStart: number, pos: number, end: number, inputEnd: number) => number;
  readonly crc32: (crc: bigint, from: number, end: number) => bigint;
  readonly crc64: (crc: bigint, from: number, end: number) => bigint;
  readonly tables32: (polynomial: bigint) => bigint;
  readonly tables64: (polynomial: bigint) => bigint;
}

let module: WebAssembly.Module | undefined;
let idle: Lzma2Memory | undefined;

/**
 * Calls `use` with memory for one LZMA2 stream. It is the same from call to call, since making it costs some
 * milliseconds, so nothing in it outlasts `use`, and `use` must not come here again.
 */
export function withLzma2Memory<T>(use: (memory: Lzma2Memory) => T): T {
  const memory = idle ?? new Lzma2Memory();
  idle = undefined;
  try {
    return use(memory);
  } finally {
    if (memory.size <= KEPT_BYTES) idle = memory;
  }
}

/**
 * The output of one LZMA2 stream, which is its dictionary too, and the decoder: WebAssembly (see the README of this
 * folder) made when it is needed first. Positions count from the output's start.
 */
export class Lzma2Memory {
  private readonly memory = new WebAssembly.Memory({ initial: INITIAL_BYTES / PAGE });
  private readonly functions: Functions;
  private bytes = new Uint8Array(this.memory.buffer);
  private hasTables64 = false;
  /** Bytes of output so far. */
  length = 0;

  constructor() {
    module ??= new WebAssembly.Module(
      assemble([
        decodeFunction(),
        crcFunction('crc32', CRC32),
        crcFunction('crc64', CRC64),
        tablesFunction('tables32', CRC32),
        tablesFunction('tables64', CRC64),
      ]),
    );
    const instance = new WebAssembly.Instance(module, { m: { m: this.memory } });
    this.functions = instance.exports as unknown as Functions;
    this.functions.tables32(CRC32_POLYNOMIAL);
  }

  get size(): number {
    return this.bytes.length;
  }

  /** The output so far, until anything is added to it. */
  get output(): Uint8Array {
    return this.bytes.subarray(at.OUTPUT, at.OUTPUT + this.length);
  }

  /** Takes over lc, lp and pb from the properties byte. Returns false where they are out of range. */
  setProperties(byte: number): boolean {
    const lc = byte % 9;
    const lp = Math.floor(byte / 9) % 5;
    const pb = Math.floor(byte / 45);
    if (pb > 4 || lc + lp > 4) return false;
    const view = new DataView(this.memory.buffer);
    view.setUint32(at.LITERAL_CONTEXT_BITS, lc, true);
    view.setUint32(at.LITERAL_POS_MASK, (1 << lp) - 1, true);
    view.setUint32(at.POS_MASK, (1 << pb) - 1, true);
    this.resetState();
    return true;
  }

  resetState(): void {
    new Uint16Array(this.memory.buffer, 0, at.MODELS_END / 2).fill(PROBABILITY_HALF);
    this.bytes.fill(0, at.STATE, at.STATE_END);
  }

  /** Adds bytes that are not packed. */
  append(data: Uint8Array): void {
    this.reserve(data.length);
    this.bytes.set(data, at.OUTPUT + this.length);
    this.length += data.length;
  }

  /**
   * Decodes a chunk that adds `size` bytes to the output, from `packed` (at most 64 KiB); the dictionary starts
   * at `dictStart`. Returns an error text, or undefined where all is well.
   */
  decode(packed: Uint8Array, dictStart: number, size: number): string | undefined {
    if (packed.length < 5 || packed[0] !== 0) return 'damaged range coder header';
    this.reserve(size);
    const inputEnd = at.INPUT + packed.length;
    this.bytes.set(packed, at.INPUT);
    this.bytes.fill(0, inputEnd, inputEnd + at.INPUT_SLACK);
    const pos = at.OUTPUT + this.length;
    const result = this.functions.decode(at.OUTPUT + dictStart, pos, pos + size, inputEnd);
    this.length += size;
    return PROBLEMS[result];
  }

  /** CRC32 of the output. */
  crc32(): number {
    const crc = this.functions.crc32(0xffff_ffffn, at.OUTPUT, at.OUTPUT + this.length);
    return ~Number(crc) >>> 0;
  }

  /** CRC64 of the output. */
  crc64(): bigint {
    if (!this.hasTables64) this.functions.tables64(CRC64_POLYNOMIAL);
    this.hasTables64 = true;
    const crc = this.functions.crc64(-1n, at.OUTPUT, at.OUTPUT + this.length);
    return BigInt.asUintN(64, ~crc);
  }

  /** Makes room for `more` bytes of output. */
  private reserve(more: number): void {
    const needed = at.OUTPUT + this.length + more + at.OUTPUT_SLACK;
    if (needed <= this.size) return;
    // A quarter more each time: engines that move the memory do not do so too often.
    const size = Math.max(needed, this.size * 1.25);
    this.memory.grow(Math.ceil((size - this.size) / PAGE));
    this.bytes = new Uint8Array(this.memory.buffer);
  }
}
