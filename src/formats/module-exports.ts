import { ByteReader } from './byte-reader.js';
import { type ElfFile, type ElfSymbol, SHN_ABS, SHN_UNDEF } from './elf/index.js';
import { StringTable } from './string-table.js';

/** A symbol that a module's file exports (include/linux/export.h). */
export interface ModuleExport {
  readonly name: string;
  /** Version for CONFIG_MODVERSIONS; undefined where the module has none for it. */
  readonly crc: number | undefined;
  readonly gplOnly: boolean;
  /** The namespace that importers have to name, empty for none. */
  readonly namespace: string;
}

const ENTRY = '__ksymtab_';
const CRC = '__crc_';
export const NAMESPACE = '__kstrtabns_';

/**
 * The exports of a relocatable module in the order of its symbol table: EXPORT_SYMBOL leaves `__ksymtab_NAME` in
 * section __ksymtab or __ksymtab_gpl, `__crc_NAME` and `__kstrtabns_NAME`. Throws a FormatError where those lead
 * out of their sections.
 */
export function moduleExports(elf: ElfFile): ModuleExport[] {
  const entries: ElfSymbol[] = [];
  const crcs = new Map<string, ElfSymbol>();
  const namespaces = new Map<string, ElfSymbol>();
  for (const symbol of elf.symbols()) {
    const { name } = symbol;
    if (!name.startsWith('__') || symbol.shndx === SHN_UNDEF) continue;
    if (name.startsWith(ENTRY)) entries.push(symbol);
    else if (name.startsWith(CRC)) crcs.set(name.slice(CRC.length), symbol);
    else if (name.startsWith(NAMESPACE)) namespaces.set(name.slice(NAMESPACE.length), symbol);
  }
  return entries.map((entry) => {
    const name = entry.name.slice(ENTRY.length);
    const crc = crcs.get(name);
    const namespace = namespaces.get(name);
    return {
      name,
      crc: crc && crcOf(elf, crc),
      gplOnly: elf.sections[entry.shndx]?.name.includes('_gpl') ?? false,
      namespace: namespace ? textOf(elf, namespace) : '',
    };
  });
}

/** The value itself where it is absolute (before 4.x and on some architectures since), else what it points at. */
function crcOf(elf: ElfFile, symbol: ElfSymbol): number {
  if (symbol.shndx === SHN_ABS) return Number(BigInt.asUintN(32, symbol.value));
  const section = elf.sections[symbol.shndx];
  const reader = new ByteReader(section?.data ?? new Uint8Array(), `${elf.file}: ${section?.name}`);
  return reader.u32(Number(symbol.value), symbol.name);
}

function textOf(elf: ElfFile, symbol: ElfSymbol): string {
  const section = elf.sections[symbol.shndx];
  const strings = new StringTable(section?.data ?? new Uint8Array(), elf.file, symbol.name, section?.offset);
  return strings.get(Number(symbol.value), symbol.name);
}
