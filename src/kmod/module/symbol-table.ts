import type { ElfView, SectionRange } from './elf-view.js';

/** Offsets of a symbol's fields (gABI, "Symbol Table"). */
const SYMBOL32 = { size: 16, value: 4, info: 12, shndx: 14 } as const;
const SYMBOL64 = { size: 24, value: 8, info: 4, shndx: 6 } as const;

/** `.symtab` and `.strtab` in place. A symbol is told by its index. */
export class SymbolTable {
  readonly count: number;
  private readonly layout: typeof SYMBOL32 | typeof SYMBOL64;

  constructor(
    private readonly elf: ElfView,
    private readonly symbols: SectionRange,
    private readonly strings: SectionRange,
  ) {
    this.layout = elf.is64 ? SYMBOL64 : SYMBOL32;
    this.count = Math.floor(symbols.size / this.layout.size);
  }

  /** Whether the section holds whole symbols. */
  get whole(): boolean {
    return this.symbols.size % this.layout.size === 0;
  }

  /** Where a symbol is in the file. */
  at(index: number): number {
    return this.symbols.offset + index * this.layout.size;
  }

  /** Where its name is in the file; -1 where that is outside .strtab. */
  nameOffset(index: number): number {
    const offset = this.elf.u32(this.at(index));
    return offset < this.strings.size ? this.strings.offset + offset : -1;
  }

  /** st_shndx. */
  section(index: number): number {
    return this.elf.u16(this.at(index) + this.layout.shndx);
  }

  /** st_value. */
  value(index: number): bigint {
    return this.elf.exactWord(this.at(index) + this.layout.value);
  }

  /** STB_*. */
  binding(index: number): number {
    return this.elf.bytes[this.at(index) + this.layout.info] >> 4;
  }

  /** STT_*. */
  type(index: number): number {
    return this.elf.bytes[this.at(index) + this.layout.info] & 15;
  }
}
