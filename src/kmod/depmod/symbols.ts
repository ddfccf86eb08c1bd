import type { GraphModule } from './graph.js';
import { hashOrder } from './hash-order.js';
import { type KernelSymbols, withoutPrefix } from './kernel-symbols.js';

/** Buckets of kmod's table of symbols. */
const BUCKETS = 2048;

/** A symbol that modules can need. */
interface ExportedSymbol {
  readonly name: string;
  readonly crc: number;
  /** Undefined for one of the kernel image. */
  readonly owner: GraphModule | undefined;
}

/** Symbols by name; of several of one name the last counts. */
export class SymbolTable {
  private readonly symbols = new Map<string, ExportedSymbol>();

  /** `prefix` is a character that an architecture's compiler puts before every symbol, or ''. */
  constructor(private readonly prefix: string) {}

  add(name: string, crc: number, owner: GraphModule | undefined): void {
    this.addBare(withoutPrefix(name, this.prefix), crc, owner);
  }

  /** Adds a symbol that has no prefix. */
  addBare(name: string, crc: number, owner: GraphModule | undefined): void {
    this.symbols.set(name, { name, crc, owner });
  }

  /** Adds the kernel's own symbols, and those that its loader makes up. */
  addKernel({ symbols }: KernelSymbols): void {
    for (const { name, crc } of symbols) this.addBare(name, crc, undefined);
    for (const name of ['__this_module', '_GLOBAL_OFFSET_TABLE_']) this.addBare(name, 0, undefined);
    // What 64-bit PowerPC's second ABI has for the global offset table.
    if (!this.find('TOC.')) this.addBare('TOC.', 0, undefined);
  }

  /** `.name` is a function of 64-bit PowerPC's first ABI, `name` the same for everybody else. */
  find(name: string): ExportedSymbol | undefined {
    return this.symbols.get(withoutPrefix(name.startsWith('.') ? name.slice(1) : name, this.prefix));
  }

  /** Symbols of modules in the order of kmod's table. */
  *exported(): Generator<{ readonly name: string; readonly owner: GraphModule }> {
    for (const key of hashOrder(this.symbols.keys(), BUCKETS)) {
      const { name, owner } = this.symbols.get(key)!;
      if (owner) yield { name, owner };
    }
  }
}
