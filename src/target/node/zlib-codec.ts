import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateRawSync,
  inflateRawSync,
} from 'node:zlib';
import type { Compressor, Decompressor, PackedChunk } from '../codec.js';

/** Unpacks the parts of a target with Node's zlib. */
export const nodeDecompressor: Decompressor = (codec, packed, size) => {
  // One buffer for all of it: zlib would else make hundreds of small ones and join them.
  const options = { chunkSize: Math.max(size, 64), maxOutputLength: Math.max(size, 1) };
  switch (codec) {
    case 'none':
      return packed;
    case 'deflate':
      return inflateRawSync(packed, options);
    case 'brotli':
      return brotliDecompressSync(packed, options);
  }
};

/** Fast both ways: for the cache. */
export const deflateCompressor: Compressor = (part) => [deflated(part, 6)];

/**
 * Small, and slow to make: for the bundled target. brotli makes a fifth less of everything than deflate, but the
 * records of BTF take it twice as long to unpack as all else together: they are deflated.
 */
export const bundleCompressor: Compressor = (part, name) => {
  if (name !== 'btf') return [brotli(part)];
  const strings = stringsOfBtf(part);
  return [deflated(part.subarray(0, strings), 9), brotli(part.subarray(strings))];
};

export function deflated(part: Uint8Array, level: number): PackedChunk {
  return { codec: 'deflate', size: part.length, packed: deflateRawSync(part, { level, memLevel: 9 }) };
}

function brotli(part: Uint8Array): PackedChunk {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: part.length,
  };
  return { codec: 'brotli', size: part.length, packed: brotliCompressSync(part, { params }) };
}

/** Where the string section begins: struct btf_header's hdr_len and str_off (Documentation/bpf/btf.rst). */
function stringsOfBtf(part: Uint8Array): number {
  const header = new DataView(part.buffer, part.byteOffset, part.byteLength);
  return header.getUint32(4, true) + header.getUint32(16, true);
}
