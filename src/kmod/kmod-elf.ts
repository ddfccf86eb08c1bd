import { ENODATA } from '../linux/errno.js';
import { byteText } from './byte-text.js';
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
export class KmodElf {
  private readonly ksymtabStrings: SectionRange | undefined;
  private readonly modinfo: SectionRange | undefined;
  private readonly strtab: SectionRange | undefined;
  private readonly symtab: SectionRange | undefined;
  private readonly versionSection: SectionRange | undefined;

  private constructor(readonly elf: ElfView) {
    [this.ksymtabStrings, this.modinfo, this.strtab, this.symtab, this.versionSection] = elf.find(WANTED);
  }

  /** `bytes` is the whole file, unpacked, with its signature; `file` is what to call it in errors. */
  static open(bytes: Uint8Array, file: string): KmodElf {
    return new KmodElf(new ElfView(bytes, file));
  }

  get file(): string {
    return this.elf.file;
  }

  /** Bytes of the first section of a name; undefined where there is none. */
  section(name: string): Uint8Array | undefined {
    const [range] = this.elf.find([encoder.encode(`${name}\0`)]);
    return range && this.elf.bytes.subarray(range.offset, range.offset + range.size);
  }

  /** The symbol table in place; undefined where it is missing or damaged. */
  symbols(): SymbolTable | undefined {
    if (!this.symtab || !this.strtab) return undefined;
    const symbols = new SymbolTable(this.elf, this.symtab, this.strtab);
    return symbols.whole ? symbols : undefined;
  }

  /** `key=value` strings of `.modinfo` in their order; ENODATA without that section. */
  modinfoStrings(): string[] {
    if (!this.modinfo) return this.missing('.modinfo');
    const text = this.elf.text(this.modinfo.offset, this.modinfo.size).replace(/^\0+/, '');
    return text.length <= 1 ? [] : text.split('\0').filter(Boolean);
  }

  /** Symbols that it exports, with their CRCs; ENODATA where it exports nothing (kmod_module_get_symbols). */
  exports(): SymbolCrc[] {
    const symbols = this.symbols();
    const withCrc = symbols && exportsWithCrc(this.elf, symbols);
    return withCrc ?? exportsByName(this.elf, this.ksymtabStrings);
  }

  /** Symbols that it needs, with the CRCs it was built against (kmod_module_get_dependency_symbols). */
  dependencySymbols(): DependencySymbol[] {
    return this.needed(true);
  }

  /** The same without what only `__versions` names: symbols that code or data refers to. */
  undefinedSymbols(): DependencySymbol[] {
    return this.needed(false);
  }

  private needed(withRest: boolean): DependencySymbol[] {
    const { elf, symtab, strtab } = this;
    if (!strtab) return elf.fail(0, 'there is no .strtab');
    if (!symtab) return elf.fail(0, 'there is no .symtab');
    const symbols = new SymbolTable(elf, symtab, strtab);
    if (!symbols.whole) elf.fail(symtab.offset, '.symtab does not hold whole symbols');
    const versions = this.versionSection && new VersionTable(elf, this.versionSection);
    return dependencySymbols(elf, symbols, versions?.whole ? versions : undefined, withRest);
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

  /** CRCs by name in the form for long names that kernels have since Linux 6.14, which kmod does not know. */
  extendedVersions(): ReadonlyMap<string, bigint> {
    const crcs = this.section('__version_ext_crcs');
    const names = this.section('__version_ext_names');
    if (!crcs || !names) return new Map();
    const view = new DataView(crcs.buffer, crcs.byteOffset, crcs.length);
    const texts = byteText(names)
      .split('\0')
      .slice(0, Math.floor(crcs.length / 4));
    return new Map(texts.map((name, i) => [name, BigInt(view.getUint32(i * 4, this.elf.littleEndian))]));
  }

  private missing(section: string): never {
    throw new KmodError(ENODATA, this.file, 0, `there is no section ${section}`);
  }
}
