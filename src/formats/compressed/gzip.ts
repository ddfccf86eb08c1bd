import { Gunzip } from 'fflate';
import { ByteReader } from '../byte-reader.js';
import { FormatError } from '../format-error.js';
import { crc32 } from './checksum.js';
import { OutputBuffer } from './output-buffer.js';

/** Input per step: deflate unpacks to at most 1032 times as much, so a bomb is noticed early. */
const STEP = 0x4000;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Unpacks a gzip file (RFC 1952) and checks the CRC at its end. */
export function decompressGzip(bytes: Uint8Array, file: string, maximum?: number): Uint8Array {
  const r = new ByteReader(bytes, file);
  if (!isGzip(bytes)) r.fail('ID1', 0, 'not a gzip file');
  if (bytes.length < 18) r.fail('ISIZE', bytes.length, 'the file ends early');
  const out = new OutputBuffer(file, bytes.length * 4, maximum);
  let members = 1;
  const gunzip = new Gunzip((chunk) => {
    out.reserve(chunk.length);
    out.bytes.set(chunk, out.length);
    out.length += chunk.length;
  });
  gunzip.onmember = () => {
    members++;
  };
  for (let at = 0; at < bytes.length; at += STEP) {
    try {
      gunzip.push(bytes.subarray(at, at + STEP), at + STEP >= bytes.length);
    } catch (error) {
      if (error instanceof FormatError) throw error;
      r.fail('deflate data', at, error instanceof Error ? error.message : String(error));
    }
  }
  const data = out.finish();
  // fflate leaves the trailer unread; with several members it is that of the last one only.
  if (members === 1 && r.u32(bytes.length - 8, 'CRC32') !== crc32(data)) {
    r.fail('CRC32', bytes.length - 8, 'does not match the data: the file is damaged');
  }
  return data;
}
