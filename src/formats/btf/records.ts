import { ByteReader } from '../byte-reader.js';
import { FormatError } from '../format-error.js';
import { StringTable } from '../string-table.js';

// Kinds and layouts: Documentation/bpf/btf.rst, "Type Encoding".
export const KIND_VOID = 0;
export const KIND_INT = 1;
export const KIND_PTR = 2;
export const KIND_ARRAY = 3;
export const KIND_STRUCT = 4;
export const KIND_UNION = 5;
export const KIND_ENUM = 6;
export const KIND_FWD = 7;
export const KIND_TYPEDEF = 8;
export const KIND_VOLATILE = 9;
export const KIND_CONST = 10;
export const KIND_RESTRICT = 11;
export const KIND_FUNC = 12;
export const KIND_FUNC_PROTO = 13;
export const KIND_VAR = 14;
export const KIND_DATASEC = 15;
export const KIND_FLOAT = 16;
export const KIND_DECL_TAG = 17;
export const KIND_TYPE_TAG = 18;
export const KIND_ENUM64 = 19;

/** Words after the three that every record has: those of the record, and those of each of its `vlen` entries. */
const FIXED_WORDS = [0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0];
const ENTRY_WORDS = [0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3];

export const MAGIC = 0xeb9f;
export const HEADER_SIZE = 24;
const COMMON_WORDS = 3;

/** Number of words in the record whose second word is `info`, or 0 for a kind that does not exist. */
export function recordWords(info: number): number {
  const kind = (info >>> 24) & 0x1f;
  if (kind === 0 || kind > KIND_ENUM64) return 0;
  return COMMON_WORDS + FIXED_WORDS[kind] + ENTRY_WORDS[kind] * (info & 0xffff);
}

/**
 * The records of a `.BTF` section, by type id: base BTF alone, or split BTF on top of its base. Opening makes
 * one pass that finds where each record begins; nothing else is decoded until it is asked for.
 */
export class BtfRecords {
  /** One more than the highest type id. */
  readonly end: number;
  /** The first id of this part: 1, or in split BTF the base's end. */
  readonly first: number;
  /** Bytes of this part's string section. */
  readonly stringBytes: Uint8Array;
  /** Offset of this part's first string: 0, or in split BTF the length of the base's strings. */
  readonly stringBase: number;
  private readonly strings: StringTable;
  private readonly words: Uint32Array;
  /** Word index of each record, by id - first. */
  private readonly starts: Uint32Array;
  /** Offset of the type section, for errors. */
  private readonly typesAt: number;

  constructor(
    bytes: Uint8Array,
    readonly file: string,
    readonly base: BtfRecords | undefined,
    readonly pointerSize: 4 | 8,
  ) {
    const r = new ByteReader(bytes, file);
    if (r.u16(0, 'magic') !== MAGIC) r.fail('magic', 0, 'not little-endian BTF');
    if (r.u8(2, 'version') !== 1) r.fail('version', 2, `${bytes[2]}, need 1`);
    const headerSize = r.u32(4, 'hdr_len');
    if (headerSize < HEADER_SIZE) r.fail('hdr_len', 4, `${headerSize}, need ${HEADER_SIZE}`);
    this.typesAt = headerSize + r.u32(8, 'type_off');
    const typeSize = r.u32(12, 'type_len');
    if (typeSize % 4 !== 0) r.fail('type_len', 12, `${typeSize} is not a multiple of 4`);
    const stringsAt = headerSize + r.u32(16, 'str_off');
    const types = r.slice(this.typesAt, typeSize, 'type_len', 12);
    this.stringBytes = r.slice(stringsAt, r.u32(20, 'str_len'), 'str_len', 20);
    this.stringBase = base === undefined ? 0 : base.stringBase + base.stringBytes.length;
    this.strings = new StringTable(this.stringBytes, file, 'string section', stringsAt);
    this.words = asWords(types);
    this.first = base === undefined ? 1 : base.end;
    this.starts = this.index();
    this.end = this.first + this.starts.length;
  }

  private index(): Uint32Array {
    const { words } = this;
    // A record has three words at least.
    const starts = new Uint32Array(Math.floor(words.length / COMMON_WORDS));
    let count = 0;
    for (let at = 0; at < words.length; ) {
      const size = at + 1 < words.length ? recordWords(words[at + 1]) : 0;
      if (size === 0 || at + size > words.length) this.badRecord(this.first + count, at, size);
      starts[count++] = at;
      at += size;
    }
    return starts.subarray(0, count);
  }

  private badRecord(id: number, at: number, size: number): never {
    const offset = this.typesAt + at * 4;
    if (size === 0) throw new FormatError(this.file, `type ${id}: info`, offset + 4, 'no such kind of type');
    throw new FormatError(this.file, `type ${id}: vlen`, offset + 4, 'ends past the end of the type section');
  }

  /** The part that holds `id`; a FormatError where no part does. */
  private part(id: number): BtfRecords {
    if (id >= this.first && id < this.end) return this;
    if (this.base !== undefined && id < this.first && id > 0) return this.base.part(id);
    throw new FormatError(this.file, `type ${id}`, this.typesAt, `there are types 0 to ${this.end - 1} only`);
  }

  /** Word `index` of the record: 0 is name_off, 1 info, 2 size or type, 3... what the kind adds. */
  word(id: number, index: number): number {
    const part = this.part(id);
    return part.words[part.starts[id - part.first] + index];
  }

  /** KIND_*; type 0 is void. */
  kind(id: number): number {
    return id === 0 ? KIND_VOID : (this.word(id, 1) >>> 24) & 0x1f;
  }

  kindFlag(id: number): boolean {
    return this.word(id, 1) >>> 31 === 1;
  }

  vlen(id: number): number {
    return this.word(id, 1) & 0xffff;
  }

  /** The `size` or `type` member. */
  sizeOrType(id: number): number {
    return this.word(id, 2);
  }

  nameOffset(id: number): number {
    return this.word(id, 0);
  }

  /** nameOffset of every type of this part. */
  nameOffsets(): Uint32Array {
    const { starts, words } = this;
    const offsets = new Uint32Array(starts.length);
    for (let i = 0; i < starts.length; i++) offsets[i] = words[starts[i]];
    return offsets;
  }

  /** The types of this part that are of one of two kinds. */
  idsOfKinds(kind: number, or: number): number[] {
    const { starts, words, first } = this;
    const ids: number[] = [];
    for (let i = 0; i < starts.length; i++) {
      const found = (words[starts[i] + 1] >>> 24) & 0x1f;
      if (found === kind || found === or) ids.push(first + i);
    }
    return ids;
  }

  name(id: number): string {
    if (id === 0) return 'void';
    return this.string(this.word(id, 0));
  }

  /** The string at an offset of the string section, that of split BTF counted on from its base's. */
  string(offset: number): string {
    if (offset === 0) return '';
    if (this.base !== undefined && offset < this.stringBase) return this.base.string(offset);
    return this.strings.get(offset - this.stringBase);
  }

  /** The part whose string section holds that offset. */
  stringOwner(offset: number): BtfRecords {
    return this.base === undefined || offset >= this.stringBase ? this : this.base.stringOwner(offset);
  }

  /** An error about the record of `id`. */
  fail(id: number, field: string, detail: string): never {
    const part = this.part(id);
    throw new FormatError(
      part.file,
      `type ${id}: ${field}`,
      part.typesAt + part.starts[id - part.first] * 4,
      detail,
    );
  }
}

function asWords(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
