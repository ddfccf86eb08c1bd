import { ByteReader } from './byte-reader.js';
import type { ElfFile } from './elf/index.js';
import { FormatError } from './format-error.js';
import { decodeUtf8 } from './string-table.js';

/** The version (CRC of its prototype) of a symbol that a module was built against. */
interface SymbolVersion {
  readonly name: string;
  readonly crc: number;
}

const ENTRY_SIZE = 64;
const NAME_SIZE = ENTRY_SIZE - 8;

/**
 * Versions of the symbols that a module was built against: `__versions`, or, where the module has it, the extended
 * form, which kernels that know it rely on (see {@link parseExtendedModversions}).
 */
export function parseModversions(elf: ElfFile): SymbolVersion[] {
  const { versions, unnamed } = parseExtendedModversions(elf);
  if (versions.length > 0) {
    if (unnamed > 0)
      throw new FormatError(elf.file, EXTENDED_NAMES, 0, `has no names for ${unnamed} versions`);
    return [...versions];
  }
  const section = elf.section('__versions');
  return section === undefined ? [] : parseVersions(section.data, elf.file);
}

/**
 * `__versions`: struct modversion_info entries, an unsigned long CRC and a name of 56 bytes
 * (include/linux/module.h).
 */
function parseVersions(bytes: Uint8Array, file: string): SymbolVersion[] {
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

/**
 * The same as the kernel reads it: whole entries only, a name that goes on behind its 56 bytes, and all 64 bits of the CRC,
 * though no symbol has one of more than 32.
 */
export function kernelVersions(bytes: Uint8Array): SymbolVersion[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / ENTRY_SIZE) }, (_, i) => {
    const at = i * ENTRY_SIZE;
    const end = bytes.indexOf(0, at + 8);
    const crc = view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
    return { name: decodeUtf8(bytes.subarray(at + 8, end < 0 ? bytes.length : end)), crc };
  });
}

/** What the sections of the extended form hold. */
interface ExtendedModversions {
  readonly versions: readonly SymbolVersion[];
  /** So many CRCs have no name: the names end too early. */
  readonly unnamed: number;
}

const EXTENDED_CRCS = '__version_ext_crcs';
const EXTENDED_NAMES = '__version_ext_names';

/**
 * The extended form, for names of any length (CONFIG_EXTENDED_MODVERSIONS, Documentation/kbuild/modules.rst): 32-bit CRCs in
 * `__version_ext_crcs`, and in `__version_ext_names` a name that ends in NUL for each of them. Empty unless a module has both.
 */
export function parseExtendedModversions(elf: ElfFile): ExtendedModversions {
  const crcs = elf.section(EXTENDED_CRCS)?.data;
  const names = elf.section(EXTENDED_NAMES)?.data;
  if (crcs === undefined || names === undefined) return { versions: [], unnamed: 0 };
  const r = new ByteReader(crcs, `${elf.file}: ${EXTENDED_CRCS}`);
  const count = Math.floor(crcs.length / 4);
  const versions: SymbolVersion[] = [];
  for (let nameAt = 0; versions.length < count; ) {
    const end = names.indexOf(0, nameAt);
    if (end < 0) break;
    versions.push({
      name: decodeUtf8(names.subarray(nameAt, end)),
      crc: r.u32(versions.length * 4, 'crc'),
    });
    nameAt = end + 1;
  }
  return { versions, unnamed: count - versions.length };
}

/** CRCs by name; of several entries of one name the kernel takes the first. */
export function crcsByName(versions: readonly SymbolVersion[]): ReadonlyMap<string, number> {
  const crcs = new Map<string, number>();
  for (const { name, crc } of versions) if (!crcs.has(name)) crcs.set(name, crc);
  return crcs;
}
