import { ColumnReader, ColumnWriter } from './columns.js';
import type { KallsymsTable } from './image/kallsyms.js';
import type { KernelSymbol, KernelSymbols } from './kernel-symbols.js';

/** Above the absolute (per-CPU and constant) symbols, the upper half of every kernel address. */
const KERNEL_HALF = 0xffffffff00000000n;

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

/** The symbols of a kernel over their stored form. Names are looked for in the text of all of them. */
export class SymbolTable implements KernelSymbols {
  readonly count: number;
  private readonly low: Uint32Array;
  private readonly types: Uint8Array;
  private readonly text: string;
  /** The first symbol that is not absolute. */
  private readonly firstKernel: number;
  private starts: Uint32Array | undefined;
  /** Answers of `lookup`: finding a name means reading the text, and every boot asks for the same ones. */
  private readonly found = new Map<string, KernelSymbol | null>();

  constructor(bytes: Uint8Array, file: string) {
    const reader = new ColumnReader(bytes, file);
    this.count = reader.count;
    const high = reader.u8();
    this.firstKernel = high.includes(1) ? high.indexOf(1) : this.count;
    this.types = reader.u8();
    this.low = reader.ascending();
    this.text = reader.names();
  }

  lookup(name: string): KernelSymbol | undefined {
    const known = this.found.get(name);
    if (known !== undefined) return known ?? undefined;
    const at = this.find(name, 0);
    const symbol = at < 0 ? undefined : this.at(this.indexOfText(at));
    this.found.set(name, symbol ?? null);
    return symbol;
  }

  lookupAll(name: string): readonly KernelSymbol[] {
    const found: KernelSymbol[] = [];
    for (let at = this.find(name, 0); at >= 0; at = this.find(name, at + 1))
      found.push(this.at(this.indexOfText(at)));
    return found;
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

  /** Where in the text `name` stands as a whole, or -1. */
  private find(name: string, from: number): number {
    if (from === 0 && this.text.startsWith(`${name}\0`)) return 0;
    const at = this.text.indexOf(`\0${name}\0`, from === 0 ? 0 : from - 1);
    return at < 0 ? -1 : at + 1;
  }

  private nameStarts(): Uint32Array {
    if (this.starts === undefined) {
      this.starts = new Uint32Array(this.count + 1);
      for (let i = 0, at = 0; i < this.count; i++) {
        at = this.text.indexOf('\0', at) + 1;
        this.starts[i + 1] = at;
      }
    }
    return this.starts;
  }

  private indexOfText(at: number): number {
    const starts = this.nameStarts();
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (starts[middle] < at) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
