export * from './constants.js';
export { ElfFile, parseElf, type Segment } from './elf-file.js';
export { type ElfHeader, isElf } from './header.js';
export {
  type RelocatedSection,
  RelocationError,
  type RelocationInput,
  type RelocationProblem,
  relocateX8664,
} from './relocate-x86-64.js';
export { type Relocation, Relocations } from './relocation.js';
export type { Section } from './section.js';
export type { ElfSymbol } from './symbol.js';
