import { decompressGzip, isGzip } from './gzip.js';
import { decompressXz, isXz } from './xz.js';
import { decompressZstd, isZstd } from './zstd/zstd.js';

export type Compression = 'none' | 'gzip' | 'xz' | 'zstd';

/** What a file is packed with, by its first bytes: names are not to be relied on. */
export function compressionOf(bytes: Uint8Array): Compression {
  if (isXz(bytes)) return 'xz';
  if (isGzip(bytes)) return 'gzip';
  if (isZstd(bytes)) return 'zstd';
  return 'none';
}

/** A module (or any file) as it is without the compression that it may have; `maximum` limits the result. */
export function unpack(bytes: Uint8Array, file: string, maximum?: number): Uint8Array {
  switch (compressionOf(bytes)) {
    case 'xz':
      return decompressXz(bytes, file, maximum);
    case 'gzip':
      return decompressGzip(bytes, file, maximum);
    case 'zstd':
      return decompressZstd(bytes, file, undefined, maximum);
    case 'none':
      return bytes;
  }
}
