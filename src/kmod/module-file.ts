import { ENODATA } from '../kernel/errno.js';
import { KmodError } from './kmod-error.js';
import { type DependencySymbol, dependencySymbols } from './module/dependency-symbols.js';
import { ElfView, type SectionRange } from './module/elf-view.js';
import { exportsByName, exportsWithCrc } from './module/exports.js';
import { SymbolTable } from './module/symbol-table.js';
import { type SymbolCrc, VERSION_BYTES, VersionTable } from './module/versions.js';

export type { DependencySymbol } from './module/dependency-symbols.js';
export type { SymbolCrc } from './module/versions.js';

const encoder = new TextEncoder();
const WANTED = ['__ksymtab_strings', '.modinfo', '.strtab', '.symtab', '__versions'].map((name) =>
  encoder.encode(`${name}\0`),
);

/**
 * A module's file as libkmod sees it: what it says of itself, gives and needs. Of any architecture, since images are
 * made for others. It takes and refuses what libkmod does, with the same error numbers ({@link KmodError}).
 * All text is byte text (byte-text.ts).
 */
export class ModuleFile {
  private readonly ksymtabStrings: SectionRange | undefined;
  private readonly modinfo: SectionRange | undefined;
  private readonly strtab: SectionRange | undefined;
  private readonly symtab: SectionRange | undefined;
  private readonly versionSection: SectionRange | undefined;

  private constructor(readonly elf: ElfView) {
    [this.ksymtabStrings, this.modinfo, this.strtab, this.symtab, this.versionSection] = elf.find(WANTED);
  }

  /** `bytes` is the whole file, unpacked, with its signature; `file` is what to call it in errors. */
  static open(bytes: Uint8Array, file: string): ModuleFile {
    return new ModuleFile(new ElfView(bytes, file));
  }

  get file(): string {
    return this.elf.file;
  }

  /** `key=value` strings of `.modinfo` in their order; ENODATA without that section. */
  modinfoStrings(): string[] {
    if (!this.modinfo) return this.missing('.modinfo');
    const text = this.elf.text(this.modinfo.offset, this.modinfo.size).replace(/^\0+/, '');
    return text.length <= 1 ? [] : text.split('\0').filter(Boolean);
  }

  /** Symbols that it exports, with their CRCs; ENODATA where it exports nothing (kmod_module_get_symbols). */
  exports(): SymbolCrc[] {
    const { elf, symtab, strtab } = this;
    const withCrc = symtab && strtab && exportsWithCrc(elf, new SymbolTable(elf, symtab, strtab));
    return withCrc ?? exportsByName(elf, this.ksymtabStrings);
  }

  /** Symbols that it needs, with the CRCs it was built against (kmod_module_get_dependency_symbols). */
  dependencySymbols(): DependencySymbol[] {
    const { elf, symtab, strtab } = this;
    if (!strtab) return elf.fail(0, 'there is no .strtab');
    if (!symtab) return elf.fail(0, 'there is no .symtab');
    const symbols = new SymbolTable(elf, symtab, strtab);
    if (!symbols.whole) elf.fail(symtab.offset, '.symtab does not hold whole symbols');
    const versions = this.versionSection && new VersionTable(elf, this.versionSection);
    return dependencySymbols(elf, symbols, versions?.whole ? versions : undefined);
  }

  /** `__versions`, name by name; ENODATA without that section (kmod_module_get_versions). */
  versions(): SymbolCrc[] {
    const { elf } = this;
    if (!this.versionSection) return this.missing('__versions');
    const versions = new VersionTable(elf, this.versionSection);
    if (!versions.whole)
      elf.fail(this.versionSection.offset, `the size of __versions is no multiple of ${VERSION_BYTES}`);
    const found: SymbolCrc[] = [];
    for (let i = 0; i < versions.count; i++) {
      const at = versions.nameOffset(i);
      if (!versions.nameEnds(i)) elf.fail(at, `the name of __versions entry ${i} has no end`);
      // Functions of 64-bit PowerPC's first ABI have a dot in front, which nobody else knows.
      const name = elf.nameText(at);
      found.push({ name: name.startsWith('.') ? name.slice(1) : name, crc: versions.crc(i) });
    }
    return found;
  }

  private missing(section: string): never {
    throw new KmodError(ENODATA, this.file, 0, `there is no section ${section}`);
  }
}
