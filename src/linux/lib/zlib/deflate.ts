import {
  Z_STREAM_ERROR,
  type Z_Strategy,
  zlibDeflate,
  zlibDeflateEnd,
  zlibDeflateInit2,
  zlibDeflateReset,
} from 'pako';
import type { Ptr } from '../../../cpu/layout.js';
import { constant } from '../../../kernel/abi/fidelity.js';
import { Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { MAX_WINDOW_BITS, Z_DEFLATED } from './constants.js';
import { ZStreams } from './z-streams.js';

const MAX_LEVEL = 9;
const MIN_WINDOW_BITS = 9;
const MAX_MEM_LEVEL = 9;
const Z_HUFFMAN_ONLY = 2;

/** Compression to zlib streams (lib/zlib_deflate). */
export class ZlibDeflate implements Subsystem {
  private readonly streams: ZStreams;

  constructor(private readonly k: LinuxKernel) {
    this.streams = new ZStreams(k);
  }

  readonly exports = {
    zlib_deflate_workspacesize: (windowBits: number, memLevel: number) =>
      this.workspaceBytes(Math.abs(windowBits), memLevel),
    zlib_deflate_dfltcc_enabled: constant(0),
    zlib_deflateInit2: (
      stream: Ptr,
      level: number,
      method: number,
      windowBits: number,
      memLevel: number,
      strategy: number,
    ) => this.init(stream, level, method, windowBits, memLevel, strategy),
    zlib_deflateReset: (stream: Ptr) => this.streams.reset(stream, zlibDeflateReset),
    zlib_deflate: (stream: Ptr, flush: number) => this.streams.run(stream, flush, zlibDeflate),
    // Z_DATA_ERROR if what was written was not finished.
    zlib_deflateEnd: (stream: Ptr) => this.streams.end(stream, zlibDeflateEnd),
  };

  /** What a caller has to set aside: the state, two windows, chains and heads of hashes, pending symbols. */
  private workspaceBytes(windowBits: number, memLevel: number): number {
    if (
      windowBits < MIN_WINDOW_BITS ||
      windowBits > MAX_WINDOW_BITS ||
      memLevel < 1 ||
      memLevel > MAX_MEM_LEVEL
    )
      throw new Oops('bug', 'kernel BUG at lib/zlib_deflate/deflate.c!');
    const window = 2 ** windowBits;
    const hashes = 2 ** (memLevel + 7);
    const symbols = 2 ** (memLevel + 6);
    return this.k.sizeOf('deflate_workspace') + 2 * window + 2 * window + 2 * hashes + 4 * symbols;
  }

  private init(
    at: Ptr,
    level: number,
    method: number,
    windowBits: number,
    memLevel: number,
    strategy: number,
  ): number {
    // The kernel's has neither gzip, which more bits would stand for, nor the strategies that came later.
    const bits = Math.abs(windowBits);
    if (method !== Z_DEFLATED || bits < MIN_WINDOW_BITS || bits > MAX_WINDOW_BITS) return Z_STREAM_ERROR;
    if (memLevel < 1 || memLevel > MAX_MEM_LEVEL || level < -1 || level > MAX_LEVEL) return Z_STREAM_ERROR;
    if (strategy < 0 || strategy > Z_HUFFMAN_ONLY) return Z_STREAM_ERROR;
    return this.streams.begin(at, (zlib) =>
      zlibDeflateInit2(zlib, level, method, windowBits, memLevel, strategy as Z_Strategy),
    );
  }
}
