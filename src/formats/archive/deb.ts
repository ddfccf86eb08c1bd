import { unpack } from '../compressed/unpack.js';
import { isXz, xzBlocks } from '../compressed/xz.js';
import { FormatError } from '../format-error.js';
import { isAr, parseAr } from './ar.js';
import { type TarEntry, tarEntries } from './tar.js';

export function isDeb(bytes: Uint8Array): boolean {
  return isAr(bytes);
}

export interface DebOptions {
  /** Called now and then with how much of the package has been read. */
  readonly progress?: (done: number, total: number) => void;
}

/**
 * The files of a Debian package (deb(5)): an ar archive whose data.tar may be packed with xz, zstd or gzip.
 * Content is kept of those files only that `wanted` names; nothing is written anywhere.
 */
export function* debFiles(
  bytes: Uint8Array,
  file: string,
  wanted: (path: string, size: number) => boolean,
  options: DebOptions = {},
): Generator<TarEntry> {
  const data = parseAr(bytes, file).find((member) => member.name.startsWith('data.tar'));
  if (data === undefined) throw new FormatError(file, 'ar members', 0, 'no data.tar: not a Debian package');
  const label = `${file}: ${data.name}`;
  yield* tarEntries(pieces(data.data, label, options), label, wanted);
}

function* pieces(data: Uint8Array, label: string, options: DebOptions): Generator<Uint8Array> {
  if (!isXz(data)) {
    yield unpack(data, label);
    return;
  }
  for (const block of xzBlocks(data, label)) {
    options.progress?.(block.at, data.length);
    yield block.data;
  }
}
