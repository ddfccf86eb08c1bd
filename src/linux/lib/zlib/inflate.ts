import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../../kernel/errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DataError, Inflater } from './inflater.js';
import {
  Z_BUF_ERROR,
  Z_DATA_ERROR,
  Z_FINISH,
  Z_OK,
  Z_STREAM_END,
  Z_STREAM_ERROR,
  ZStream,
} from './z-stream.js';

const MIN_WINDOW_BITS = 8;
const MAX_WINDOW_BITS = 15;

interface Stream {
  readonly windowBits: number;
  readonly raw: boolean;
  inflater: Inflater;
}

/** Decompression of zlib streams (lib/zlib_inflate). */
export class ZlibInflate implements Subsystem {
  /** By struct z_stream. */
  private readonly streams = new Map<Ptr, Stream>();

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
    const bits = Math.abs(windowBits);
    if (bits < MIN_WINDOW_BITS || bits > MAX_WINDOW_BITS) return Z_STREAM_ERROR;
    const raw = windowBits < 0;
    this.streams.set(at, { windowBits: bits, raw, inflater: new Inflater(bits, raw) });
    new ZStream(this.k, at).reset();
    return Z_OK;
  }

  private reset(at: Ptr): number {
    const stream = this.streams.get(at);
    if (!stream) return Z_STREAM_ERROR;
    stream.inflater = new Inflater(stream.windowBits, stream.raw);
    new ZStream(this.k, at).reset();
    return Z_OK;
  }

  private inflate(at: Ptr, flush: number): number {
    const stream = this.streams.get(at);
    if (!stream) return Z_STREAM_ERROR;
    const { inflater } = stream;
    const z = new ZStream(this.k, at);
    const before = z.available + z.room;
    try {
      inflater.run(z);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      z.message = error.message;
      return Z_DATA_ERROR;
    }
    z.checksum = inflater.checksum;
    if (inflater.finished) return Z_STREAM_END;
    return z.available + z.room === before || flush === Z_FINISH ? Z_BUF_ERROR : Z_OK;
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

/** Raw DEFLATE at once; undefined where it is damaged, cut short or longer than `room`. */
export function inflateAll(data: Uint8Array, room: number, windowBits: number): Uint8Array | undefined {
  const inflater = new Inflater(windowBits, true);
  const plain = new Uint8Array(room);
  let taken = 0;
  let put = 0;
  const channel = {
    take: () => data[taken++],
    put: (byte: number) => {
      if (put === room) return false;
      plain[put++] = byte;
      return true;
    },
  };
  try {
    inflater.run(channel);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return undefined;
  }
  return inflater.finished ? plain.subarray(0, put) : undefined;
}
