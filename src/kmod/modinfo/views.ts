import { ownTypes } from '../../formats/btf/own-types.js';
import { NAMESPACE } from '../../formats/module-exports.js';
import type { KmodElf } from '../kmod-elf.js';
import { NT_GNU_BUILD_ID } from './fields.js';
import { SECTION_TYPES, sectionFlags } from './section-names.js';

/** A symbol that a module gives to others. */
export interface ExportView {
  readonly symbol: string;
  /** `0x12345678`; null where the kernel does without CRCs. */
  readonly crc: string | null;
  /** EXPORT_SYMBOL_GPL: only for modules whose licence is compatible. */
  readonly gplOnly: boolean;
  /** What an importer has to name with MODULE_IMPORT_NS, or null. */
  readonly namespace: string | null;
}

/** A symbol that a module needs. */
export interface ImportView {
  readonly symbol: string;
  readonly crc: string | null;
  /** Weak: the module loads without it. */
  readonly weak: boolean;
  /** The module that exports it, `kernel` where none does, null where there is no file tree to tell. */
  readonly from: string | null;
}

export interface SectionView {
  readonly name: string;
  readonly type: string;
  /** Letters as readelf(1) has them. */
  readonly flags: string;
  readonly size: number;
  readonly alignment: number;
}

export interface BtfView {
  readonly kind: string;
  /** Null where it is one of the kernel's strings and the kernel's BTF is not at hand. */
  readonly name: string | null;
}

const KSYMTAB = '__ksymtab_';

/** Exports in the order of the symbol table; by the symbols that EXPORT_SYMBOL leaves (include/linux/export-internal.h). */
export function exportsView(module: KmodElf): ExportView[] {
  const { elf } = module;
  const symbols = module.symbols();
  if (!symbols) return [];
  const gplOnly = new Map<string, boolean>();
  const namespaces = new Map<string, string>();
  for (let index = 1; index < symbols.count; index++) {
    const at = symbols.nameOffset(index);
    // All of these names begin with "__k": most symbols are told apart without being read.
    if (at < 0 || elf.bytes[at] !== 0x5f || elf.bytes[at + 2] !== 0x6b) continue;
    const name = elf.nameText(at);
    const section = symbols.section(index);
    if (name.startsWith(KSYMTAB))
      gplOnly.set(name.slice(KSYMTAB.length), /^_{2,3}ksymtab_gpl/.test(elf.sectionName(section)));
    if (!name.startsWith(NAMESPACE)) continue;
    const range = elf.sectionAt(section);
    const value = Number(symbols.value(index));
    if (range && value < range.size)
      namespaces.set(name.slice(NAMESPACE.length), elf.nameText(range.offset + value));
  }
  if (gplOnly.size === 0) return [];
  const crcs = new Map(module.exports().map(({ name, crc }) => [name, crc]));
  return [...gplOnly].map(([symbol, gpl]) => ({
    symbol,
    crc: crcText(crcs.get(symbol)),
    gplOnly: gpl,
    namespace: namespaces.get(symbol) || null,
  }));
}

/** Undefined symbols in the order of the symbol table; `providerOf` names the module that exports one. */
export function importsView(module: KmodElf, providerOf: (symbol: string) => string | null): ImportView[] {
  const extended = module.extendedVersions();
  return module.undefinedSymbols().map(({ name, bind, crc }) => ({
    symbol: name,
    crc: crcText(crc === 0n ? extended.get(name) : crc),
    weak: bind === 'weak',
    from: providerOf(name),
  }));
}

function crcText(crc: bigint | undefined): string | null {
  return crc === undefined || crc === 0n ? null : `0x${crc.toString(16).padStart(8, '0')}`;
}

export function sectionsView(module: KmodElf): SectionView[] {
  return [...module.elf.sections()].map(({ name, type, flags, size, alignment }) => ({
    name,
    type: SECTION_TYPES[type] ?? `0x${type.toString(16)}`,
    flags: sectionFlags(flags),
    size,
    alignment,
  }));
}

/** Named types of the module's own BTF. Throws FormatError where that is damaged. */
export function btfView(module: KmodElf, base: Uint8Array | undefined): BtfView[] {
  const section = module.section('.BTF');
  if (!section) return [];
  return ownTypes(section, `${module.file}: .BTF`, base).map(({ kind, name }) => ({
    kind,
    name: name ?? null,
  }));
}

const NOTE_HEADER_BYTES = 12;

/** The build-id in hexadecimal digits (ld(1), --build-id); null where the module has none. */
export function buildIdOf(module: KmodElf): string | null {
  const note = module.section('.note.gnu.build-id');
  if (!note || note.length < NOTE_HEADER_BYTES) return null;
  const view = new DataView(note.buffer, note.byteOffset, note.length);
  const { littleEndian } = module.elf;
  const nameBytes = view.getUint32(0, littleEndian);
  const idBytes = view.getUint32(4, littleEndian);
  if (view.getUint32(8, littleEndian) !== NT_GNU_BUILD_ID) return null;
  const start = NOTE_HEADER_BYTES + Math.ceil(nameBytes / 4) * 4;
  return start + idBytes > note.length ? null : hexDigits(note.subarray(start, start + idBytes));
}

/** Two lower-case digits a byte. */
export function hexDigits(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
