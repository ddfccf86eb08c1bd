import type { ElfView, SectionRange } from './elf-view.js';

/** A symbol and the CRC of its type; as wide as the file has it (64 bits), though CRCs have 32. */
export interface SymbolCrc {
  /** Byte text. */
  readonly name: string;
  readonly crc: bigint;
}

/** sizeof(struct modversion_info), of either class: an unsigned long and the name. */
export const VERSION_BYTES = 64;

/** `__versions` in place: which CRC the module wants of each symbol (include/linux/module.h). */
export class VersionTable {
  readonly count: number;
  private readonly crcBytes: number;

  constructor(
    private readonly elf: ElfView,
    private readonly range: SectionRange,
  ) {
    this.crcBytes = elf.is64 ? 8 : 4;
    this.count = Math.floor(range.size / VERSION_BYTES);
  }

  /** Whether the section holds whole entries. */
  get whole(): boolean {
    return this.range.size % VERSION_BYTES === 0;
  }

  at(index: number): number {
    return this.range.offset + index * VERSION_BYTES;
  }

  nameOffset(index: number): number {
    return this.at(index) + this.crcBytes;
  }

  /** Whether the name ends within its entry. */
  nameEnds(index: number): boolean {
    const { bytes } = this.elf;
    for (let at = this.at(index + 1) - 1; at >= this.nameOffset(index); at--)
      if (bytes[at] === 0) return true;
    return false;
  }

  crc(index: number): bigint {
    return this.elf.exactWord(this.at(index));
  }
}
