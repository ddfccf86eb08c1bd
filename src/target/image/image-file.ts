import { ByteReader } from '../../formats/byte-reader.js';
import { decodeUtf8 } from '../../formats/string-table.js';
import type { Decompressor, PackedChunk } from '../codec.js';
import { concat } from '../columns.js';
import { type Findings, type ImageSection, type KernelImage, sectionAt } from './kernel-image.js';
import { decodeReferences, encodeReferences, type ReferenceTable } from './references.js';

/**
 * The file of a target's image: the magic, the length of a JSON index in four bytes, the index, and what it lists, in chunks that
 * are compressed by themselves, so that a function costs no more than the pages that it runs from.
 */
const MAGIC = 'MODBOX-IMAGE-6\n';
/** What the files of other versions begin with. */
const KIND = 'MODBOX-IMAGE-';
/** Bytes of a section that are packed together. */
const CHUNK_BYTES = 0x1_0000;

/** Where the bytes of a file are: a disk or memory. */
export interface FileBytes {
  read(offset: number, length: number): Uint8Array;
}

interface PackedPiece {
  readonly codec: PackedChunk['codec'];
  readonly size: number;
  readonly packed: number;
}

interface Index {
  /** The target that it belongs to: its banner tells builds of one release apart. */
  readonly banner: string;
  readonly sections: readonly (ImageSection & { readonly chunks: readonly PackedPiece[] })[];
  readonly references: PackedPiece;
}

/** The file of an image; `banner` is its kernel's. */
export function encodeImage(
  image: KernelImage,
  banner: string,
  compress: (bytes: Uint8Array) => PackedChunk,
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const pack = (bytes: Uint8Array): PackedPiece => {
    const { codec, size, packed } = compress(bytes);
    pieces.push(packed);
    return { codec, size, packed: packed.length };
  };
  const sections = image.sections.map((section) => ({
    ...section,
    chunks: packSection(image, section, pack),
  }));
  const references = pack(encodeReferences(image.references));
  const json = new TextEncoder().encode(JSON.stringify({ banner, sections, references } satisfies Index));
  const length = new Uint8Array(new Uint32Array([json.length]).buffer);
  return concat([new TextEncoder().encode(MAGIC), length, json, ...pieces]);
}

function packSection(
  image: KernelImage,
  { address, size, zero }: ImageSection,
  pack: (bytes: Uint8Array) => PackedPiece,
): PackedPiece[] {
  const chunks: PackedPiece[] = [];
  if (zero) return chunks;
  for (let at = 0; at < size; at += CHUNK_BYTES)
    chunks.push(pack(image.read(address + at, Math.min(CHUNK_BYTES, size - at))));
  return chunks;
}

/**
 * Opens the file of an image. Undefined where it is of another kernel than `banner` tells, or of another version of modbox. Throws FormatError for what is no such
 * file, and later where a piece of it does not unpack.
 */
export function openImage(
  bytes: FileBytes,
  file: string,
  banner: string,
  decompress: Decompressor,
  findings?: Findings,
): KernelImage | undefined {
  const head = new ByteReader(bytes.read(0, MAGIC.length + 4), file);
  const magic = decodeUtf8(head.slice(0, MAGIC.length, 'magic'));
  if (!magic.startsWith(KIND)) head.fail('magic', 0, 'not the file of an image');
  if (magic !== MAGIC) return undefined;
  const length = head.u32(MAGIC.length, 'index length');
  const json = bytes.read(MAGIC.length + 4, length);
  const index = parseIndex(json, file);
  if (index.banner !== banner) return undefined;
  return new StoredImage(index, bytes, MAGIC.length + 4 + length, file, decompress, findings);
}

/** Whether a file is that of an image, as another version of modbox writes it. */
export function isOfOtherVersion(bytes: FileBytes): boolean {
  const magic = decodeUtf8(bytes.read(0, MAGIC.length));
  return magic.startsWith(KIND) && magic !== MAGIC;
}

function parseIndex(json: Uint8Array, file: string): Index {
  try {
    return JSON.parse(decodeUtf8(json)) as Index;
  } catch (error) {
    return new ByteReader(json, file).fail(
      'index',
      0,
      error instanceof Error ? error.message : String(error),
    );
  }
}

/** An image in its file. What was unpacked stays in memory for the machines of the process. */
class StoredImage implements KernelImage {
  readonly sections: readonly ImageSection[];
  private readonly unpacked = new Map<number, Uint8Array>();
  /** Offset in the file of each section's first chunk. */
  private readonly offsets: readonly number[];
  private readonly referencesAt: number;
  private referenceTable: ReferenceTable | undefined;

  constructor(
    private readonly index: Index,
    private readonly bytes: FileBytes,
    start: number,
    private readonly file: string,
    private readonly decompress: Decompressor,
    readonly findings?: Findings,
  ) {
    this.sections = index.sections;
    let at = start;
    this.offsets = index.sections.map(({ chunks }) => {
      const offset = at;
      at += packedBytes(chunks);
      return offset;
    });
    this.referencesAt = at;
  }

  get references(): ReferenceTable {
    this.referenceTable ??= decodeReferences(
      this.unpack(this.referencesAt, this.index.references),
      this.file,
    );
    return this.referenceTable;
  }

  read(address: number, size: number): Uint8Array {
    const out = new Uint8Array(size);
    const section = sectionAt(this.sections, address);
    if (!section || section.zero) return out;
    const end = Math.min(address + size, section.address + section.size);
    for (let at = address; at < end; ) {
      const number = Math.floor((at - section.address) / CHUNK_BYTES);
      const from = at - section.address - number * CHUNK_BYTES;
      const piece = this.chunk(section, number).subarray(from, from + end - at);
      out.set(piece, at - address);
      at += piece.length;
    }
    return out;
  }

  private chunk(section: ImageSection, number: number): Uint8Array {
    const position = this.sections.indexOf(section);
    const { chunks } = this.index.sections[position];
    const offset = this.offsets[position] + packedBytes(chunks.slice(0, number));
    const known = this.unpacked.get(offset);
    if (known) return known;
    const bytes = this.unpack(offset, chunks[number]);
    this.unpacked.set(offset, bytes);
    return bytes;
  }

  private unpack(offset: number, { codec, size, packed }: PackedPiece): Uint8Array {
    const bytes = this.decompress(codec, this.bytes.read(offset, packed), size);
    if (bytes.length !== size)
      new ByteReader(bytes, this.file).fail(
        'chunk',
        offset,
        `unpacks to ${bytes.length} bytes, should be ${size}`,
      );
    return bytes;
  }
}

function packedBytes(chunks: readonly PackedPiece[]): number {
  return chunks.reduce((sum, { packed }) => sum + packed, 0);
}
