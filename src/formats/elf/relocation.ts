import { ByteReader } from '../byte-reader.js';
import { SHT_RELA } from './constants.js';
import type { ElfReading } from './header.js';
import { type Section, SH_FIELD } from './section.js';

/** One Elf64_Rela (gABI, "Relocation"). */
export interface Relocation {
  /** In relocatable files: offset in the section that is relocated. */
  readonly offset: number;
  /** R_X86_64_*. */
  readonly type: number;
  /** Index in the symbol table that the section's sh_link names. */
  readonly symbol: number;
  readonly addend: bigint;
}

const RELA_SIZE = 24;

/**
 * The relocations of one SHT_RELA section, read in place: a module has thousands of them, so the loader
 * reads fields by index and nothing is allocated. Iterating yields {@link Relocation} objects.
 */
export class Relocations implements Iterable<Relocation> {
  readonly length: number;
  private readonly view: DataView;

  constructor(
    file: string,
    readonly section: Section,
    private readonly symbolCount: number,
    reading: ElfReading = 'strict',
  ) {
    this.view = new DataView(section.data.buffer, section.data.byteOffset, section.data.byteLength);
    this.length = Math.floor(section.data.length / RELA_SIZE);
    if (reading === 'strict') this.demandRegular(file);
  }

  private demandRegular(file: string): void {
    const { section } = this;
    const r = new ByteReader(section.data, file);
    const label = `section ${section.index} (${section.name})`;
    if (section.type !== SHT_RELA) {
      r.fail(
        `${label}: sh_type`,
        section.headerOffset + SH_FIELD.type,
        `${section.type}, need SHT_RELA (${SHT_RELA})`,
      );
    }
    if (section.entsize !== RELA_SIZE) {
      r.fail(
        `${label}: sh_entsize`,
        section.headerOffset + SH_FIELD.entsize,
        `${section.entsize}, need ${RELA_SIZE}`,
      );
    }
    if (section.size % RELA_SIZE !== 0) {
      r.fail(
        `${label}: sh_size`,
        section.headerOffset + SH_FIELD.size,
        `${section.size} is not a multiple of ${RELA_SIZE}`,
      );
    }
    this.check(r, label);
  }

  private check(r: ByteReader, label: string): void {
    for (let i = 0; i < this.length; i++) {
      const at = i * RELA_SIZE;
      if (this.view.getUint32(at + 4, true) >= 0x20_0000) {
        r.fail(`${label}: relocation ${i}: r_offset`, this.section.offset + at, 'is not a possible offset');
      }
      if (this.symbol(i) >= this.symbolCount) {
        const detail = `symbol ${this.symbol(i)} of ${this.symbolCount} does not exist`;
        r.fail(`${label}: relocation ${i}: r_info`, this.section.offset + at + 8, detail);
      }
    }
  }

  offset(i: number): number {
    const at = i * RELA_SIZE;
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 0x1_0000_0000;
  }

  type(i: number): number {
    return this.view.getUint32(i * RELA_SIZE + 8, true);
  }

  symbol(i: number): number {
    return this.view.getUint32(i * RELA_SIZE + 12, true);
  }

  addend(i: number): bigint {
    return this.view.getBigInt64(i * RELA_SIZE + 16, true);
  }

  /** The addend as a number: exact up to 2^53, which is every addend that a compiler writes. */
  addendNumber(i: number): number {
    const at = i * RELA_SIZE + 16;
    return this.view.getInt32(at + 4, true) * 0x1_0000_0000 + this.view.getUint32(at, true);
  }

  *[Symbol.iterator](): Iterator<Relocation> {
    for (let i = 0; i < this.length; i++) {
      yield { offset: this.offset(i), type: this.type(i), symbol: this.symbol(i), addend: this.addend(i) };
    }
  }
}
