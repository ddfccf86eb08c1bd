import type { Ptr } from '../../../cpu/layout.js';
import { Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Deflater } from './deflater.js';
import {
  Z_BUF_ERROR,
  Z_DATA_ERROR,
  Z_FINISH,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  Z_STREAM_ERROR,
  ZStream,
} from './z-stream.js';

const Z_DEFLATED = 8;
const MAX_LEVEL = 9;
const MIN_WINDOW_BITS = 9;
const MAX_WINDOW_BITS = 15;
const MAX_MEM_LEVEL = 9;

interface Stream {
  readonly level: number;
  readonly windowBits: number;
  readonly raw: boolean;
  deflater: Deflater;
  started: boolean;
}

/** Compression to zlib streams (lib/zlib_deflate). */
export class ZlibDeflate implements Subsystem {
  /** By struct z_stream. */
  private readonly streams = new Map<Ptr, Stream>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    zlib_deflate_workspacesize: (windowBits: number, memLevel: number) =>
      this.workspaceBytes(Math.abs(windowBits), memLevel),
    zlib_deflate_dfltcc_enabled: () => 0,
    zlib_deflateInit2: (stream: Ptr, level: number, method: number, windowBits: number, memLevel: number) =>
      this.init(stream, level, method, windowBits, memLevel),
    zlib_deflateReset: (stream: Ptr) => this.reset(stream),
    zlib_deflate: (stream: Ptr, flush: number) => this.deflate(stream, flush),
    zlib_deflateEnd: (stream: Ptr) => this.end(stream),
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

  private init(at: Ptr, level: number, method: number, windowBits: number, memLevel: number): number {
    const bits = Math.abs(windowBits);
    if (method !== Z_DEFLATED || bits < MIN_WINDOW_BITS || bits > MAX_WINDOW_BITS) return Z_STREAM_ERROR;
    if (memLevel < 1 || memLevel > MAX_MEM_LEVEL || level < -1 || level > MAX_LEVEL) return Z_STREAM_ERROR;
    const raw = windowBits < 0;
    const deflater = new Deflater(level, bits, raw);
    this.streams.set(at, { level, windowBits: bits, raw, deflater, started: false });
    new ZStream(this.k, at).reset();
    return Z_OK;
  }

  private reset(at: Ptr): number {
    const stream = this.streams.get(at);
    if (!stream) return Z_STREAM_ERROR;
    stream.deflater = new Deflater(stream.level, stream.windowBits, stream.raw);
    stream.started = false;
    new ZStream(this.k, at).reset();
    return Z_OK;
  }

  private deflate(at: Ptr, flush: number): number {
    const stream = this.streams.get(at);
    if (!stream) return Z_STREAM_ERROR;
    const { deflater } = stream;
    const z = new ZStream(this.k, at);
    if (deflater.finished && (flush !== Z_FINISH || z.available > 0)) return Z_STREAM_ERROR;
    if (z.room === 0) return Z_BUF_ERROR;
    const before = z.available + z.room;
    stream.started = true;
    deflater.write(z.takeAll());
    if (flush === Z_FINISH) deflater.finish();
    else if (flush !== Z_NO_FLUSH) deflater.flush();
    while (!deflater.isEmpty && z.room > 0) z.putAll(deflater.read(z.room));
    if (!stream.raw) z.checksum = deflater.checksum;
    if (flush === Z_FINISH) return deflater.isEmpty ? Z_STREAM_END : Z_OK;
    return z.available + z.room === before ? Z_BUF_ERROR : Z_OK;
  }

  /** Z_DATA_ERROR if what was written was not finished. */
  private end(at: Ptr): number {
    const stream = this.streams.get(at);
    if (!stream) return Z_STREAM_ERROR;
    this.streams.delete(at);
    return stream.started && !stream.deflater.finished ? Z_DATA_ERROR : Z_OK;
  }
}
