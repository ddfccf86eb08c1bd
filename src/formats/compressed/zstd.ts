import { Decompress, decompress } from 'fzstd';
import { ByteReader } from '../byte-reader.js';
import { FormatError, hex } from '../format-error.js';
import { OutputBuffer } from './output-buffer.js';

const MAGIC = 0xfd2fb528;
/** The largest window that zstd's highest level for kernels (22) makes. */
const MAX_WINDOW = 0x8000000;
const STEP = 0x10000;

export function isZstd(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new ByteReader(bytes, '').u32(0, 'magic') === MAGIC;
}

/**
 * Unpacks a Zstandard file (RFC 8878). Where `expected`, the exact size, is known it unpacks in place, which is
 * several times faster than piece by piece.
 */
export function decompressZstd(
  bytes: Uint8Array,
  file: string,
  expected?: number,
  maximum?: number,
): Uint8Array {
  const r = new ByteReader(bytes, file);
  const contentSize = checkFrameHeader(r);
  if (expected !== undefined && expected > 0) return inPlace(r, expected);
  const out = new OutputBuffer(file, contentSize ?? bytes.length * 4, maximum);
  let ended = false;
  const stream = new Decompress((chunk, final) => {
    out.reserve(chunk.length);
    out.bytes.set(chunk, out.length);
    out.length += chunk.length;
    ended ||= final === true;
  });
  for (let at = 0; at < bytes.length; at += STEP) {
    guard(r, at, () => stream.push(bytes.subarray(at, at + STEP), at + STEP >= bytes.length));
  }
  if (!ended) r.fail('zstd data', bytes.length, 'the file ends early');
  return out.finish();
}

function inPlace(r: ByteReader, expected: number): Uint8Array {
  const out = new Uint8Array(expected);
  const result = guard(r, 0, () => decompress(r.bytes, out));
  if (result.length !== expected)
    r.fail('zstd data', 0, `unpacks to ${result.length} bytes, should be ${expected}`);
  return result;
}

/** What the library throws is about the data. */
function guard<T>(r: ByteReader, at: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof FormatError) throw error;
    return r.fail('zstd data', at, error instanceof Error ? error.message : String(error));
  }
}

/** RFC 8878, 3.1.1.1: refuses windows that would make the decoder allocate gigabytes. Returns the content size where the header must tell it. */
function checkFrameHeader(r: ByteReader): number | undefined {
  if (r.u32(0, 'Magic_Number') !== MAGIC) r.fail('Magic_Number', 0, 'not a Zstandard frame');
  const descriptor = r.u8(4, 'Frame_Header_Descriptor');
  const singleSegment = (descriptor & 0x20) !== 0;
  if (!singleSegment) {
    const window = r.u8(5, 'Window_Descriptor');
    const base = 2 ** (10 + (window >>> 3));
    const size = base + (base / 8) * (window & 7);
    if (size > MAX_WINDOW)
      r.fail('Window_Descriptor', 5, `window of ${hex(size)} bytes, at most ${hex(MAX_WINDOW)}`);
    return undefined;
  }
  const sizeAt = 5 + [0, 1, 2, 4][descriptor & 3];
  const flag = descriptor >>> 6;
  const size =
    flag === 0
      ? r.u8(sizeAt, 'Frame_Content_Size')
      : flag === 1
        ? r.u16(sizeAt, 'Frame_Content_Size') + 256
        : flag === 2
          ? r.u32(sizeAt, 'Frame_Content_Size')
          : r.size64(sizeAt, 'Frame_Content_Size');
  if (size > MAX_WINDOW)
    r.fail('Frame_Content_Size', sizeAt, `window of ${hex(size)} bytes, at most ${hex(MAX_WINDOW)}`);
  return size;
}
