import { decompressGzip, isGzip } from './compressed/gzip.js';
import { compressionOf } from './compressed/unpack.js';

interface Kind {
  readonly at: number;
  readonly magic: readonly number[] | string;
  readonly name: string;
}

/** First bytes of files that people take for a kernel, a package or an image; file(1) knows them too. */
const KINDS: readonly Kind[] = [
  { at: 0, magic: [0xed, 0xab, 0xee, 0xdb], name: 'an RPM package' },
  { at: 0, magic: '!<arch>\n', name: 'a Debian package or another ar archive' },
  { at: 0, magic: '070701', name: 'a cpio archive' },
  { at: 0, magic: '070702', name: 'a cpio archive' },
  { at: 0, magic: '070707', name: 'a cpio archive' },
  { at: 0, magic: [0xc7, 0x71], name: 'a cpio archive' },
  { at: 257, magic: 'ustar', name: 'a tar archive' },
  { at: 0, magic: 'PK\u0003\u0004', name: 'a zip archive' },
  { at: 0, magic: 'hsqs', name: 'a squashfs image' },
  { at: 0x8001, magic: 'CD001', name: 'an ISO 9660 image' },
  { at: 0x438, magic: [0x53, 0xef], name: 'an ext4 image' },
  { at: 0, magic: 'QFI\u00fb', name: 'a qcow2 disk image' },
  { at: 0, magic: [0x27, 0x05, 0x19, 0x56], name: 'a U-Boot image' },
  { at: 0x38, magic: 'ARM\u0064', name: 'a kernel image for arm64' },
  { at: 0x30, magic: 'RISCV', name: 'a kernel image for RISC-V' },
  { at: 0x202, magic: 'HdrS', name: 'a bzImage (vmlinuz)' },
  { at: 0, magic: [0x7f, 0x45, 0x4c, 0x46], name: 'an ELF file' },
  { at: 0, magic: 'MZ', name: 'a program for EFI or Windows' },
  { at: 0, magic: [0x9f, 0xeb, 0x01], name: 'bare BTF' },
  { at: 0, magic: 'BZh', name: 'a file packed with bzip2' },
];

/** How much of a packed file is unpacked to see what is in it. */
const LOOK = 1 << 20;

/** What a file is, in words, by what is in it: `an RPM package`, `text`, `nothing: it is empty`. */
export function whatIsIt(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'nothing: it is empty';
  const known = KINDS.find((kind) => matches(bytes, kind));
  if (known) return known.name;
  const packing = compressionOf(bytes);
  if (packing !== 'none') return `a file packed with ${packing}${within(bytes)}`;
  return isText(bytes.subarray(0, 4096)) ? 'text' : 'a file of a kind that modbox does not know';
}

function matches(bytes: Uint8Array, { at, magic }: Kind): boolean {
  const codes = typeof magic === 'string' ? [...magic].map((char) => char.charCodeAt(0)) : magic;
  return codes.every((code, i) => bytes[at + i] === code);
}

/** What is in a file that is packed with gzip, where that can be seen. */
function within(bytes: Uint8Array): string {
  if (!isGzip(bytes)) return '';
  try {
    const inner = decompressGzip(bytes, '', LOOK);
    return `, ${whatIsIt(inner)} in it`;
  } catch {
    // Damaged, or larger than what one looks at.
    return '';
  }
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every(
    (byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x0c,
  );
}
