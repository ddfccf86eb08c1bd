import type { Ptr } from '../../../cpu/layout.js';
import { decompressZstd, isZstd, zstdFrameLength } from '../../../formats/compressed/zstd/zstd.js';
import { FormatError } from '../../../formats/format-error.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { ZstdErrors } from './zstd-errors.js';

const BLOCK_MAX = 128 * 1024;
/** What copies may write beyond the end (WILDCOPY_OVERLENGTH, twice). */
const OVERLENGTH = 64;
/** Bytes of a block's header: the least that is asked for next. */
const BLOCK_HEADER = 3;
const ALIGNMENT = 8;

interface Stream {
  /** Compressed bytes of a frame that is not complete. */
  input: Uint8Array;
  /** Plain bytes that nobody took yet. */
  output: Uint8Array;
}

/**
 * Decompression of Zstandard frames without dictionaries (lib/zstd, RFC 8878). A stream is unpacked a frame at a time:
 * nothing comes out until all of a frame went in.
 */
export class ZstdDecompress implements Subsystem {
  private readonly streams = new Map<Ptr, Stream>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    zstd_dctx_workspace_bound: () => this.contextBytes,
    zstd_dstream_workspace_bound: (window: number) => {
      const block = Math.min(window, BLOCK_MAX);
      return this.contextBytes + block + window + block + OVERLENGTH;
    },
    zstd_init_dctx: (workspace: Ptr, size: number) => this.place(workspace, size),
    zstd_decompress_dctx: (_context: Ptr, out: Ptr, room: number, data: Ptr, length: number) =>
      this.decompress(out, room, data, length),
    zstd_init_dstream: (_window: number, workspace: Ptr, size: number) => {
      const stream = this.place(workspace, size);
      if (stream !== 0) this.reset(stream);
      return stream;
    },
    zstd_reset_dstream: (stream: Ptr) => {
      this.reset(stream);
      return 0;
    },
    zstd_decompress_stream: (stream: Ptr, out: Ptr, input: Ptr) => this.stream(stream, out, input),
    zstd_find_frame_compressed_size: (data: Ptr, length: number) => this.frameLength(data, length),
  };

  private get contextBytes(): number {
    return this.k.sizeOf('ZSTD_DCtx_s');
  }

  /** A context is at the beginning of the memory that it is given, if it fits. */
  private place(workspace: Ptr, size: number): Ptr {
    return workspace % ALIGNMENT === 0 && size >= this.contextBytes ? workspace : 0;
  }

  private reset(stream: Ptr): void {
    this.streams.set(stream, { input: new Uint8Array(0), output: new Uint8Array(0) });
  }

  private decompress(out: Ptr, room: number, data: Ptr, length: number): number {
    const { space } = this.k;
    const plain = this.unpack(space.readable(data, length));
    if (typeof plain === 'number') return plain;
    if (plain.length > room) return this.k.get(ZstdErrors).result('dstSize_tooSmall');
    space.writable(out, plain.length).set(plain);
    return plain.length;
  }

  /** Whole frames; a negative result for what is damaged. */
  private unpack(bytes: Uint8Array): Uint8Array | number {
    const errors = this.k.get(ZstdErrors);
    if (bytes.length === 0) return new Uint8Array(0);
    if (bytes.length < 4) return errors.result('srcSize_wrong');
    if (!isZstd(bytes)) return errors.result('prefix_unknown');
    try {
      return decompressZstd(bytes.slice(), 'zstd');
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return errors.result('corruption_detected');
    }
  }

  private frameLength(data: Ptr, length: number): number {
    const end = this.lengthOf(this.k.space.readable(data, length));
    return end ?? this.k.get(ZstdErrors).result('srcSize_wrong');
  }

  /** Negative for what is no frame, undefined for a part of one. */
  private lengthOf(bytes: Uint8Array): number | undefined {
    try {
      return zstdFrameLength(bytes, 'zstd');
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return this.k.get(ZstdErrors).result('prefix_unknown');
    }
  }

  /** 0 at the end of a frame that was taken whole; else how many bytes would be of use next. */
  private stream(at: Ptr, out: Ptr, input: Ptr): number {
    const { k } = this;
    const stream = this.streams.get(at);
    if (!stream) return k.get(ZstdErrors).result('GENERIC');
    const source = k.struct('ZSTD_inBuffer_s');
    if (stream.output.length === 0) {
      const [from, pos, size] = ['src', 'pos', 'size'].map((member) => source.get(input, member));
      const before = stream.input.length;
      const joined = new Uint8Array(before + size - pos);
      joined.set(stream.input);
      joined.set(k.space.readable(from + pos, size - pos), before);
      const end = this.lengthOf(joined);
      if (end !== undefined && end < 0) return end;
      source.set(input, 'pos', end === undefined ? size : pos + end - before);
      stream.input = end === undefined ? joined : new Uint8Array(0);
      if (end === undefined) return BLOCK_HEADER;
      const plain = this.unpack(joined.subarray(0, end));
      if (typeof plain === 'number') return plain;
      stream.output = plain;
    }
    return this.drain(stream, out);
  }

  private drain(stream: Stream, out: Ptr): number {
    const { k } = this;
    const type = k.struct('ZSTD_outBuffer_s');
    const [to, pos, size] = ['dst', 'pos', 'size'].map((member) => type.get(out, member));
    const taken = stream.output.subarray(0, size - pos);
    k.space.writable(to + pos, taken.length).set(taken);
    type.set(out, 'pos', pos + taken.length);
    stream.output = stream.output.subarray(taken.length);
    return stream.output.length;
  }
}
