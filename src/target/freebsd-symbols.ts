import { FormatError } from '../formats/format-error.js';
import { ColumnReader, ColumnWriter } from './columns.js';
import type { FreebsdSymbol, FreebsdSymbolKind } from './freebsd-target.js';
import { KERNEL_HALF } from './symbol-table.js';

const KINDS: readonly FreebsdSymbolKind[] = ['function', 'data', 'vnet', 'pcpu'];

/** The stored form: kinds, lower halves of the addresses, sizes, names; in order of name. */
export function encodeFreebsdSymbols(symbols: readonly FreebsdSymbol[]): Uint8Array {
  const sorted = [...symbols].sort((a, b) => (a.name < b.name ? -1 : 1));
  const writer = new ColumnWriter(sorted.length);
  writer.u8(sorted.map(({ kind }) => KINDS.indexOf(kind)));
  writer.u32(Uint32Array.from(sorted, ({ address }) => Number(address & 0xffffffffn)));
  writer.u32(Uint32Array.from(sorted, ({ size }) => size));
  writer.names(sorted.map(({ name }) => name));
  return writer.finish();
}

/** The symbols by name. Throws FormatError where the table is damaged. */
export function decodeFreebsdSymbols(bytes: Uint8Array, file: string): ReadonlyMap<string, FreebsdSymbol> {
  const reader = new ColumnReader(bytes, file);
  const kinds = reader.u8();
  const low = reader.u32();
  const sizes = reader.u32();
  const names = reader.names().split('\0');
  const symbols = new Map<string, FreebsdSymbol>();
  for (let i = 0; i < reader.count; i++) {
    const kind = KINDS[kinds[i]];
    if (kind === undefined || names[i] === undefined)
      throw new FormatError(file, `symbol ${i}`, 0, 'neither kind nor name tell what it is');
    symbols.set(names[i], { name: names[i], address: KERNEL_HALF | BigInt(low[i]), size: sizes[i], kind });
  }
  return symbols;
}
