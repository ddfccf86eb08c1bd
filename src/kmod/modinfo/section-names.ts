/** Names of section types (gABI, "Section Header"; the GNU ones of elf.h) as readelf(1) prints them. */
export const SECTION_TYPES: Readonly<Record<number, string>> = {
  0: 'NULL',
  1: 'PROGBITS',
  2: 'SYMTAB',
  3: 'STRTAB',
  4: 'RELA',
  5: 'HASH',
  6: 'DYNAMIC',
  7: 'NOTE',
  8: 'NOBITS',
  9: 'REL',
  10: 'SHLIB',
  11: 'DYNSYM',
  14: 'INIT_ARRAY',
  15: 'FINI_ARRAY',
  16: 'PREINIT_ARRAY',
  17: 'GROUP',
  18: 'SYMTAB_SHNDX',
  1879048181: 'GNU_ATTRIBUTES',
  1879048182: 'GNU_HASH',
};

/** Letters of flags, in readelf's order. */
const FLAGS: readonly (readonly [bit: number, letter: string])[] = [
  [0x1, 'W'],
  [0x2, 'A'],
  [0x4, 'X'],
  [0x10, 'M'],
  [0x20, 'S'],
  [0x40, 'I'],
  [0x80, 'L'],
  [0x100, 'O'],
  [0x200, 'G'],
  [0x400, 'T'],
  [0x800, 'C'],
];

/** Flags of a section as readelf's letters; 'o' stands for those of an operating system (livepatch's, say). */
export function sectionFlags(flags: number): string {
  const letters = FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter);
  return letters.join('') + ((flags & 0x0ff0_0000) !== 0 ? 'o' : '');
}
