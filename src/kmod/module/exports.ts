import { SHN_ABS, SHN_UNDEF } from '../../formats/elf/constants.js';
import { ENODATA } from '../../linux/errno.js';
import { KmodError } from '../kmod-error.js';
import type { ElfView, SectionRange } from './elf-view.js';
import type { SymbolTable } from './symbol-table.js';
import type { SymbolCrc } from './versions.js';

const CRC_PREFIX = new TextEncoder().encode('__crc_');

/** What libkmod gives for a CRC that is not where its symbol points. */
const NO_CRC = 0xffff_ffff_ffff_ffffn;

/**
 * Exports by the `__crc_NAME` symbols beside them, in the order of the symbol table; undefined where there are none
 * or the table is damaged, and the names of __ksymtab_strings have to do.
 */
export function exportsWithCrc(elf: ElfView, symbols: SymbolTable): SymbolCrc[] | undefined {
  const found: SymbolCrc[] = [];
  for (let index = 1; index < symbols.count; index++) {
    const name = symbols.nameOffset(index);
    if (name < 0) return undefined;
    if (!isCrcName(elf.bytes, name)) continue;
    found.push({ name: elf.nameText(name + CRC_PREFIX.length), crc: crcOf(elf, symbols, index) });
  }
  return found.length === 0 ? undefined : found;
}

function isCrcName(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < CRC_PREFIX.length; i++) if (bytes[at + i] !== CRC_PREFIX[i]) return false;
  return true;
}

/** An absolute symbol's value is the CRC; since Linux 4.x others say where in a section it is. */
function crcOf(elf: ElfView, symbols: SymbolTable, index: number): bigint {
  const section = symbols.section(index);
  const value = symbols.value(index);
  if (section === SHN_UNDEF || section === SHN_ABS) return value;
  const range = elf.sectionAt(section);
  if (!range || value + 4n > BigInt(range.size)) return NO_CRC;
  return BigInt(elf.u32(range.offset + Number(value)));
}

/** The strings of `__ksymtab_strings`, names of exports (and of namespaces), without CRCs. */
export function exportsByName(elf: ElfView, range: SectionRange | undefined): SymbolCrc[] {
  if (!range) throw new KmodError(ENODATA, elf.file, 0, 'neither __crc_ symbols nor __ksymtab_strings');
  const { offset, size } = range;
  const text = elf.text(offset, size).replace(/^\0+/, '');
  if (text.length <= 1) return [];
  if (!text.endsWith('\0')) elf.fail(offset + size - 1, '__ksymtab_strings does not end in a NUL');
  return text
    .split('\0')
    .filter(Boolean)
    .map((name) => ({ name, crc: 0n }));
}
