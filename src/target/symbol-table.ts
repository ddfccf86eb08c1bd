import { ColumnReader, ColumnWriter } from './columns.js';
import type { KallsymsTable } from './image/kallsyms.js';
import type { KernelSymbol, KernelSymbols } from './kernel-symbols.js';

/** Above the absolute (per-CPU and constant) symbols, the upper half of every kernel address. */
export const KERNEL_HALF = 0xffffffff00000000n;

/** The stored form: in order of address, how many are absolute, letters, lower address halves, names. */
export function encodeSymbols(table: KallsymsTable): Uint8Array {
  const order = table.names.map((_, i) => i);
  order.sort((a, b) =>
    table.addresses[a] < table.addresses[b] ? -1 : table.addresses[a] > table.addresses[b] ? 1 : a - b,
  );
  const writer = new ColumnWriter(order.length);
  const high = order.map((i) => (table.addresses[i] >= KERNEL_HALF ? 1 : 0));
  writer.u8(high);
  writer.u8(order.map((i) => table.types.charCodeAt(i)));
  writer.ascending(Uint32Array.from(order, (i) => Number(table.addresses[i] & 0xffffffffn)));
  writer.names(order.map((i) => table.names[i]));
  return writer.finish();
}

/** FNV-1a. */
const HASH_SEED = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

interface NameIndex {
  readonly starts: Uint32Array;
  /** Open addressing: index of a symbol plus 1, 0 where free. Symbols of one name stand in their order. */
  readonly slots: Uint32Array;
}

/** The symbols of a kernel over their stored form. The names are indexed at the first question about one. */
export class SymbolTable implements KernelSymbols {
  readonly count: number;
  private readonly low: Uint32Array;
  private readonly types: Uint8Array;
  private readonly text: string;
  /** The first symbol that is not absolute. */
  private readonly firstKernel: number;
  private names: NameIndex | undefined;

  constructor(bytes: Uint8Array, file: string) {
    const reader = new ColumnReader(bytes, file);
    this.count = reader.count;
    const high = reader.u8();
    this.firstKernel = high.includes(1) ? high.indexOf(1) : this.count;
    this.types = reader.u8();
    this.low = reader.ascending();
    this.text = reader.names();
  }

  /** The first symbol of a name, in order of address. */
  lookup(name: string): KernelSymbol | undefined {
    for (const index of this.named(name)) return this.at(index);
    return undefined;
  }

  lookupAll(name: string): readonly KernelSymbol[] {
    return [...this.named(name)].map((index) => this.at(index));
  }

  nearest(address: bigint): KernelSymbol | undefined {
    if (address < KERNEL_HALF) return undefined;
    const wanted = Number(address & 0xffffffffn);
    let from = this.firstKernel;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.low[middle] <= wanted) from = middle + 1;
      else to = middle;
    }
    if (from === this.firstKernel) return undefined;
    // Of several at one address the first, as the kernel's get_symbol_pos has it.
    let index = from - 1;
    while (index > this.firstKernel && this.low[index - 1] === this.low[index]) index--;
    return this.at(index);
  }

  *all(): Generator<KernelSymbol> {
    for (let i = 0; i < this.count; i++) yield this.at(i);
  }

  private at(index: number): KernelSymbol {
    const starts = this.nameStarts();
    const high = index >= this.firstKernel ? KERNEL_HALF : 0n;
    return {
      name: this.text.slice(starts[index], starts[index + 1] - 1),
      address: high | BigInt(this.low[index]),
      size: this.sizeOf(index),
      type: String.fromCharCode(this.types[index]),
    };
  }

  private sizeOf(index: number): number {
    const end = index < this.firstKernel ? this.firstKernel : this.count;
    let next = index + 1;
    while (next < end && this.low[next] === this.low[index]) next++;
    return next < end ? this.low[next] - this.low[index] : 0;
  }

  /** The symbols of a name, lowest index first. */
  private *named(name: string): Generator<number> {
    const { slots, starts } = this.nameIndex();
    const mask = slots.length - 1;
    for (let slot = hashOf(name) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const index = slots[slot] - 1;
      const start = starts[index];
      if (starts[index + 1] - start - 1 === name.length && this.text.startsWith(name, start)) yield index;
    }
  }

  private nameStarts(): Uint32Array {
    return this.nameIndex().starts;
  }

  /** Where each name starts in the text, and a hash table of the names: one pass over the text makes both. */
  private nameIndex(): NameIndex {
    if (this.names !== undefined) return this.names;
    const { text, count } = this;
    const starts = new Uint32Array(count + 1);
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 1)));
    const mask = slots.length - 1;
    let hash = HASH_SEED;
    for (let i = 0, index = 0; index < count; i++) {
      const char = text.charCodeAt(i);
      if (char !== 0) {
        hash = Math.imul(hash ^ char, HASH_PRIME);
        continue;
      }
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = ++index;
      starts[index] = i + 1;
      hash = HASH_SEED;
    }
    this.names = { starts, slots };
    return this.names;
  }
}

function hashOf(name: string): number {
  let hash = HASH_SEED;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), HASH_PRIME);
  return hash;
}
