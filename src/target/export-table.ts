import { ColumnReader, ColumnWriter } from './columns.js';
import type { ExportedSymbol, ExportKind } from './linux-target.js';
import { KERNEL_HALF } from './symbol-table.js';

const KINDS: readonly ExportKind[] = ['function', 'data', 'percpu'];

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

/**
 * The exports over their stored form. The names are in order, so looking one up needs no index, and only the
 * symbols that are asked for become objects; going through all of them makes a map.
 */
export class StoredExports implements ReadonlyMap<string, ExportedSymbol> {
  readonly size: number;
  private readonly flags: Uint8Array;
  private readonly namespaceOf: Uint8Array;
  private readonly low: Uint32Array;
  private readonly sizes: Uint32Array;
  private readonly crcs: Uint32Array;
  private readonly names: readonly string[];
  private readonly made = new Map<number, ExportedSymbol>();
  private whole: Map<string, ExportedSymbol> | undefined;

  constructor(bytes: Uint8Array, file: string) {
    const reader = new ColumnReader(bytes, file);
    this.size = reader.count;
    this.flags = reader.u8();
    this.namespaceOf = reader.u8();
    this.low = reader.u32();
    this.sizes = reader.u32();
    this.crcs = reader.u32();
    this.names = reader.names().split('\0');
  }

  get(name: string): ExportedSymbol | undefined {
    const index = this.indexOf(name);
    return index < 0 ? undefined : this.at(index);
  }

  has(name: string): boolean {
    return this.indexOf(name) >= 0;
  }

  keys() {
    return this.all().keys();
  }

  values() {
    return this.all().values();
  }

  entries() {
    return this.all().entries();
  }

  [Symbol.iterator]() {
    return this.all().entries();
  }

  forEach(
    visit: (symbol: ExportedSymbol, name: string, map: ReadonlyMap<string, ExportedSymbol>) => void,
  ): void {
    for (const [name, symbol] of this.all()) visit(symbol, name, this);
  }

  private all(): Map<string, ExportedSymbol> {
    if (this.whole === undefined) {
      this.whole = new Map();
      for (let i = 0; i < this.size; i++) this.whole.set(this.names[i], this.at(i));
    }
    return this.whole;
  }

  private indexOf(name: string): number {
    let from = 0;
    let to = this.size;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.names[middle] < name) from = middle + 1;
      else to = middle;
    }
    return from < this.size && this.names[from] === name ? from : -1;
  }

  private at(i: number): ExportedSymbol {
    let symbol = this.made.get(i);
    if (symbol === undefined) {
      const kind = KINDS[this.flags[i] & 3];
      const namespace = this.namespaceOf[i];
      symbol = {
        name: this.names[i],
        address: (kind === 'percpu' ? 0n : KERNEL_HALF) | BigInt(this.low[i]),
        size: this.sizes[i],
        crc: this.crcs[i],
        gplOnly: (this.flags[i] & 4) !== 0,
        namespace: namespace === 0 ? '' : this.names[this.size + namespace - 1],
        kind,
      };
      this.made.set(i, symbol);
    }
    return symbol;
  }
}
