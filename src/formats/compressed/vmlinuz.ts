import { ByteReader } from '../byte-reader.js';
import { isElf } from '../elf/index.js';
import { decompressGzip, isGzip } from './gzip.js';
import { decompressLz4Legacy, isLz4Legacy } from './lz4.js';
import { decompressXzStream, isXz } from './xz.js';
import { decompressZstd, isZstd } from './zstd/zstd.js';

// The setup header of a bzImage: Documentation/x86/boot.rst, "The Real-Mode Kernel Header".
const SETUP_SECTS = 0x1f1;
const HEADER = 0x202;
const VERSION = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const HDRS = 0x53726448;
const SECTOR = 512;
/** vmlinux images are some ten megabytes; one with everything in it stays below this. */
const MAX_VMLINUX = 0x3000_0000;

export function isBzImage(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER + 4 && new ByteReader(bytes, '').u32(HEADER, 'header') === HDRS;
}

/** The vmlinux (an ELF file) that a bzImage unpacks itself to at boot. */
export function extractVmlinux(bytes: Uint8Array, file: string): Uint8Array {
  const r = new ByteReader(bytes, file);
  if (r.u32(HEADER, 'header') !== HDRS) r.fail('header', HEADER, 'not a bzImage (no "HdrS")');
  const version = r.u16(VERSION, 'version');
  if (version < 0x208) r.fail('version', VERSION, `boot protocol 0x${version.toString(16)}, need 0x208`);
  const setupSectors = r.u8(SETUP_SECTS, 'setup_sects') || 4;
  const offset = (setupSectors + 1) * SECTOR + r.u32(PAYLOAD_OFFSET, 'payload_offset');
  const payload = r.slice(offset, r.u32(PAYLOAD_LENGTH, 'payload_length'), 'payload_length', PAYLOAD_LENGTH);
  const vmlinux = unpackPayload(r, payload, offset, `${file}: payload`);
  if (!isElf(vmlinux)) r.fail('payload', offset, 'does not unpack to an ELF file');
  return vmlinux;
}

function unpackPayload(r: ByteReader, payload: Uint8Array, offset: number, label: string): Uint8Array {
  if (isElf(payload)) return payload;
  if (isGzip(payload)) return decompressGzip(payload, label, MAX_VMLINUX);
  // All but gzip are followed by the unpacked size (scripts/Makefile.lib, "size_append").
  const expected = payload.length < 4 ? 0 : r.u32(offset + payload.length - 4, 'unpacked size');
  if (expected > MAX_VMLINUX) r.fail('unpacked size', offset + payload.length - 4, `${expected} bytes`);
  if (isXz(payload)) return decompressXzStream(payload, label, expected);
  if (isZstd(payload)) return decompressZstd(payload.subarray(0, -4), label, expected, MAX_VMLINUX);
  if (isLz4Legacy(payload)) return decompressLz4Legacy(payload, label, expected, MAX_VMLINUX);
  return r.fail('payload', offset, 'neither gzip, xz, zstd nor lz4');
}
