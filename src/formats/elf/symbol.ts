import { ByteReader } from '../byte-reader.js';
import { StringTable } from '../string-table.js';
import { SHN_LORESERVE, SHN_XINDEX, SHT_STRTAB, SHT_SYMTAB_SHNDX } from './constants.js';
import { type Section, SH_FIELD } from './section.js';

/** One entry of a symbol table (gABI, "Symbol Table"). */
export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** In relocatable files the offset in its section, in executables the address. */
  readonly value: bigint;
  readonly size: number;
  /** STT_*. */
  readonly type: number;
  /** STB_*. */
  readonly bind: number;
  /** STV_*. */
  readonly visibility: number;
  /** Section index, or SHN_UNDEF, SHN_ABS, SHN_COMMON, ... ; SHN_XINDEX is already resolved. */
  readonly shndx: number;
}

const SYMBOL_SIZE = 24;

/** Reads a whole SHT_SYMTAB section. A FormatError where an index or a name does not exist. */
export function parseSymbols(file: string, sections: readonly Section[], table: Section): ElfSymbol[] {
  const header = new ByteReader(new Uint8Array(0), file);
  const label = `section ${table.index} (${table.name})`;
  if (table.entsize !== SYMBOL_SIZE) {
    header.fail(
      `${label}: sh_entsize`,
      table.headerOffset + SH_FIELD.entsize,
      `${table.entsize}, need ${SYMBOL_SIZE}`,
    );
  }
  if (table.size % SYMBOL_SIZE !== 0) {
    header.fail(
      `${label}: sh_size`,
      table.headerOffset + SH_FIELD.size,
      `${table.size} is not a multiple of ${SYMBOL_SIZE}`,
    );
  }
  const strings = sections[table.link];
  if (strings === undefined || strings.type !== SHT_STRTAB) {
    header.fail(
      `${label}: sh_link`,
      table.headerOffset + SH_FIELD.link,
      `section ${table.link} is not a string table`,
    );
  }
  const names = new StringTable(strings.data, file, `string table ${strings.name}`, strings.offset);
  const extended = sections.find((s) => s.type === SHT_SYMTAB_SHNDX && s.link === table.index);
  const r = new ByteReader(table.data, file);
  const count = table.size / SYMBOL_SIZE;
  const symbols: ElfSymbol[] = new Array(count);
  for (let index = 0; index < count; index++) {
    const at = index * SYMBOL_SIZE;
    const fieldAt = table.offset + at;
    const nameOffset = r.u32(at, 'st_name');
    const info = r.bytes[at + 4];
    const sizeHigh = r.u32(at + 20, 'st_size');
    if (sizeHigh >= 0x20_0000) r.fail(`symbol ${index}: st_size`, fieldAt + 16, 'is not a possible size');
    const rawIndex = r.u16(at + 6, 'st_shndx');
    symbols[index] = {
      index,
      name: nameOffset === 0 ? '' : names.get(nameOffset, `symbol ${index}: st_name`, fieldAt),
      value: r.u64(at + 8, 'st_value'),
      size: sizeHigh * 0x1_0000_0000 + r.u32(at + 16, 'st_size'),
      type: info & 0xf,
      bind: info >> 4,
      visibility: r.bytes[at + 5] & 3,
      shndx: rawIndex === SHN_XINDEX ? extendedIndex(header, extended, index, fieldAt) : rawIndex,
    };
    const shndx = symbols[index].shndx;
    if (shndx >= sections.length && (rawIndex < SHN_LORESERVE || rawIndex === SHN_XINDEX)) {
      r.fail(
        `symbol ${index}: st_shndx`,
        fieldAt + 6,
        `section ${shndx} of ${sections.length} does not exist`,
      );
    }
  }
  return symbols;
}

/**
 * The symbols as simplify_symbols() has them: entries of the usual size, names that may run on behind the string table, and
 * section indices that are whatever they are. A FormatError where a name does not exist.
 */
export function readModuleSymbols(
  r: ByteReader,
  sections: readonly Section[],
  { data, link, offset }: Section,
): ElfSymbol[] {
  const strings = sections[link];
  const ended = strings.data.at(-1) === 0;
  const bytes = ended ? strings.data : r.bytes.subarray(strings.offset);
  const names = new StringTable(bytes, r.file, `string table ${strings.name}`, strings.offset);
  const table = new ByteReader(data, r.file);
  return Array.from({ length: Math.floor(data.length / SYMBOL_SIZE) }, (_, index) => {
    const at = index * SYMBOL_SIZE;
    const nameOffset = table.u32(at, 'st_name');
    const info = data[at + 4];
    return {
      index,
      name: nameOffset === 0 && ended ? '' : names.get(nameOffset, `symbol ${index}: st_name`, offset + at),
      value: table.u64(at + 8, 'st_value'),
      size: table.u32(at + 20, 'st_size') * 0x1_0000_0000 + table.u32(at + 16, 'st_size'),
      type: info & 0xf,
      bind: info >> 4,
      visibility: data[at + 5] & 3,
      shndx: table.u16(at + 6, 'st_shndx'),
    };
  });
}

/** The section of a symbol whose st_shndx says SHN_XINDEX (gABI, "SHT_SYMTAB_SHNDX"). */
function extendedIndex(r: ByteReader, extended: Section | undefined, index: number, fieldAt: number): number {
  const field = `symbol ${index}: st_shndx`;
  if (extended === undefined) r.fail(field, fieldAt + 6, 'SHN_XINDEX without an SHT_SYMTAB_SHNDX section');
  return new ByteReader(extended.data, r.file).u32(index * 4, field);
}
