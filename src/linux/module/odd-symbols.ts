import type { ElfFile, ElfSymbol } from '../../formats/elf/index.js';

/** What the linker on x86 leaves in a symbol table, and the kernel does not look for: ignore_undef_symbol(). */
export const isIgnoredSymbol = (name: string): boolean => name === '_GLOBAL_OFFSET_TABLE_';

/** Common symbols of this beginning are of GCC's link-time optimisation, and nothing to place. */
export const isOfLinkTime = (name: string): boolean => name.startsWith('__gnu_lto');

/** What the kernel says of a symbol of a section that is not there, behind the module's name. */
export function invalidIndex({ name, shndx }: Pick<ElfSymbol, 'name' | 'shndx'>, elf: ElfFile): string {
  return `Symbol ${name} has an invalid section index ${shndx} (max ${elf.sections.length - 1})`;
}
