import { S_IFMT } from '../../files/mode.js';
import { compressionOf, unpack } from '../compressed/unpack.js';
import { FormatError } from '../format-error.js';
import { decodeUtf8 } from '../string-table.js';

/** One entry of a cpio archive (cpio(5), the "new ASCII" format of initramfs images). */
interface CpioEntry {
  /** Without a leading `./` or `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  /** st_mode. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Where a link leads. */
  readonly link: string;
  readonly data: Uint8Array;
}

const HEADER = 110;
const END = 'TRAILER!!!';
const TYPES: ReadonlyMap<number, CpioEntry['type']> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
]);
/** No initramfs is larger. */
const MAX_IMAGE = 2 ** 31 - 1;

export function isCpio(bytes: Uint8Array): boolean {
  const magic = decodeUtf8(bytes.subarray(0, 6));
  return magic === '070701' || magic === '070702';
}

/**
 * The entries of an initramfs image as the kernel unpacks it: one archive behind the other, with zeros between them, each
 * packed or not (Documentation/driver-api/early-userspace/buffer-format.rst). A later entry of a path counts.
 */
export function* initramfsEntries(image: Uint8Array, file: string): Generator<CpioEntry> {
  for (let rest = withoutZeros(image); rest.length > 0; ) {
    if (isCpio(rest)) {
      rest = withoutZeros(rest.subarray(yield* entriesOf(rest, file)));
      continue;
    }
    if (compressionOf(rest) === 'none')
      throw new FormatError(
        file,
        'magic',
        image.length - rest.length,
        'neither a cpio archive nor a packed one',
      );
    // What is packed goes on to the end of the image.
    yield* initramfsEntries(unpack(rest, file, MAX_IMAGE), file);
    return;
  }
}

/** The entries of one archive; the result is where it ends. */
function* entriesOf(bytes: Uint8Array, file: string): Generator<CpioEntry, number> {
  /** Files with several names have their content at the last of them. */
  const linked = new Map<string, CpioEntry[]>();
  for (let at = 0; at < bytes.length; ) {
    const field = (index: number): number => hexAt(bytes, at + 6 + index * 8, file);
    const [inode, mode, , , links, mtime, size, major, minor] = Array.from({ length: 9 }, (_, i) => field(i));
    const nameSize = field(11);
    const dataAt = align(at + HEADER + nameSize);
    if (dataAt + size > bytes.length)
      throw new FormatError(file, 'c_filesize', at + 54, `${size} bytes go past the end of the archive`);
    const name = decodeUtf8(bytes.subarray(at + HEADER, at + HEADER + nameSize - 1));
    const next = align(dataAt + size);
    if (name === END) return next;
    const data = bytes.subarray(dataAt, dataAt + size);
    const type = TYPES.get(mode & S_IFMT) ?? 'other';
    const entry: CpioEntry = {
      path: name.replace(/^(\.?\/)+/, ''),
      type,
      mode,
      mtime,
      link: type === 'symlink' ? decodeUtf8(data) : '',
      data,
    };
    if (type === 'file' && links > 1) {
      const key = `${major}:${minor}:${inode}`;
      const same = [...(linked.get(key) ?? []), entry];
      linked.set(key, same);
      if (size > 0) yield* same.map((other) => ({ ...other, data }));
    } else yield entry;
    at = next;
  }
  return bytes.length;
}

function align(at: number): number {
  return (at + 3) & ~3;
}

function hexAt(bytes: Uint8Array, at: number, file: string): number {
  const text = decodeUtf8(bytes.subarray(at, at + 8));
  if (!/^[0-9a-fA-F]{8}$/.test(text))
    throw new FormatError(file, 'cpio header', at, `'${text}' is no number`);
  return Number.parseInt(text, 16);
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  let at = 0;
  while (at < bytes.length && bytes[at] === 0) at++;
  return bytes.subarray(at);
}
