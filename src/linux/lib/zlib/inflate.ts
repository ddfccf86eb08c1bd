import { Z_OK, Z_STREAM_ERROR, zlibInflate, zlibInflateInit2, zlibInflateReset } from 'pako';
import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../../kernel/errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { inflateAll } from './at-once.js';
import { flushMode } from './flush.js';
import { ZStream } from './z-stream.js';

const MIN_WINDOW_BITS = 8;
const MAX_WINDOW_BITS = 15;

/** Decompression of zlib streams (lib/zlib_inflate). */
export class ZlibInflate implements Subsystem {
  /** By struct z_stream. */
  private readonly streams = new Map<Ptr, ZStream>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    zlib_inflate_workspacesize: () => this.k.sizeOf('inflate_workspace'),
    zlib_inflateInit2: (stream: Ptr, windowBits: number) => this.init(stream, windowBits),
    zlib_inflateReset: (stream: Ptr) => this.reset(stream),
    zlib_inflateEnd: (stream: Ptr) => (this.streams.delete(stream) ? Z_OK : Z_STREAM_ERROR),
    zlib_inflate: (stream: Ptr, flush: number) => this.inflate(stream, flush),
    zlib_inflate_blob: (out: Ptr, room: number, data: Ptr, length: number) =>
      this.blob(out, room, data, length),
  };

  private init(at: Ptr, windowBits: number): number {
    // The kernel's has no gzip, which more bits would stand for.
    if (windowBits > MAX_WINDOW_BITS || Math.abs(windowBits) < MIN_WINDOW_BITS) return Z_STREAM_ERROR;
    const stream = new ZStream(this.k, at);
    const result = zlibInflateInit2(stream.zlib, windowBits);
    if (result !== Z_OK) return result;
    this.streams.set(at, stream);
    stream.begin();
    return Z_OK;
  }

  private reset(at: Ptr): number {
    const stream = this.streams.get(at);
    if (!stream) return Z_STREAM_ERROR;
    const result = zlibInflateReset(stream.zlib);
    stream.begin();
    return result;
  }

  private inflate(at: Ptr, flush: number): number {
    const stream = this.streams.get(at);
    const mode = flushMode(flush);
    if (!stream || mode === undefined) return Z_STREAM_ERROR;
    return stream.run((zlib) => zlibInflate(zlib, mode));
  }

  /** Raw DEFLATE from one buffer into another: the length, or -EINVAL. */
  private blob(out: Ptr, room: number, data: Ptr, length: number): number {
    const { space } = this.k;
    const plain = inflateAll(space.readable(data, length), room, MAX_WINDOW_BITS);
    if (plain === undefined) return -EINVAL;
    space.writable(out, plain.length).set(plain);
    return plain.length;
  }
}
