import type { ByteReader } from '../byte-reader.js';
import { hex } from '../format-error.js';
import { StringTable } from '../string-table.js';
import { SHT_NOBITS, SHT_NULL, SHT_STRTAB } from './constants.js';
import { type ElfHeader, SECTION_HEADER_SIZE } from './header.js';

/**
 * One section (gABI, "Sections"). `data` is a view into the file, empty for SHT_NOBITS and SHT_NULL; where a module is read as
 * Linux reads it, what is at the section's place whatever its type.
 */
export interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly addr: bigint;
  /** Offset in the file. */
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly addralign: number;
  readonly entsize: number;
  readonly data: Uint8Array;
  /** Offset in the file of this section's header, for errors about its fields. */
  readonly headerOffset: number;
}

const NO_DATA = new Uint8Array(0);

/** Offsets of the fields in a section header, for error messages. */
export const SH_FIELD = {
  name: 0,
  type: 4,
  flags: 8,
  offset: 24,
  size: 32,
  link: 40,
  info: 44,
  addralign: 48,
  entsize: 56,
};

/**
 * The sections as load_module() has them: of any type, with any alignment. A size beyond 2^63, which only a section without
 * bytes can have, is negative: sizes are added up in 32 bits, where that is the same.
 */
export function readModuleSections(r: ByteReader, { shnum, shoff, shstrndx }: ElfHeader): Section[] {
  const namesAt = shoff + shstrndx * SECTION_HEADER_SIZE;
  const namesOffset = r.size64(namesAt + SH_FIELD.offset, 'section names: sh_offset');
  const namesSize = r.size64(namesAt + SH_FIELD.size, 'section names: sh_size');
  const names = new StringTable(
    r.slice(namesOffset, namesSize, 'section names: sh_size', namesAt + SH_FIELD.size),
    r.file,
    'section name table',
    namesOffset,
  );
  return Array.from({ length: shnum }, (_, index) =>
    readModuleSection(r, index, shoff + index * SECTION_HEADER_SIZE, names),
  );
}

function readModuleSection(r: ByteReader, index: number, at: number, names: StringTable): Section {
  const number = (field: keyof typeof SH_FIELD): number =>
    Number(BigInt.asIntN(64, r.u64(at + SH_FIELD[field], `section ${index}: sh_${field}`)));
  const offset = number('offset');
  const size = number('size');
  const inFile = index > 0 && offset >= 0 && size >= 0 && offset + size <= r.length;
  return {
    index,
    name: index === 0 ? '' : names.get(r.u32(at, 'sh_name'), `section ${index}: sh_name`, at),
    type: r.u32(at + SH_FIELD.type, 'sh_type'),
    // The bits that mean something to a kernel.
    flags: r.u32(at + SH_FIELD.flags, 'sh_flags'),
    addr: r.u64(at + 16, 'sh_addr'),
    offset,
    size,
    link: r.u32(at + SH_FIELD.link, 'sh_link'),
    info: r.u32(at + SH_FIELD.info, 'sh_info'),
    addralign: Number(r.u64(at + SH_FIELD.addralign, 'sh_addralign')),
    entsize: number('entsize'),
    data: inFile ? r.bytes.subarray(offset, offset + size) : NO_DATA,
    headerOffset: at,
  };
}

/** Reads every section header; names, places, sizes and alignments are checked. */
export function parseSections(r: ByteReader, header: ElfHeader): Section[] {
  const { shnum, shoff, shstrndx } = header;
  if (shnum === 0) return [];
  if (shstrndx >= shnum) r.fail('e_shstrndx', 62, `section ${shstrndx} of ${shnum} does not exist`);
  const names = shstrndx === 0 ? undefined : nameTable(r, shoff + shstrndx * SECTION_HEADER_SIZE, shstrndx);
  const sections: Section[] = [];
  for (let index = 0; index < shnum; index++) {
    sections.push(parseSection(r, index, shoff + index * SECTION_HEADER_SIZE, names));
  }
  return sections;
}

function nameTable(r: ByteReader, at: number, index: number): StringTable {
  const type = r.u32(at + SH_FIELD.type, `section ${index}: sh_type`);
  if (type !== SHT_STRTAB) {
    r.fail('e_shstrndx', 62, `section ${index} is not a string table (sh_type ${type})`);
  }
  const offset = r.size64(at + SH_FIELD.offset, `section ${index}: sh_offset`);
  const size = r.size64(at + SH_FIELD.size, `section ${index}: sh_size`);
  const bytes = r.slice(offset, size, `section ${index}: sh_size`, at + SH_FIELD.size);
  return new StringTable(bytes, r.file, 'section name table', offset);
}

function parseSection(r: ByteReader, index: number, at: number, names: StringTable | undefined): Section {
  const nameOffset = r.u32(at, 'sh_name');
  const type = r.u32(at + SH_FIELD.type, 'sh_type');
  const name =
    names === undefined || (index === 0 && nameOffset === 0)
      ? ''
      : names.get(nameOffset, `section ${index}: sh_name`, at);
  const label = `section ${index} (${name})`;
  const isNull = type === SHT_NULL;
  // Section 0 carries extended numbers, and a null section's other members are undefined (gABI).
  const size64 = (field: keyof typeof SH_FIELD): number =>
    isNull ? 0 : r.size64(at + SH_FIELD[field], `${label}: sh_${field}`);
  const offset = size64('offset');
  const size = size64('size');
  const addralign = size64('addralign');
  const hasData = !isNull && type !== SHT_NOBITS;
  if (hasData && offset + size > r.length) {
    const field = offset > r.length ? 'sh_offset' : 'sh_size';
    r.fail(
      `${label}: ${field}`,
      at + (field === 'sh_offset' ? SH_FIELD.offset : SH_FIELD.size),
      `section ends at ${hex(offset + size)}, past the end of the file (${hex(r.length)})`,
    );
  }
  if (addralign > 1 && !isPowerOfTwo(addralign)) {
    r.fail(`${label}: sh_addralign`, at + SH_FIELD.addralign, `${hex(addralign)} is not a power of two`);
  }
  return {
    index,
    name,
    type,
    flags: Number(r.u64(at + SH_FIELD.flags, 'sh_flags')),
    addr: r.u64(at + 16, 'sh_addr'),
    offset,
    size,
    link: r.u32(at + SH_FIELD.link, 'sh_link'),
    info: r.u32(at + SH_FIELD.info, 'sh_info'),
    addralign,
    entsize: size64('entsize'),
    data: hasData ? r.bytes.subarray(offset, offset + size) : NO_DATA,
    headerOffset: at,
  };
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}
