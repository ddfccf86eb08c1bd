import type { IndexedModule } from './graph.js';
import { hashOrder } from './hash-order.js';

/** Buckets of kmod's table of symbols. */
const BUCKETS = 2048;

/** A symbol that modules can need. */
export interface ExportedSymbol {
  readonly name: string;
  readonly crc: number;
  /** Undefined for one of the kernel image. */
  readonly owner: IndexedModule | undefined;
}

/** Symbols by name; of several of one name the last counts. */
export class SymbolTable {
  private readonly symbols = new Map<string, ExportedSymbol>();

  /** `prefix` is a character that an architecture's compiler puts before every symbol, or ''. */
  constructor(private readonly prefix: string) {}

  add(name: string, crc: number, owner: IndexedModule | undefined): void {
    this.addBare(this.withoutPrefix(name), crc, owner);
  }

  /** Adds a symbol that has no prefix. */
  addBare(name: string, crc: number, owner: IndexedModule | undefined): void {
    this.symbols.set(name, { name, crc, owner });
  }

  withoutPrefix(name: string): string {
    return this.prefix !== '' && name.startsWith(this.prefix) ? name.slice(1) : name;
  }

  /** `.name` is a function of 64-bit PowerPC's first ABI, `name` the same for everybody else. */
  find(name: string): ExportedSymbol | undefined {
    return this.symbols.get(this.withoutPrefix(name.startsWith('.') ? name.slice(1) : name));
  }

  /** Symbols of modules in the order of kmod's table. */
  *exported(): Generator<{ readonly name: string; readonly owner: IndexedModule }> {
    for (const key of hashOrder(this.symbols.keys(), BUCKETS)) {
      const { name, owner } = this.symbols.get(key)!;
      if (owner) yield { name, owner };
    }
  }
}
