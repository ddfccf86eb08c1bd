import { EINVAL, ENOEXEC } from '../../linux/errno.js';
import { byteText } from '../byte-text.js';
import { KmodError } from '../kmod-error.js';

/** Where a section's bytes are in the file; its range was checked. Sizes and offsets in bytes. */
export interface SectionRange {
  readonly offset: number;
  readonly size: number;
}

/** Fields of a section header (gABI, "Section Header") for people who want to see all of them. */
interface SectionHeader extends SectionRange {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly alignment: number;
}

const IDENT_BYTES = 16;
const MAGIC = 0x7f454c46;

/** The kernel's longest symbol is of 512 bytes (KSYM_NAME_LEN). */
const MAX_NAME_BYTES = 16384;

/** Offsets of fields in the structures of the two classes (gABI). */
const CLASS32 = {
  header: 52,
  section: 40,
  shoff: 0x20,
  shentsize: 0x2e,
  shnum: 0x30,
  shstrndx: 0x32,
  sh: { flags: 8, offset: 16, size: 20, align: 32 },
} as const;
const CLASS64 = {
  header: 64,
  section: 64,
  shoff: 0x28,
  shentsize: 0x3a,
  shnum: 0x3c,
  shstrndx: 0x3e,
  sh: { flags: 8, offset: 24, size: 32, align: 48 },
} as const;

/**
 * An ELF file, of 32 or 64 bits and either byte order, read in place: nothing is made per section or symbol.
 * As strict as libkmod and no stricter: the file header and the names of sections have to be right; a section
 * whose range is outside the file is as good as not there.
 */
export class ElfView {
  readonly is64: boolean;
  readonly littleEndian: boolean;
  /** e_machine. */
  readonly machine: number;
  readonly sectionCount: number;
  readonly view: DataView;
  private readonly layout: typeof CLASS32 | typeof CLASS64;
  private readonly headers: number;
  private readonly names: SectionRange;

  /** Throws {@link KmodError}: ENOEXEC for what is no ELF file at all, EINVAL for a damaged one. */
  constructor(
    readonly bytes: Uint8Array,
    readonly file: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length <= IDENT_BYTES || this.view.getUint32(0) !== MAGIC)
      throw new KmodError(ENOEXEC, file, 0, 'not an ELF file');
    this.is64 = this.choice(4, 'EI_CLASS');
    this.layout = this.is64 ? CLASS64 : CLASS32;
    if (bytes.length <= this.layout.header) this.fail(0, 'the file ends in its ELF header');
    this.littleEndian = !this.choice(5, 'EI_DATA');
    this.machine = this.u16(0x12);
    this.headers = this.word(this.layout.shoff);
    this.sectionCount = this.u16(this.layout.shnum);
    this.checkHeaders();
    this.names = this.checkNames();
  }

  /** A byte that is 1 or 2: whether it is 2. */
  private choice(at: number, field: string): boolean {
    const value = this.bytes[at];
    if (value !== 1 && value !== 2) this.fail(at, `${field} is ${value}`);
    return value === 2;
  }

  private checkHeaders(): void {
    const { layout } = this;
    const size = this.u16(layout.shentsize);
    if (size !== layout.section) this.fail(layout.shentsize, `e_shentsize is ${size}, not ${layout.section}`);
    if (this.headers + this.sectionCount * layout.section > this.bytes.length)
      this.fail(layout.shoff, 'the section headers reach past the end of the file');
  }

  private checkNames(): SectionRange {
    const at = this.layout.shstrndx;
    const index = this.u16(at);
    if (index === 0 || index >= this.sectionCount) this.fail(at, `e_shstrndx: there is no section ${index}`);
    const range = this.rangeOf(index);
    if (!range) this.fail(this.headerAt(index), 'the section of names reaches past the end of the file');
    if (range.size === 0 || this.bytes[range.offset + range.size - 1] !== 0)
      this.fail(range.offset, 'the section of names does not end in a NUL');
    // The names' own header has to have a name, too.
    if (this.u32(this.headerAt(index)) >= range.size)
      this.fail(this.headerAt(index), 'sh_name is outside the section of names');
    return range;
  }

  fail(offset: number, detail: string): never {
    throw new KmodError(EINVAL, this.file, offset, detail);
  }

  u16(at: number): number {
    return this.view.getUint16(at, this.littleEndian);
  }

  u32(at: number): number {
    return this.view.getUint32(at, this.littleEndian);
  }

  /** A field of the class's address size, exactly. */
  exactWord(at: number): bigint {
    return this.is64 ? this.view.getBigUint64(at, this.littleEndian) : BigInt(this.u32(at));
  }

  /** A field of the class's address size; from 2^53 up rounded, which is past the end of any file. */
  word(at: number): number {
    if (!this.is64) return this.u32(at);
    const high = this.u32(this.littleEndian ? at + 4 : at);
    return high * 0x1_0000_0000 + this.u32(this.littleEndian ? at : at + 4);
  }

  /** The bytes of a section by its index; undefined where they are not all in the file. */
  sectionAt(index: number): SectionRange | undefined {
    if (index === 0 || index >= this.sectionCount) return undefined;
    return this.nameAt(index) < 0 ? undefined : this.rangeOf(index);
  }

  /**
   * The first section of each name, by place in `wanted`, in one pass over the headers. A section at offset 0,
   * where the ELF header is, counts as missing.
   */
  find(wanted: readonly Uint8Array[]): (SectionRange | undefined)[] {
    const found: (SectionRange | undefined)[] = wanted.map(() => undefined);
    let left = wanted.length;
    for (let index = 1; index < this.sectionCount && left > 0; index++) {
      const name = this.nameAt(index);
      if (name < 0) continue;
      const which = wanted.findIndex((text, i) => found[i] === undefined && this.isNamed(name, text));
      const range = which < 0 ? undefined : this.rangeOf(index);
      if (!range) continue;
      found[which] = range;
      left--;
    }
    return found.map((range) => (range?.offset === 0 ? undefined : range));
  }

  /** The name of a section by its index; empty where it has none. */
  sectionName(index: number): string {
    if (index === 0 || index >= this.sectionCount) return '';
    const at = this.nameAt(index);
    return at < 0 ? '' : this.nameText(at);
  }

  /** Everything in the section headers, but for the first, which stands for nothing. */
  *sections(): Generator<SectionHeader> {
    const { sh } = this.layout;
    for (let index = 1; index < this.sectionCount; index++) {
      const at = this.headerAt(index);
      yield {
        name: this.sectionName(index),
        type: this.u32(at + 4),
        flags: this.word(at + sh.flags),
        offset: this.word(at + sh.offset),
        size: this.word(at + sh.size),
        alignment: this.word(at + sh.align),
      };
    }
  }

  /** `size` bytes as byte text. */
  text(offset: number, size: number): string {
    return byteText(this.bytes.subarray(offset, offset + size));
  }

  /** The name at an offset: byte text to the next NUL or the end of the file. EINVAL where it is absurdly long. */
  nameText(offset: number): string {
    const { bytes } = this;
    const end = this.nameEnd(offset);
    let text = '';
    for (let at = offset; at < end; at++) text += String.fromCharCode(bytes[at]);
    return text;
  }

  /** Where the name at an offset ends. Without a limit, damaged tables could name the whole file at each symbol. */
  nameEnd(offset: number): number {
    const { bytes } = this;
    const limit = Math.min(bytes.length, offset + MAX_NAME_BYTES);
    let end = offset;
    while (end < limit && bytes[end] !== 0) end++;
    if (end === offset + MAX_NAME_BYTES) this.fail(offset, `a name of more than ${MAX_NAME_BYTES} bytes`);
    return end;
  }

  private headerAt(index: number): number {
    return this.headers + index * this.layout.section;
  }

  private rangeOf(index: number): SectionRange | undefined {
    const at = this.headerAt(index);
    const offset = this.word(at + this.layout.sh.offset);
    const size = this.word(at + this.layout.sh.size);
    return offset + size > this.bytes.length ? undefined : { offset, size };
  }

  /** Where a section's name is in the file, or -1. */
  private nameAt(index: number): number {
    const offset = this.u32(this.headerAt(index));
    return offset < this.names.size ? this.names.offset + offset : -1;
  }

  /** `text` ends in a NUL. */
  private isNamed(at: number, text: Uint8Array): boolean {
    for (let i = 0; i < text.length; i++) if (this.bytes[at + i] !== text[i]) return false;
    return true;
  }
}
