import { type Z_FlushMode, Z_OK, Z_STREAM_ERROR, type ZStream as ZlibStream } from 'pako';
import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import { flushMode } from './flush.js';
import { ZStream } from './z-stream.js';

/** The streams that are open in one direction, by the struct z_stream of their callers. Results are zlib's. */
export class ZStreams {
  private readonly open = new Map<Ptr, ZStream>();

  constructor(private readonly k: LinuxKernel) {}

  /** `init` is zlib's, with its parameters. */
  begin(at: Ptr, init: (zlib: ZlibStream) => number): number {
    const stream = new ZStream(this.k, at);
    const result = init(stream.zlib);
    if (result !== Z_OK) return result;
    this.open.set(at, stream);
    stream.begin();
    return Z_OK;
  }

  reset(at: Ptr, reset: (zlib: ZlibStream) => number): number {
    const stream = this.open.get(at);
    if (!stream) return Z_STREAM_ERROR;
    const result = reset(stream.zlib);
    stream.begin();
    return result;
  }

  /** `flush` is the kernel's number of a mode: see flush.ts. */
  run(at: Ptr, flush: number, step: (zlib: ZlibStream, mode: Z_FlushMode) => number): number {
    const stream = this.open.get(at);
    const mode = flushMode(flush);
    if (!stream || mode === undefined) return Z_STREAM_ERROR;
    return stream.run((zlib) => step(zlib, mode));
  }

  end(at: Ptr, end: (zlib: ZlibStream) => number): number {
    const stream = this.open.get(at);
    if (!stream) return Z_STREAM_ERROR;
    this.open.delete(at);
    return end(stream.zlib);
  }
}
