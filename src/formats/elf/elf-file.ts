import { ByteReader } from '../byte-reader.js';
import { SHF_ALLOC, SHT_DYNSYM, SHT_NOBITS, SHT_RELA, SHT_SYMTAB } from './constants.js';
import {
  type ElfHeader,
  type ElfReading,
  PROGRAM_HEADER_SIZE,
  parseElfHeader,
  readModuleHeader,
} from './header.js';
import { Relocations } from './relocation.js';
import { parseSections, readModuleSections, type Section, SH_FIELD } from './section.js';
import { type ElfSymbol, parseSymbols, readModuleSymbols } from './symbol.js';

/** One program header (gABI, "Program Header"). */
export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: bigint;
  readonly paddr: bigint;
  readonly filesz: number;
  readonly memsz: number;
}

/**
 * A little-endian ELF64 file. The file header and every section header are checked when it is opened;
 * symbols, relocations and segments when they are asked for. All data are views into `bytes`.
 */
export class ElfFile {
  readonly header: ElfHeader;
  readonly sections: readonly Section[];
  private readonly reader: ByteReader;
  private symbolTable: readonly ElfSymbol[] | undefined;
  private dynamicTable: readonly ElfSymbol[] | undefined;

  constructor(
    readonly bytes: Uint8Array,
    /** What to call the file in errors. */
    readonly file: string,
    readonly reading: ElfReading = 'strict',
  ) {
    this.reader = new ByteReader(bytes, file);
    const strict = reading === 'strict';
    this.header = strict ? parseElfHeader(this.reader) : readModuleHeader(this.reader);
    this.sections = (strict ? parseSections : readModuleSections)(this.reader, this.header);
  }

  /** The first section of that name. */
  section(name: string): Section | undefined {
    return this.sections.find((s) => s.name === name);
  }

  /** The first section of that name that is to be in memory: find_sec() of Linux's loader takes no other for it. */
  allocatedSection(name: string): Section | undefined {
    return this.sections.find((s) => s.name === name && (s.flags & SHF_ALLOC) !== 0);
  }

  /** The symbol table (SHT_SYMTAB), empty where there is none. */
  symbols(): readonly ElfSymbol[] {
    if (this.symbolTable === undefined) {
      const tables = this.sections.filter((s) => s.type === SHT_SYMTAB);
      if (this.reading === 'module') {
        this.symbolTable =
          tables.length === 0 ? [] : readModuleSymbols(this.reader, this.sections, tables[0]);
        return this.symbolTable;
      }
      if (tables.length > 1) {
        const extra = tables[1];
        this.reader.fail(
          `section ${extra.index} (${extra.name}): sh_type`,
          extra.headerOffset + SH_FIELD.type,
          'a second symbol table',
        );
      }
      this.symbolTable = tables.length === 0 ? [] : parseSymbols(this.file, this.sections, tables[0]);
    }
    return this.symbolTable;
  }

  /** The symbols that a shared object is linked by (SHT_DYNSYM), empty where there are none. */
  dynamicSymbols(): readonly ElfSymbol[] {
    if (this.dynamicTable === undefined) {
      const table = this.sections.find((s) => s.type === SHT_DYNSYM);
      this.dynamicTable = table ? parseSymbols(this.file, this.sections, table) : [];
    }
    return this.dynamicTable;
  }

  /** The SHT_RELA sections, in file order. */
  relocationSections(): readonly Section[] {
    return this.sections.filter((s) => s.type === SHT_RELA);
  }

  /** What a SHT_RELA section says. Its sh_link has to be a symbol table of the file, and its sh_info a section. */
  relocations(section: Section): Relocations {
    if (this.reading === 'module')
      return new Relocations(this.file, section, this.symbols().length, 'module');
    const label = `section ${section.index} (${section.name})`;
    const symbols = this.sections[section.link];
    if (symbols === undefined || (symbols.type !== SHT_SYMTAB && symbols.type !== SHT_DYNSYM)) {
      this.reader.fail(
        `${label}: sh_link`,
        section.headerOffset + SH_FIELD.link,
        `section ${section.link} is not a symbol table`,
      );
    }
    if (section.info >= this.sections.length) {
      this.reader.fail(
        `${label}: sh_info`,
        section.headerOffset + SH_FIELD.info,
        `section ${section.info} of ${this.sections.length} does not exist`,
      );
    }
    const dynamic = symbols.type === SHT_DYNSYM;
    return new Relocations(this.file, section, (dynamic ? this.dynamicSymbols() : this.symbols()).length);
  }

  /** The program headers. */
  segments(): readonly Segment[] {
    const r = this.reader;
    const { phoff, phnum } = this.header;
    const segments: Segment[] = [];
    for (let i = 0; i < phnum; i++) {
      const at = phoff + i * PROGRAM_HEADER_SIZE;
      const segment = {
        type: r.u32(at, `segment ${i}: p_type`),
        flags: r.u32(at + 4, `segment ${i}: p_flags`),
        offset: r.size64(at + 8, `segment ${i}: p_offset`),
        vaddr: r.u64(at + 16, `segment ${i}: p_vaddr`),
        paddr: r.u64(at + 24, `segment ${i}: p_paddr`),
        filesz: r.size64(at + 32, `segment ${i}: p_filesz`),
        memsz: r.size64(at + 40, `segment ${i}: p_memsz`),
      };
      r.slice(segment.offset, segment.filesz, `segment ${i}: p_filesz`, at + 32);
      segments.push(segment);
    }
    return segments;
  }

  /**
   * The file's bytes at a virtual address of an executable: from there to the end of the section that holds it.
   * Undefined where no section has bytes at that address.
   */
  bytesAt(address: bigint): Uint8Array | undefined {
    for (const s of this.sections) {
      if (
        s.type === SHT_NOBITS ||
        s.addr === 0n ||
        address < s.addr ||
        address >= s.addr + BigInt(s.data.length)
      )
        continue;
      return s.data.subarray(Number(address - s.addr));
    }
    return undefined;
  }
}

/** Opens an ELF64 file. Throws a FormatError that names file, field and offset. */
export function parseElf(bytes: Uint8Array, file: string, reading: ElfReading = 'strict'): ElfFile {
  return new ElfFile(bytes, file, reading);
}
