import { type FileSource, infoOf } from '../files/file-source.js';
import { type Compression, compressionOf, unpack } from '../formats/compressed/unpack.js';
import { FormatError } from '../formats/format-error.js';
import { EACCES, EINVAL, EISDIR, ENOENT } from '../linux/errno.js';
import { KmodElf } from './kmod-elf.js';
import { KmodError, type LibkmodComplaint } from './kmod-error.js';

/** How much of a file libkmod wants to see of it, whatever it is. */
const LEAST_BYTES = 6;

/**
 * A module's file, unpacked where it is packed. Throws KmodError, with libkmod's error number, where it cannot be
 * read, unpacked, or is no ELF file. `shown` is what to call it in errors.
 */
export function openModule(files: FileSource, path: string, shown = path): KmodElf {
  const packed = files.read(path);
  if (!packed) throw unreadable(files, path, shown);
  return moduleOf(packed, shown);
}

/** The same of a file that is in memory. */
export function moduleOf(packed: Uint8Array, file: string): KmodElf {
  if (packed.length < LEAST_BYTES) throw new KmodError(EINVAL, file, packed.length, 'the file ends early');
  return KmodElf.open(unpacked(packed, file), file);
}

function unreadable(files: FileSource, path: string, shown: string): KmodError {
  const info = infoOf(files, path);
  if (!info) return new KmodError(ENOENT, shown, undefined, 'there is no such file');
  if (files.list(path)) return new KmodError(EISDIR, shown, undefined, 'this is a directory');
  return info.kind === 'symlink'
    ? new KmodError(ENOENT, shown, undefined, 'a symbolic link that leads nowhere')
    : new KmodError(EACCES, shown, undefined, 'the file cannot be read');
}

function unpacked(packed: Uint8Array, file: string): Uint8Array {
  const compression = compressionOf(packed);
  if (compression === 'none') return packed;
  if (compression === 'zstd' && !tellsItsSize(packed)) {
    const text = 'zstd: Failed to determine decompression size';
    throw new KmodError(EINVAL, file, 4, 'the frame does not say how large its content is', {
      where: 'kmod_file_load_zstd',
      text,
    });
  }
  try {
    return unpack(packed, file);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const { offset, field, detail } = error;
    throw new KmodError(EINVAL, file, offset, `${field}: ${detail}`, complaintOf(compression, error));
  }
}

/**
 * Whether a zstd frame says how large its content is, and that it has any (RFC 8878, section 3.1.1.1): libkmod takes no
 * other, such as `zstd -c < FILE` makes them.
 */
function tellsItsSize(packed: Uint8Array): boolean {
  const descriptor = packed[4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const bytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const at = 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  return packed.subarray(at, at + bytes).some((byte) => byte !== 0) || bytes === 2;
}

/** What libkmod's log says of damage that its unpacking libraries found, in their words. */
function complaintOf(
  compression: Exclude<Compression, 'none'>,
  { field, detail, offset }: FormatError,
): LibkmodComplaint | undefined {
  const early = /past the end|ends early|unexpected EOF/.test(detail);
  switch (compression) {
    case 'xz':
      return { where: 'xz_uncompress_belch', text: `xz: ${xzWords(detail, early)}` };
    case 'zstd':
      return { where: 'kmod_file_load_zstd', text: `zstd: ${zstdWords(field, offset, early)}` };
    case 'gzip':
      // Zlib gives what it has of a file that ends early, and what is missing is noticed later.
      return early
        ? undefined
        : { where: 'kmod_file_load_zlib', text: `gzip: <fd:4>: ${gzipWords(field, detail)}` };
  }
}

function xzWords(detail: string, early: boolean): string {
  if (early) return 'Unexpected end of input';
  return detail.includes('not supported') ? 'Unsupported compression options' : 'File is corrupt';
}

function zstdWords(field: string, offset: number, early: boolean): string {
  // What follows the last frame is taken for the start of another one.
  if (early || (field === 'Magic_Number' && offset > 0)) return 'Src size is incorrect';
  return field.startsWith('Frame') ? 'Failed to determine decompression size' : 'Data corruption detected';
}

function gzipWords(field: string, detail: string): string {
  if (field === 'CRC32') return 'incorrect data check';
  return detail === 'invalid gzip data' ? 'unknown compression method' : detail;
}
