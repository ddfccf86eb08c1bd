import { ByteReader } from '../byte-reader.js';
import { OutputBuffer } from './output-buffer.js';

/** `lz4 -l`, the format of kernels and initrds (lz4_Frame_format.md, "Legacy frame"). */
const LEGACY_MAGIC = 0x184c2102;
/** A legacy block unpacks to at most this. */
const BLOCK_SIZE = 8 << 20;

export function isLz4Legacy(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new ByteReader(bytes, '').u32(0, 'magic') === LEGACY_MAGIC;
}

/**
 * Unpacks a legacy LZ4 frame. Linux appends the four bytes of the unpacked size to a bzImage's payload, and
 * they look like a block's size: a block that runs past the end of the data ends the frame.
 */
export function decompressLz4Legacy(
  bytes: Uint8Array,
  file: string,
  expected: number,
  maximum?: number,
): Uint8Array {
  const r = new ByteReader(bytes, file);
  if (r.u32(0, 'magic') !== LEGACY_MAGIC) r.fail('magic', 0, 'not a legacy LZ4 frame');
  const out = new OutputBuffer(file, expected, maximum);
  for (let at = 4; at + 4 <= bytes.length; ) {
    const size = r.u32(at, 'block size');
    if (size === LEGACY_MAGIC) {
      at += 4;
      continue;
    }
    if (at + 4 === bytes.length && out.length > 0) break;
    decodeBlock(r, at + 4, r.slice(at + 4, size, 'block size', at), out);
    at += 4 + size;
  }
  return out.finish();
}

/** One block (lz4_Block_format.md): literals and matches within the block. */
function decodeBlock(r: ByteReader, blockAt: number, block: Uint8Array, out: OutputBuffer): void {
  const start = out.length;
  const fail = (at: number, detail: string): never => r.fail('LZ4 block', blockAt + at, detail);
  let at = 0;
  const extended = (nibble: number): number => {
    let length = nibble;
    if (nibble === 15) {
      let byte: number;
      do {
        if (at >= block.length) fail(at, 'ends within a length');
        byte = block[at++];
        length += byte;
      } while (byte === 255);
    }
    return length;
  };
  while (at < block.length) {
    const token = block[at++];
    const literals = extended(token >>> 4);
    if (at + literals > block.length) fail(at, 'literals run past the end of the block');
    out.reserve(literals);
    out.bytes.set(block.subarray(at, at + literals), out.length);
    out.length += literals;
    at += literals;
    if (at === block.length) break;
    if (at + 2 > block.length) fail(at, 'ends within an offset');
    const distance = block[at] | (block[at + 1] << 8);
    at += 2;
    const length = extended(token & 15) + 4;
    if (distance === 0 || distance > out.length - start)
      fail(at - 2, `distance ${distance} beyond the start`);
    if (out.length + length - start > BLOCK_SIZE) fail(at, 'unpacks to more than 8 MiB');
    out.reserve(length);
    const { bytes } = out;
    for (let i = 0; i < length; i++, out.length++) bytes[out.length] = bytes[out.length - distance];
  }
}
