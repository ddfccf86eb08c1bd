import { ByteReader } from '../../byte-reader.js';
import { hex } from '../../format-error.js';
import { OutputBuffer } from '../output-buffer.js';
import { ZstdDamage } from './bit-reader.js';
import { BlockDecoder, MAX_BLOCK } from './block.js';

// Layouts and names: RFC 8878, "Zstandard Compression and the application/zstd Media Type".
const MAGIC = 0xfd2fb528;
const SKIPPABLE_MASK = 0xfffffff0;
const SKIPPABLE = 0x184d2a50;

export function isZstd(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new ByteReader(bytes, '').u32(0, 'magic') === MAGIC;
}

/** Unpacks a Zstandard file: any number of frames, none with a dictionary. `expected` is a guess of the size. */
export function decompressZstd(
  bytes: Uint8Array,
  file: string,
  expected = bytes.length * 4,
  maximum?: number,
): Uint8Array {
  const r = new ByteReader(bytes, file);
  const out = new OutputBuffer(file, expected, maximum);
  let at = frame(r, 0, out);
  while (at < bytes.length) at = frame(r, at, out);
  return out.finish();
}

/** One frame. Returns where it ends. */
function frame(r: ByteReader, start: number, out: OutputBuffer): number {
  const magic = r.u32(start, 'Magic_Number');
  if ((magic & SKIPPABLE_MASK) === SKIPPABLE) {
    const size = r.u32(start + 4, 'Frame_Size');
    r.slice(start + 8, size, 'Frame_Size', start + 4);
    return start + 8 + size;
  }
  if (magic !== MAGIC) r.fail('Magic_Number', start, 'not a Zstandard frame');
  const { at: blocksAt, contentSize, checksum } = frameHeader(r, start);
  const frameStart = out.length;
  const decoder = new BlockDecoder(out, frameStart);
  let at = blocksAt;
  for (let last = false; !last; ) {
    const header = r.u16(at, 'Block_Header') | (r.u8(at + 2, 'Block_Header') << 16);
    last = (header & 1) !== 0;
    at = block(r, at, (header >> 1) & 3, header >> 3, out, decoder);
  }
  if (contentSize !== undefined && out.length - frameStart !== contentSize) {
    r.fail(
      'Frame_Content_Size',
      start,
      `${contentSize} bytes, the frame unpacks to ${out.length - frameStart}`,
    );
  }
  r.need(at, checksum ? 4 : 0, 'Content_Checksum');
  return at + (checksum ? 4 : 0);
}

/** How long the frame at the beginning is, by its headers; undefined where not all of it is there. */
export function zstdFrameLength(bytes: Uint8Array, file: string): number | undefined {
  const r = new ByteReader(bytes, file);
  const HEADER_LONGEST = 18;
  const SKIPPABLE_HEADER = 8;
  if (bytes.length < SKIPPABLE_HEADER) return undefined;
  if ((r.u32(0, 'Magic_Number') & SKIPPABLE_MASK) === SKIPPABLE) {
    const end = SKIPPABLE_HEADER + r.u32(4, 'Frame_Size');
    return end <= bytes.length ? end : undefined;
  }
  if (!isZstd(bytes)) r.fail('Magic_Number', 0, 'not a Zstandard frame');
  const padded = new Uint8Array(HEADER_LONGEST);
  padded.set(bytes.subarray(0, HEADER_LONGEST));
  const header = frameHeader(new ByteReader(padded, file), 0);
  let { at } = header;
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) return undefined;
    const word = r.u16(at, 'Block_Header') | (r.u8(at + 2, 'Block_Header') << 16);
    last = (word & 1) !== 0;
    at += 3 + (((word >> 1) & 3) === 1 ? 1 : word >> 3);
  }
  const end = at + (header.checksum ? 4 : 0);
  return end <= bytes.length ? end : undefined;
}

/** Returns where the first block begins. The window's size does not matter: the output is the window. */
function frameHeader(
  r: ByteReader,
  start: number,
): { at: number; contentSize: number | undefined; checksum: boolean } {
  const descriptor = r.u8(start + 4, 'Frame_Header_Descriptor');
  if ((descriptor & 8) !== 0) r.fail('Frame_Header_Descriptor', start + 4, 'the reserved bit is set');
  const singleSegment = (descriptor & 0x20) !== 0;
  let at = start + (singleSegment ? 5 : 6);
  const idSize = [0, 1, 2, 4][descriptor & 3];
  for (let i = 0; i < idSize; i++) {
    if (r.u8(at + i, 'Dictionary_ID') !== 0) r.fail('Dictionary_ID', at, 'packed with a dictionary');
  }
  at += idSize;
  const checksum = (descriptor & 4) !== 0;
  switch (descriptor >> 6) {
    case 0:
      if (!singleSegment) return { at, contentSize: undefined, checksum };
      return { at: at + 1, contentSize: r.u8(at, 'Frame_Content_Size'), checksum };
    case 1:
      return { at: at + 2, contentSize: r.u16(at, 'Frame_Content_Size') + 256, checksum };
    case 2:
      return { at: at + 4, contentSize: r.u32(at, 'Frame_Content_Size'), checksum };
    default:
      return { at: at + 8, contentSize: r.size64(at, 'Frame_Content_Size'), checksum };
  }
}

/** One block. Returns where it ends. */
function block(
  r: ByteReader,
  headerAt: number,
  type: number,
  size: number,
  out: OutputBuffer,
  decoder: BlockDecoder,
): number {
  const at = headerAt + 3;
  if (type === 3) r.fail('Block_Type', headerAt, 'reserved');
  if (size > MAX_BLOCK) r.fail('Block_Size', headerAt, `${hex(size)} bytes, at most ${hex(MAX_BLOCK)}`);
  const packed = type === 1 ? 1 : size;
  const data = r.slice(at, packed, 'Block_Size', headerAt);
  if (type !== 2) {
    out.reserve(size);
    if (type === 0) out.append(data, 0, size);
    else out.fill(data[0], size);
    return at + packed;
  }
  try {
    decoder.decode(r.bytes, at, at + size);
  } catch (error) {
    if (error instanceof ZstdDamage) r.fail('compressed block', at, error.message);
    throw error;
  }
  return at + size;
}
