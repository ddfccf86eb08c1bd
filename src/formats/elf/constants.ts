// Values of the System V gABI ("Object Files") and its x86-64 psABI supplement (table 4.9, relocation types).

export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;

/** Where the header has its machine. */
export const E_MACHINE = 0x12;
export const EM_X86_64 = 62;

export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_SYMTAB_SHNDX = 18;
export const SHT_X86_64_UNWIND = 0x7000_0001;

export const SHF_WRITE = 0x1;
export const SHF_ALLOC = 0x2;
export const SHF_EXECINSTR = 0x4;
export const SHF_MERGE = 0x10;
export const SHF_STRINGS = 0x20;
export const SHF_INFO_LINK = 0x40;
export const SHF_TLS = 0x400;
export const SHF_COMPRESSED = 0x800;
/** Linux livepatch modules (include/uapi/linux/elf.h): relocations applied by the livepatch core. */
export const SHF_RELA_LIVEPATCH = 0x100000;

export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const SHN_LIVEPATCH = 0xff20;
export const SHN_ABS = 0xfff1;
export const SHN_COMMON = 0xfff2;
export const SHN_XINDEX = 0xffff;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const STT_TLS = 6;
export const STT_GNU_IFUNC = 10;

export const R_X86_64_NONE = 0;
export const R_X86_64_64 = 1;
export const R_X86_64_PC32 = 2;
const R_X86_64_GOT32 = 3;
export const R_X86_64_PLT32 = 4;
export const R_X86_64_RELATIVE = 8;
const R_X86_64_GOTPCREL = 9;
export const R_X86_64_32 = 10;
export const R_X86_64_32S = 11;
const R_X86_64_16 = 12;
const R_X86_64_PC16 = 13;
const R_X86_64_8 = 14;
const R_X86_64_PC8 = 15;
export const R_X86_64_PC64 = 24;
const R_X86_64_GOTPCRELX = 41;
const R_X86_64_REX_GOTPCRELX = 42;

const RELOCATION_NAMES: Readonly<Record<number, string>> = {
  [R_X86_64_NONE]: 'R_X86_64_NONE',
  [R_X86_64_64]: 'R_X86_64_64',
  [R_X86_64_PC32]: 'R_X86_64_PC32',
  [R_X86_64_GOT32]: 'R_X86_64_GOT32',
  [R_X86_64_PLT32]: 'R_X86_64_PLT32',
  [R_X86_64_RELATIVE]: 'R_X86_64_RELATIVE',
  [R_X86_64_GOTPCREL]: 'R_X86_64_GOTPCREL',
  [R_X86_64_32]: 'R_X86_64_32',
  [R_X86_64_32S]: 'R_X86_64_32S',
  [R_X86_64_16]: 'R_X86_64_16',
  [R_X86_64_PC16]: 'R_X86_64_PC16',
  [R_X86_64_8]: 'R_X86_64_8',
  [R_X86_64_PC8]: 'R_X86_64_PC8',
  [R_X86_64_PC64]: 'R_X86_64_PC64',
  [R_X86_64_GOTPCRELX]: 'R_X86_64_GOTPCRELX',
  [R_X86_64_REX_GOTPCRELX]: 'R_X86_64_REX_GOTPCRELX',
};

/** The psABI's name of a relocation type, or `R_X86_64_<number>`. */
export function relocationName(type: number): string {
  return RELOCATION_NAMES[type] ?? `R_X86_64_${type}`;
}
