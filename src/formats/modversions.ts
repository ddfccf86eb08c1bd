import { ByteReader } from './byte-reader.js';
import type { ElfFile } from './elf/index.js';
import { decodeUtf8, StringTable } from './string-table.js';

/** The version (CRC of its prototype) of a symbol that a module was built against. */
export interface SymbolVersion {
  readonly name: string;
  readonly crc: number;
}

const ENTRY_SIZE = 64;
const NAME_SIZE = ENTRY_SIZE - 8;

/**
 * `__versions`: struct modversion_info entries, an unsigned long CRC and a name of 56 bytes
 * (include/linux/module.h). Where the module has the extended form (`__version_ext_crcs`, 32-bit CRCs, and
 * `__version_ext_names`, NUL-terminated names, since Linux 6.14) that is what it returns, as the kernel does.
 */
export function parseModversions(elf: ElfFile): SymbolVersion[] {
  const crcs = elf.section('__version_ext_crcs');
  const names = elf.section('__version_ext_names');
  if (crcs !== undefined && names !== undefined) return parseExtended(crcs.data, names.data, elf.file);
  const section = elf.section('__versions');
  return section === undefined ? [] : parseVersions(section.data, elf.file);
}

/** The bytes of `__versions`. */
export function parseVersions(bytes: Uint8Array, file: string): SymbolVersion[] {
  const r = new ByteReader(bytes, `${file}: __versions`);
  if (bytes.length % ENTRY_SIZE !== 0)
    r.fail('size', 0, `${bytes.length} is not a multiple of ${ENTRY_SIZE}`);
  const versions: SymbolVersion[] = [];
  for (let at = 0; at < bytes.length; at += ENTRY_SIZE) {
    const name = bytes.subarray(at + 8, at + ENTRY_SIZE);
    const end = name.indexOf(0);
    if (end < 0) r.fail(`entry ${at / ENTRY_SIZE}: name`, at + 8, `has no end within ${NAME_SIZE} bytes`);
    versions.push({ name: decodeUtf8(name.subarray(0, end)), crc: r.u32(at, 'crc') });
  }
  return versions;
}

function parseExtended(crcs: Uint8Array, names: Uint8Array, file: string): SymbolVersion[] {
  const r = new ByteReader(crcs, `${file}: __version_ext_crcs`);
  if (crcs.length % 4 !== 0) r.fail('size', 0, `${crcs.length} is not a multiple of 4`);
  const strings = new StringTable(names, `${file}: __version_ext_names`, 'name');
  const versions: SymbolVersion[] = [];
  let nameAt = 0;
  for (let at = 0; at < crcs.length; at += 4) {
    const name = strings.get(nameAt);
    nameAt = names.indexOf(0, nameAt) + 1;
    versions.push({ name, crc: r.u32(at, 'crc') });
  }
  return versions;
}
