import { inflateSync } from 'fflate';
import { ByteReader } from '../formats/byte-reader.js';
import { FormatError } from '../formats/format-error.js';
import { decodeUtf8 } from '../formats/string-table.js';
import { concat } from './columns.js';
import type { KernelImage } from './image/kernel-image.js';
import { openTarget, type SystemTarget } from './open.js';
import { type TargetParts, withImage } from './parts.js';
import type { TargetInfo } from './target.js';

/**
 * The file of a target: the magic, the length of a JSON index in four bytes, the index, and the parts that it
 * lists, each compressed by itself, so that opening a target costs no more than what is asked of it.
 */
const MAGIC = 'MODBOX-TARGET-1\n';
/** Parts are a few megabytes. */
const MAX_PART = 0x1000_0000;

/** How a part is packed: brotli is small (the bundled target), deflate is what every host can unpack. */
export type Codec = 'none' | 'deflate' | 'brotli';

/** Unpacks a part; `size` is what it unpacks to. Given by the host: Node has both codecs in zlib. */
export type Decompressor = (codec: Codec, packed: Uint8Array, size: number) => Uint8Array;

/** A stretch of a part, packed. */
export interface PackedChunk {
  readonly codec: Codec;
  /** Bytes that it unpacks to. */
  readonly size: number;
  readonly packed: Uint8Array;
}

/** Packs a part, in one chunk or several. */
export type Compressor = (part: Uint8Array, name: string) => readonly PackedChunk[];

interface IndexEntry {
  readonly name: string;
  readonly chunks: readonly { readonly codec: Codec; readonly size: number; readonly packed: number }[];
}

interface Index {
  readonly info: TargetInfo;
  readonly parts: readonly IndexEntry[];
}

/** What any host can unpack. */
export const portableDecompressor: Decompressor = (codec, packed, size) => {
  if (codec === 'none') return packed;
  if (codec === 'deflate') return inflateSync(packed, { out: new Uint8Array(size) });
  throw new Error(`this host has no decompressor for ${codec}`);
};

export const storeUncompressed: Compressor = (part) => [{ codec: 'none', size: part.length, packed: part }];

/** The file of a target with the parts of these names: all that it has, by default. */
export function encodeTarget(
  target: TargetParts,
  compress: Compressor = storeUncompressed,
  names: readonly string[] = target.names,
): Uint8Array {
  const parts = names.map((name) => ({ name, chunks: compress(target.part(name), name) }));
  const index: Index = {
    info: target.info,
    parts: parts.map(({ name, chunks }) => ({
      name,
      chunks: chunks.map((c) => ({ ...c, packed: c.packed.length })),
    })),
  };
  const json = new TextEncoder().encode(JSON.stringify(index));
  const length = new Uint8Array(new Uint32Array([json.length]).buffer);
  return concat([
    new TextEncoder().encode(MAGIC),
    length,
    json,
    ...parts.flatMap(({ chunks }) => chunks.map((c) => c.packed)),
  ]);
}

/** Opens the file of a target. Nothing but its index is read until it is asked for; `image` opens that of its image. */
export function decodeTarget(
  bytes: Uint8Array,
  file: string,
  decompress: Decompressor = portableDecompressor,
  image?: (info: TargetInfo) => KernelImage | undefined,
): SystemTarget {
  const parts = decodeParts(bytes, file, decompress);
  return openTarget(image ? withImage(parts, () => image(parts.info)) : parts);
}

/** What the file says of the target as a whole. `bytes` need not hold more than its beginning. */
export function decodeTargetInfo(bytes: Uint8Array, file: string): TargetInfo {
  return readIndex(new ByteReader(bytes, file)).index.info;
}

export function decodeParts(bytes: Uint8Array, file: string, decompress: Decompressor): TargetParts {
  const r = new ByteReader(bytes, file);
  const { index, end } = readIndex(r);
  return {
    info: index.info,
    names: index.parts.map(({ name }) => name),
    part(name) {
      let at = end;
      for (const entry of index.parts) {
        if (entry.name === name) return unpackPart(r, at, entry, decompress);
        at += entry.chunks.reduce((sum, chunk) => sum + chunk.packed, 0);
      }
      throw new FormatError(file, 'parts', MAGIC.length, `the target has no ${name}`);
    },
  };
}

function unpackPart(r: ByteReader, start: number, entry: IndexEntry, decompress: Decompressor): Uint8Array {
  let at = start;
  const chunks = entry.chunks.map(({ codec, size, packed }) => {
    const bytes = r.slice(at, packed, entry.name);
    if (!(size >= 0 && size <= MAX_PART)) r.fail(`${entry.name}: size`, at, `${size} bytes`);
    let chunk: Uint8Array;
    try {
      chunk = decompress(codec, bytes, size);
    } catch (error) {
      return r.fail(entry.name, at, error instanceof Error ? error.message : String(error));
    }
    if (chunk.length !== size) r.fail(entry.name, at, `unpacks to ${chunk.length} bytes, should be ${size}`);
    at += packed;
    return chunk;
  });
  return chunks.length === 1 ? chunks[0] : concat(chunks);
}

function readIndex(r: ByteReader): { index: Index; end: number } {
  const magic = r.slice(0, MAGIC.length, 'magic');
  if (decodeUtf8(magic) !== MAGIC) r.fail('magic', 0, 'not the file of a target');
  const length = r.u32(MAGIC.length, 'index length');
  const json = r.slice(MAGIC.length + 4, length, 'index length', MAGIC.length);
  let index: Index;
  try {
    index = JSON.parse(decodeUtf8(json)) as Index;
  } catch (error) {
    return r.fail('index', MAGIC.length + 4, error instanceof Error ? error.message : String(error));
  }
  if (!isIndex(index)) r.fail('index', MAGIC.length + 4, 'incomplete');
  return { index, end: MAGIC.length + 4 + length };
}

function isIndex(index: Index | undefined): boolean {
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  return (
    typeof index?.info?.name === 'string' &&
    typeof index.info.os === 'string' &&
    typeof index.info.release === 'string' &&
    Array.isArray(index.parts) &&
    index.parts.every(
      (part) =>
        typeof part?.name === 'string' &&
        Array.isArray(part?.chunks) &&
        part.chunks.every(
          (chunk: IndexEntry['chunks'][number]) => isCount(chunk?.size) && isCount(chunk.packed),
        ),
    )
  );
}
