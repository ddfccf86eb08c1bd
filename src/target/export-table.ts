import { ColumnReader, ColumnWriter } from './columns.js';
import type { ExportedSymbol, ExportKind } from './target.js';

const KINDS: readonly ExportKind[] = ['function', 'data', 'percpu'];
const KERNEL_HALF = 0xffffffff00000000n;

/** The stored form: exports in order of name; the names of the namespaces follow those of the symbols. */
export function encodeExports(exports: readonly ExportedSymbol[]): Uint8Array {
  const sorted = [...exports].sort((a, b) => (a.name < b.name ? -1 : 1));
  const namespaces = [...new Set(sorted.map((e) => e.namespace))].filter((name) => name !== '');
  const writer = new ColumnWriter(sorted.length);
  writer.u8(sorted.map((e) => KINDS.indexOf(e.kind) | (e.gplOnly ? 4 : 0)));
  writer.u8(sorted.map((e) => (e.namespace === '' ? 0 : namespaces.indexOf(e.namespace) + 1)));
  writer.u32(Uint32Array.from(sorted, (e) => Number(e.address & 0xffffffffn)));
  writer.u32(Uint32Array.from(sorted, (e) => e.size));
  writer.u32(Uint32Array.from(sorted, (e) => e.crc));
  writer.names([...sorted.map((e) => e.name), ...namespaces]);
  return writer.finish();
}

export function decodeExports(bytes: Uint8Array, file: string): Map<string, ExportedSymbol> {
  const reader = new ColumnReader(bytes, file);
  const flags = reader.u8();
  const namespaceOf = reader.u8();
  const low = reader.u32();
  const sizes = reader.u32();
  const crcs = reader.u32();
  const names = reader.names().split('\0');
  const exports = new Map<string, ExportedSymbol>();
  for (let i = 0; i < reader.count; i++) {
    const kind = KINDS[flags[i] & 3];
    exports.set(names[i], {
      name: names[i],
      address: (kind === 'percpu' ? 0n : KERNEL_HALF) | BigInt(low[i]),
      size: sizes[i],
      crc: crcs[i],
      gplOnly: (flags[i] & 4) !== 0,
      namespace: namespaceOf[i] === 0 ? '' : names[reader.count + namespaceOf[i] - 1],
      kind,
    });
  }
  return exports;
}
