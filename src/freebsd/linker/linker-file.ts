import type { Ptr } from '../../cpu/layout.js';

/** A symbol of a file, at its address. */
export interface FileSymbol {
  readonly name: string;
  readonly address: Ptr;
  readonly size: number;
  readonly isFunction: boolean;
  readonly isGlobal: boolean;
}

/** An allocated section of a file in memory: struct Elf_progent. */
export interface Progent {
  readonly name: string;
  readonly address: Ptr;
  readonly size: number;
  readonly flags: number;
  /** Index in the section headers. */
  readonly section: number;
}

/** A module in a file: struct module of sys/kern/kern_module.c. */
export interface KernelModule {
  readonly id: number;
  readonly name: string;
  /** What handlers get as module_t. */
  readonly handle: Ptr;
  readonly handler: Ptr;
  readonly arg: Ptr;
  readonly file: LinkerFile;
  refs: number;
  /** modspecific_t: what the module says of itself, a word. */
  specific: bigint;
}

/** A file in the kernel: struct linker_file (sys/sys/linker.h). The kernel is one itself. */
export class LinkerFile {
  refs = 1;
  userrefs = 0;
  /** Its modules run: LINKER_FILE_LINKED. */
  linked = false;
  /** It is part of the tree's own kernel, and was loaded for that: it stays, as what is built in does. */
  builtIn = false;
  readonly deps: LinkerFile[] = [];
  /** The last one to be loaded comes first. */
  readonly modules: KernelModule[] = [];
  sections: readonly Progent[] = [];
  symbols: readonly FileSymbol[] = [];
  private byName: ReadonlyMap<string, FileSymbol> | undefined;

  constructor(
    readonly id: number,
    /** `foo.ko` */
    readonly filename: string,
    readonly pathname: string,
    readonly address: Ptr,
    /** Bytes as kldstat(8) shows them. */
    readonly size: number,
    /** Bytes from `address` on that are mapped. */
    readonly mapped: number,
    /** Allocations of the file have serials from here on. */
    readonly mark: number,
    /** What guest code gets as linker_file_t. */
    readonly handle: Ptr,
  ) {}

  contains(ptr: Ptr): boolean {
    return ptr >= this.address && ptr < this.address + this.mapped;
  }

  /**
   * A symbol that it defines, a global one before others. Local ones count too, for files that use this one as well: most modules of FreeBSD
   * export all that they have that way (debug.link_elf_obj_leak_locals, which is on).
   */
  symbol(name: string): FileSymbol | undefined {
    this.byName ??= indexOf(this.symbols);
    return this.byName.get(name);
  }

  /** The last symbol that begins at or before an address. */
  symbolAt(address: Ptr): FileSymbol | undefined {
    let best: FileSymbol | undefined;
    for (const symbol of this.symbols)
      if (symbol.address <= address && (!best || symbol.address > best.address)) best = symbol;
    return best;
  }

  /** Where a linker set is: pointers to its members, `set_NAME`. */
  set(name: string): { readonly start: Ptr; readonly stop: Ptr } | undefined {
    const section = this.sections.find((one) => one.name === `set_${name}`);
    return section && { start: section.address, stop: section.address + section.size };
  }
}

function indexOf(symbols: readonly FileSymbol[]): ReadonlyMap<string, FileSymbol> {
  const found = new Map<string, FileSymbol>();
  for (const symbol of symbols) {
    const known = found.get(symbol.name);
    if (!known || (symbol.isGlobal && !known.isGlobal)) found.set(symbol.name, symbol);
  }
  return found;
}
