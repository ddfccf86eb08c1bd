import {
  Z_DEFAULT_STRATEGY,
  Z_FINISH,
  Z_STREAM_END,
  ZStream,
  zlibDeflate,
  zlibDeflateInit2,
  zlibInflate,
  zlibInflateInit2,
} from 'pako';
import { Z_DEFLATED } from './constants.js';

const MEM_LEVEL = 8;

/** A stream from one buffer into another. */
function between(data: Uint8Array, out: Uint8Array<ArrayBuffer>): ZStream {
  const stream = new ZStream();
  stream.input = data;
  stream.avail_in = data.length;
  stream.output = out;
  stream.avail_out = out.length;
  return stream;
}

/** Raw DEFLATE at once; undefined where it is damaged, cut short or longer than `room`. */
export function inflateAll(data: Uint8Array, room: number, windowBits: number): Uint8Array | undefined {
  const stream = between(data, new Uint8Array(room));
  zlibInflateInit2(stream, -windowBits);
  if (zlibInflate(stream, Z_FINISH) !== Z_STREAM_END) return undefined;
  return stream.output.subarray(0, stream.total_out);
}

/** Makes raw DEFLATE at once; undefined where it would be longer than `room`. */
export function deflateAll(
  data: Uint8Array,
  room: number,
  level: number,
  windowBits: number,
): Uint8Array | undefined {
  const stream = between(data, new Uint8Array(room));
  zlibDeflateInit2(stream, level, Z_DEFLATED, -windowBits, MEM_LEVEL, Z_DEFAULT_STRATEGY);
  if (zlibDeflate(stream, Z_FINISH) !== Z_STREAM_END) return undefined;
  return stream.output.subarray(0, stream.total_out);
}
