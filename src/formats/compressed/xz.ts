import { ByteReader } from '../byte-reader.js';
import { decodeBcjX86 } from './bcj-x86.js';
import { crc32 } from './checksum.js';
import { type Lzma2Memory, withLzma2Memory } from './lzma/decoder.js';
import { OutputBuffer } from './output-buffer.js';

// Layouts and names: "The .xz File Format" 1.2.1 (tukaani.org, public domain).
const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const STREAM_HEADER_SIZE = 12;
const STREAM_FOOTER_SIZE = 12;
const FILTER_LZMA2 = 0x21;
const FILTER_X86 = 0x04;
const CHECK_CRC32 = 1;
const CHECK_CRC64 = 4;
/** Bytes of the integrity check, by its id. */
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

export function isXz(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Unpacks an .xz file: any number of streams, LZMA2 with or without the x86 filter, CRC32 and CRC64 checked. */
export function decompressXz(bytes: Uint8Array, file: string, maximum?: number): Uint8Array {
  return new XzReader(bytes, file, new OutputBuffer(file, 0, maximum)).run();
}

/**
 * Unpacks an .xz file block by block, each handed out once it is checked, so that memory is taken for one block
 * only: what packs with several threads makes blocks of some ten megabytes.
 */
export function* xzBlocks(bytes: Uint8Array, file: string): Generator<XzBlock> {
  yield* new XzReader(bytes, file, new OutputBuffer(file, 0)).blocks();
}

interface XzBlock {
  /** Valid until the next block is asked for. */
  readonly data: Uint8Array;
  /** How far the packed file has been read. */
  readonly at: number;
}

/**
 * Unpacks the .xz stream at the start of `bytes` and leaves what follows it: Linux appends four bytes to
 * the payload of a bzImage.
 */
export function decompressXzStream(bytes: Uint8Array, file: string, expected: number): Uint8Array {
  return new XzReader(bytes, file, new OutputBuffer(file, expected)).single();
}

class XzReader {
  private readonly r: ByteReader;
  private at = 0;

  constructor(
    bytes: Uint8Array,
    file: string,
    readonly out: OutputBuffer,
  ) {
    this.r = new ByteReader(bytes, file);
  }

  run(): Uint8Array {
    for (const _ of this.streams()) {
      // The output keeps growing.
    }
    return this.out.finish();
  }

  *blocks(): Generator<XzBlock> {
    for (const _ of this.streams()) {
      yield { data: this.out.finish(), at: this.at };
      this.out.length = 0;
    }
  }

  /** The first stream only. */
  single(): Uint8Array {
    for (const _ of this.stream()) {
      // The output keeps growing.
    }
    return this.out.finish();
  }

  private *streams(): Generator<void> {
    yield* this.stream();
    while (this.at < this.r.length) {
      // Stream padding: zeros in fours.
      if (this.r.u32(this.at, 'stream padding') === 0) this.at += 4;
      else yield* this.stream();
    }
  }

  /** One stream; stops after each block. */
  private *stream(): Generator<void> {
    const { r } = this;
    r.need(this.at, STREAM_HEADER_SIZE, 'stream header');
    if (!isXz(r.bytes.subarray(this.at))) r.fail('stream header', this.at, 'not an .xz stream');
    const check = r.bytes[this.at + 7];
    if (r.bytes[this.at + 6] !== 0 || check > 15) r.fail('stream flags', this.at + 6, 'unknown');
    this.checkCrc32(this.at + 6, 2, this.at + 8, 'stream flags CRC32');
    this.at += STREAM_HEADER_SIZE;
    const sizes: number[] = [];
    while (r.u8(this.at, 'block header size') !== 0) {
      sizes.push(...withLzma2Memory((memory) => this.block(memory, check)));
      yield;
    }
    this.index(sizes);
    if (r.u16(this.at + 10, 'stream footer') !== 0x5a59) r.fail('stream footer', this.at + 10, 'not YZ');
    this.at += STREAM_FOOTER_SIZE;
  }

  /** One block. Returns its unpadded and uncompressed sizes, for the index. */
  private block(memory: Lzma2Memory, check: number): [number, number] {
    const { r } = this;
    const blockAt = this.at;
    const headerSize = (r.bytes[blockAt] + 1) * 4;
    r.need(blockAt, headerSize, 'block header');
    this.checkCrc32(blockAt, headerSize - 4, blockAt + headerSize - 4, 'block header CRC32');
    const x86Start = this.blockFilters(blockAt, blockAt + headerSize - 4);
    this.at = blockAt + headerSize;
    this.lzma2(memory);
    const unpadded = this.at - blockAt + CHECK_SIZES[check];
    if (x86Start !== undefined) decodeBcjX86(memory.output, x86Start);
    while (this.at % 4 !== 0)
      if (r.u8(this.at++, 'block padding') !== 0) r.fail('block padding', this.at - 1, 'not zero');
    r.need(this.at, CHECK_SIZES[check], 'block check');
    const damaged =
      (check === CHECK_CRC32 && r.u32(this.at, 'block check') !== memory.crc32()) ||
      (check === CHECK_CRC64 && r.u64(this.at, 'block check') !== memory.crc64());
    if (damaged) r.fail('block check', this.at, 'does not match the data: the file is damaged');
    this.at += CHECK_SIZES[check];
    this.out.take(memory.output);
    return [unpadded, memory.length];
  }

  /** Reads the filter chain. Returns the x86 filter's start offset where there is one. */
  private blockFilters(blockAt: number, end: number): number | undefined {
    const { r } = this;
    const flags = r.u8(blockAt + 1, 'block flags');
    if ((flags & 0x3c) !== 0) r.fail('block flags', blockAt + 1, 'unknown');
    this.at = blockAt + 2;
    if ((flags & 0x40) !== 0) this.multibyte('block compressed size');
    if ((flags & 0x80) !== 0) this.multibyte('block uncompressed size');
    let x86Start: number | undefined;
    for (let left = flags & 3; left >= 0; left--) {
      const idAt = this.at;
      const id = this.multibyte('filter id');
      const size = this.multibyte('filter properties size');
      if (this.at + size > end) r.fail('filter properties size', idAt, 'runs out of the block header');
      if (id === FILTER_X86 && left > 0) x86Start = size === 4 ? r.u32(this.at, 'x86 filter start') : 0;
      else if (id !== FILTER_LZMA2 || left > 0)
        r.fail('filter id', idAt, `filter 0x${id.toString(16)} is not supported`);
      this.at += size;
    }
    return x86Start;
  }

  /** LZMA2: chunks that are LZMA or plain, up to a zero byte. */
  private lzma2(memory: Lzma2Memory): void {
    const { r, out } = this;
    memory.length = 0;
    let dictStart = -1;
    let ready = false;
    for (;;) {
      const at = this.at;
      const control = r.u8(at, 'LZMA2 control');
      if (control === 0) {
        this.at++;
        return;
      }
      if (control === 1 || control >= 0xe0) {
        dictStart = memory.length;
        ready = false;
      }
      if (dictStart < 0) r.fail('LZMA2 control', at, 'the first chunk does not reset the dictionary');
      if (control < 0x80) {
        if (control > 2) r.fail('LZMA2 control', at, `unknown chunk 0x${control.toString(16)}`);
        const size = bigEndian16(r, at + 1) + 1;
        const data = r.slice(at + 3, size, 'LZMA2 chunk', at + 1);
        out.allow(memory.length + size);
        memory.append(data);
        this.at = at + 3 + size;
        continue;
      }
      const size = ((control & 0x1f) << 16) + bigEndian16(r, at + 1) + 1;
      const packed = bigEndian16(r, at + 3) + 1;
      let dataAt = at + 5;
      if (control >= 0xc0) {
        if (!memory.setProperties(r.u8(dataAt++, 'LZMA properties')))
          r.fail('LZMA properties', at + 5, 'out of range');
        ready = true;
      } else if (control >= 0xa0) {
        memory.resetState();
      }
      if (!ready) r.fail('LZMA2 control', at, 'the first LZMA chunk has no properties');
      const data = r.slice(dataAt, packed, 'LZMA2 chunk', at + 3);
      out.allow(memory.length + size);
      const problem = memory.decode(data, dictStart, size);
      if (problem !== undefined) r.fail('LZMA2 chunk', dataAt, problem);
      this.at = dataAt + packed;
    }
  }

  private index(sizes: readonly number[]): void {
    const start = this.at++;
    if (this.multibyte('index records') * 2 !== sizes.length)
      this.r.fail('index records', start + 1, 'not the number of blocks');
    for (const size of sizes) {
      const at = this.at;
      if (this.multibyte('index record') !== size)
        this.r.fail('index record', at, 'does not match its block');
    }
    while ((this.at - start) % 4 !== 0) this.at++;
    this.checkCrc32(start, this.at - start, this.at, 'index CRC32');
    this.at += 4;
  }

  private multibyte(field: string): number {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = this.r.u8(this.at++, field);
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80 && value <= Number.MAX_SAFE_INTEGER) return value;
    }
    return this.r.fail(field, this.at, 'too large');
  }

  private checkCrc32(at: number, size: number, crcAt: number, field: string): void {
    if (this.r.u32(crcAt, field) !== crc32(this.r.slice(at, size, field)))
      this.r.fail(field, crcAt, 'does not match');
  }
}

function bigEndian16(r: ByteReader, at: number): number {
  return (r.u8(at, 'LZMA2 chunk size') << 8) | r.u8(at + 1, 'LZMA2 chunk size');
}
