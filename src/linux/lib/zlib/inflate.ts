import { Z_OK, Z_STREAM_ERROR, zlibInflate, zlibInflateInit2, zlibInflateReset } from 'pako';
import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { inflateAll } from './at-once.js';
import { MAX_WINDOW_BITS } from './constants.js';
import { ZStreams } from './z-streams.js';

const MIN_INFLATE_BITS = 8;

/** Decompression of zlib streams (lib/zlib_inflate). */
export class ZlibInflate implements Subsystem {
  private readonly streams: ZStreams;

  constructor(private readonly k: LinuxKernel) {
    this.streams = new ZStreams(k);
  }

  readonly exports = {
    zlib_inflate_workspacesize: () => this.k.sizeOf('inflate_workspace'),
    zlib_inflateInit2: (stream: Ptr, windowBits: number) => this.init(stream, windowBits),
    zlib_inflateReset: (stream: Ptr) => this.streams.reset(stream, zlibInflateReset),
    zlib_inflateEnd: (stream: Ptr) => this.streams.end(stream, () => Z_OK),
    zlib_inflate: (stream: Ptr, flush: number) => this.streams.run(stream, flush, zlibInflate),
    zlib_inflate_blob: (out: Ptr, room: number, data: Ptr, length: number) =>
      this.blob(out, room, data, length),
  };

  private init(at: Ptr, windowBits: number): number {
    // The kernel's has no gzip, which more bits would stand for.
    if (windowBits > MAX_WINDOW_BITS || Math.abs(windowBits) < MIN_INFLATE_BITS) return Z_STREAM_ERROR;
    return this.streams.begin(at, (zlib) => zlibInflateInit2(zlib, windowBits));
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
