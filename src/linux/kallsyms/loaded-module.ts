import type { Ptr } from '../../cpu/layout.js';
import {
  type ElfFile,
  type ElfSymbol,
  type Section,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOBITS,
} from '../../formats/elf/index.js';
import type { Modinfo } from '../../formats/modinfo.js';
import type { ModuleLayout } from '../module/layout.js';
import { TAINT_FLAGS, Taint } from './taint.js';

/** enum module_state, by the names /proc/modules uses. */
export type ModuleState = 'Unformed' | 'Loading' | 'Live' | 'Unloading';

/** A section of a module in guest memory. */
export interface PlacedSection {
  readonly name: string;
  readonly index: number;
  readonly address: Ptr;
  readonly size: number;
  /** In memory that is freed after init. */
  readonly init: boolean;
}

/** A stretch of module memory, one allocation (module_layout; from 6.4 on module_memory). */
interface ModuleMemory {
  readonly base: Ptr;
  readonly size: number;
  readonly init: boolean;
  /** Bytes of code at its start, up to the end of a page. */
  readonly textSize: number;
}

/** A symbol that a module offers to others. */
export interface ModuleExport {
  readonly name: string;
  readonly address: Ptr;
  readonly crc: number | undefined;
  readonly gplOnly: boolean;
  readonly namespace: string;
}

interface AddressedSymbol {
  readonly address: Ptr;
  readonly name: string;
  readonly isFunction: boolean;
  /** nm's letter of the section that it is in, as the kernel chooses it (elf_type()). */
  readonly letter: string;
}

function letterOf({ flags, type }: Section): string {
  if (flags & SHF_EXECINSTR) return 't';
  if (type === SHT_NOBITS) return 'b';
  return flags & SHF_WRITE ? 'd' : 'r';
}

/** Where the last symbol before the end of code, or of the memory, ends. */
function endOf({ base, size, textSize }: ModuleMemory, address: Ptr): Ptr {
  return address < base + textSize ? base + textSize : base + size;
}

/** A module in the kernel's list, from the moment its sections are in memory. */
export class LoadedModule {
  state: ModuleState = 'Unformed';
  readonly taint = new Taint();
  memory: ModuleMemory[] = [];
  sections: PlacedSection[] = [];
  exports: ReadonlyMap<string, ModuleExport> = new Map();
  /** Modules whose symbols this one uses. */
  readonly uses = new Set<LoadedModule>();
  /** Modules that use this one's symbols, newest first. */
  readonly usedBy: LoadedModule[] = [];
  /** struct module, in the module's own data. */
  struct: Ptr = 0;
  /** Whether it was put into the kernel's list. */
  listed = false;
  percpu: { readonly offset: Ptr; readonly size: number } | undefined;
  /** Resolved symbol addresses, by symbol table index; those of freed init memory stay listed until init ends. */
  private symbols: AddressedSymbol[] = [];
  /** Ledger mark at the start of loading: what was allocated since may be this module's. */
  ledgerMark = 0;
  /** Where its parts are, for protections. */
  layout: ModuleLayout | undefined;
  /** Whether the module carries an appended signature. */
  signed = false;
  /** What modbox distrusts for safety's sake alone is taken as the kernel takes it. */
  lenient = false;
  /** Instructions executed when its loading began. */
  instructionsBefore = 0;

  constructor(
    readonly name: string,
    readonly file: string,
    readonly elf: ElfFile,
    readonly modinfo: Modinfo,
  ) {}

  /** Bytes as lsmod and /proc/modules show: what is in memory, init sections until they are freed. */
  get size(): number {
    return this.memory.reduce((sum, part) => sum + part.size, 0);
  }

  section(name: string): PlacedSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  contains(address: Ptr): boolean {
    return this.memory.some((part) => address >= part.base && address < part.base + part.size);
  }

  /** Whether the module has an init but no exit function: it cannot be unloaded. */
  get permanent(): boolean {
    return this.hasInit && !this.hasExit;
  }

  hasInit = false;
  hasExit = false;

  /** `(OE+)`: taints and state, as oopses list modules; '' when there is nothing to say. */
  flagLetters(): string {
    const state = this.state === 'Loading' ? '+' : this.state === 'Unloading' ? '-' : '';
    const letters = TAINT_FLAGS.filter((flag) => flag.module && this.taint.mask & (1 << flag.bit))
      .map((flag) => flag.letter)
      .join('');
    return letters || state ? `(${letters}${state})` : '';
  }

  /** Records where the symbols of the file are now. `place` gives an address, or undefined for those without. */
  placeSymbols(symbols: readonly ElfSymbol[], place: (symbol: ElfSymbol) => Ptr | undefined): void {
    const placed: AddressedSymbol[] = [];
    for (const symbol of symbols) {
      if (symbol.name === '') continue;
      const address = place(symbol);
      if (address !== undefined) {
        const section = this.elf.sections[symbol.shndx];
        placed.push({ address, name: symbol.name, isFunction: symbol.type === 2, letter: letterOf(section) });
      }
    }
    this.symbols = placed.sort(
      (a, b) => a.address - b.address || Number(b.isFunction) - Number(a.isFunction),
    );
  }

  /** The last symbol at or before an address; its size reaches to the next one (as kallsyms has it). */
  symbolAt(
    address: Ptr,
  ): { readonly name: string; readonly offset: number; readonly size: number } | undefined {
    const { symbols } = this;
    let low = 0;
    let high = symbols.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (symbols[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    let at = low - 1;
    if (at < 0) return undefined;
    while (at > 0 && symbols[at - 1].address === symbols[at].address) at--;
    const part = this.memory.find((memory) => address >= memory.base && address < memory.base + memory.size);
    const end = Math.min(
      symbols[low]?.address ?? Number.POSITIVE_INFINITY,
      part ? endOf(part, address) : address,
    );
    return { name: symbols[at].name, offset: address - symbols[at].address, size: end - symbols[at].address };
  }

  /** Every named symbol with its address, in address order: for /proc/kallsyms. */
  symbolList(): readonly AddressedSymbol[] {
    return this.symbols;
  }

  symbolNamed(name: string): Ptr | undefined {
    return this.symbols.find((symbol) => symbol.name === name)?.address;
  }
}
