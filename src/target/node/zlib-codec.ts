import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateRawSync,
  inflateRawSync,
} from 'node:zlib';
import type { Compressor, Decompressor } from '../codec.js';

/** Unpacks the parts of a target with Node's zlib. */
export const nodeDecompressor: Decompressor = (codec, packed, size) => {
  switch (codec) {
    case 'none':
      return packed;
    case 'deflate':
      return inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
    case 'brotli':
      return brotliDecompressSync(packed, { maxOutputLength: Math.max(size, 1) });
  }
};

/** As small as it gets, and slow to make: for the bundled target. */
export const brotliCompressor: Compressor = (part) => {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: part.length,
  };
  return { codec: 'brotli', packed: brotliCompressSync(part, { params }) };
};

/** Fast both ways: for the cache. */
export const deflateCompressor: Compressor = (part) => ({
  codec: 'deflate',
  packed: deflateRawSync(part, { level: 6 }),
});
