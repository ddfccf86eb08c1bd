import type { ByteReader } from '../byte-reader.js';
import { hex } from '../format-error.js';
import { SHN_LORESERVE, SHN_XINDEX } from './constants.js';

/** The ELF64 file header (gABI, "ELF Header"), extended section numbering already resolved. */
export interface ElfHeader {
  /** ET_REL, ET_EXEC, ET_DYN. */
  readonly type: number;
  /** EM_X86_64 is 62; other machines parse, and whoever loads decides. */
  readonly machine: number;
  readonly entry: bigint;
  readonly flags: number;
  readonly phoff: number;
  readonly phnum: number;
  readonly shoff: number;
  readonly shnum: number;
  readonly shstrndx: number;
}

const ELF_HEADER_SIZE = 64;
export const SECTION_HEADER_SIZE = 64;
export const PROGRAM_HEADER_SIZE = 56;

const CLASS_NAMES: Readonly<Record<number, string>> = { 1: '32-bit' };

/** Whether the bytes begin as an ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
  );
}

function checkIdent(r: ByteReader): void {
  r.need(0, 16, 'e_ident');
  if (!isElf(r.bytes)) r.fail('e_ident[EI_MAG]', 0, 'not an ELF file');
  const elfClass = r.bytes[4];
  if (elfClass !== 2)
    r.fail('e_ident[EI_CLASS]', 4, `${CLASS_NAMES[elfClass] ?? `class ${elfClass}`}, need 64-bit`);
  if (r.bytes[5] !== 1) r.fail('e_ident[EI_DATA]', 5, `byte order ${r.bytes[5]}, need 1 (little-endian)`);
  if (r.bytes[6] !== 1) r.fail('e_ident[EI_VERSION]', 6, `version ${r.bytes[6]}, need 1`);
}

/**
 * How a file is read. `strict`: what a linker makes, everything that contradicts the gABI is an error. `module`: as Linux reads
 * a module, which looks at little (no class, byte order, program headers, section types, entry sizes, alignments) and has the
 * whole of elf_validity_check() behind it.
 */
export type ElfReading = 'strict' | 'module';

/** What load_module() reads of the header of a file that elf_validity_check() let pass. */
export function readModuleHeader(r: ByteReader): ElfHeader {
  r.need(0, ELF_HEADER_SIZE, 'ELF header');
  return {
    type: r.u16(16, 'e_type'),
    machine: r.u16(18, 'e_machine'),
    entry: 0n,
    flags: 0,
    phoff: 0,
    phnum: 0,
    shoff: r.size64(40, 'e_shoff'),
    shnum: r.u16(60, 'e_shnum'),
    shstrndx: r.u16(62, 'e_shstrndx'),
  };
}

/** Reads and checks the file header and the place of the header tables. */
export function parseElfHeader(r: ByteReader): ElfHeader {
  checkIdent(r);
  r.need(0, ELF_HEADER_SIZE, 'ELF header');
  const type = r.u16(16, 'e_type');
  const machine = r.u16(18, 'e_machine');
  const entry = r.u64(24, 'e_entry');
  const phoff = r.size64(32, 'e_phoff');
  const shoff = r.size64(40, 'e_shoff');
  const flags = r.u32(48, 'e_flags');
  const phentsize = r.u16(54, 'e_phentsize');
  const phnum = r.u16(56, 'e_phnum');
  const shentsize = r.u16(58, 'e_shentsize');
  let shnum = r.u16(60, 'e_shnum');
  let shstrndx = r.u16(62, 'e_shstrndx');

  if (phnum > 0) {
    if (phentsize !== PROGRAM_HEADER_SIZE)
      r.fail('e_phentsize', 54, `${phentsize}, need ${PROGRAM_HEADER_SIZE}`);
    tableInside(r, 'program header', 'e_phoff', 32, phoff, phnum * PROGRAM_HEADER_SIZE);
  }
  if (shoff > 0) {
    if (shentsize !== SECTION_HEADER_SIZE)
      r.fail('e_shentsize', 58, `${shentsize}, need ${SECTION_HEADER_SIZE}`);
    tableInside(r, 'section header', 'e_shoff', 40, shoff, SECTION_HEADER_SIZE);
    // Extended numbering: what does not fit the header is in section 0 (gABI, "Special Section Indexes").
    if (shnum === 0) shnum = r.size64(shoff + 32, 'section 0: sh_size (number of sections)');
    if (shstrndx === SHN_XINDEX) shstrndx = r.u32(shoff + 40, 'section 0: sh_link (name table)');
    else if (shstrndx >= SHN_LORESERVE)
      r.fail('e_shstrndx', 62, `${hex(shstrndx)} is a reserved section index`);
    tableInside(r, 'section header', 'e_shoff', 40, shoff, shnum * SECTION_HEADER_SIZE);
  } else if (shnum > 0) {
    r.fail('e_shnum', 60, `${shnum} sections, but e_shoff is 0`);
  }
  return { type, machine, entry, flags, phoff, phnum, shoff, shnum, shstrndx };
}

function tableInside(
  r: ByteReader,
  what: string,
  field: string,
  at: number,
  offset: number,
  size: number,
): void {
  if (offset + size > r.length) {
    r.fail(
      field,
      at,
      `${what} table ends at ${hex(offset + size)}, past the end of the file (${hex(r.length)})`,
    );
  }
}
