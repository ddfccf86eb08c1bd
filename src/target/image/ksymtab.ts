import { ByteReader } from '../../formats/byte-reader.js';
import { type ElfFile, type Section, SHF_EXECINSTR } from '../../formats/elf/index.js';
import { StringTable } from '../../formats/string-table.js';
import type { ExportedSymbol, ExportKind } from '../linux-target.js';

/**
 * struct kernel_symbol with CONFIG_HAVE_ARCH_PREL32_RELOCATIONS (include/linux/export.h): value, name and
 * namespace, each a signed 32-bit distance from the field itself. The CRC of entry n is entry n of the
 * matching __kcrctab section.
 */
const KSYMTAB_ENTRY_SIZE = 12;

/** A symbol exported by an image, before its size is known. */
export type RawExport = Omit<ExportedSymbol, 'size'>;

/** Everything in `__ksymtab` and `__ksymtab_gpl`. */
export function readExports(elf: ElfFile): RawExport[] {
  const strings = elf.section('__ksymtab_strings');
  if (strings === undefined) return [];
  const names = new StringTable(strings.data, elf.file, '__ksymtab_strings', strings.offset);
  return ['', '_gpl'].flatMap((suffix) => {
    const table = elf.section(`__ksymtab${suffix}`);
    const crcs = elf.section(`__kcrctab${suffix}`);
    return table === undefined ? [] : readTable(elf, table, crcs, strings, names, suffix === '_gpl');
  });
}

function readTable(
  elf: ElfFile,
  table: Section,
  crcs: Section | undefined,
  strings: Section,
  names: StringTable,
  gplOnly: boolean,
): RawExport[] {
  const r = new ByteReader(table.data, `${elf.file}: ${table.name}`);
  const crcReader = crcs && new ByteReader(crcs.data, `${elf.file}: ${crcs.name}`);
  if (table.size % KSYMTAB_ENTRY_SIZE !== 0)
    r.fail('size', 0, `${table.size} is not a multiple of ${KSYMTAB_ENTRY_SIZE}`);
  /** Where the relative reference at `at` points. */
  const target = (at: number, field: string): bigint =>
    BigInt.asUintN(64, table.addr + BigInt(at) + BigInt(r.i32(at, field)));
  const string = (at: number, field: string): string =>
    names.get(Number(target(at, field) - strings.addr), field, at);
  const exports: RawExport[] = [];
  for (let i = 0; i < table.size / KSYMTAB_ENTRY_SIZE; i++) {
    const at = i * KSYMTAB_ENTRY_SIZE;
    const address = target(at, 'value_offset');
    exports.push({
      name: string(at + 4, 'name_offset'),
      address,
      crc: crcReader?.u32(i * 4, 'crc') ?? 0,
      gplOnly,
      namespace: r.i32(at + 8, 'namespace_offset') === 0 ? '' : string(at + 8, 'namespace_offset'),
      kind: kindOf(elf, address),
    });
  }
  return exports;
}

/** x86-64 links per-CPU variables from address 0; everything else has its section. */
function kindOf(elf: ElfFile, address: bigint): ExportKind {
  if (address < 0x1_0000_0000n) return 'percpu';
  const section = elf.sections.find(
    (s) => s.addr !== 0n && address >= s.addr && address < s.addr + BigInt(s.size),
  );
  return section !== undefined && (section.flags & SHF_EXECINSTR) !== 0 ? 'function' : 'data';
}
