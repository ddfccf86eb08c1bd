import {
  E_MACHINE,
  EM_X86_64,
  ET_REL,
  SHF_ALLOC,
  SHT_NULL,
  SHT_SYMTAB,
} from '../../formats/elf/constants.js';
import { SHT_NOBITS } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { ENOEXEC } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { LoadError } from './load-error.js';

/** Offsets of the header's fields. */
const E_TYPE = 0x10;
const E_SHOFF = 0x28;
const E_SHENTSIZE = 0x3a;
const E_SHNUM = 0x3c;
const E_SHSTRNDX = 0x3e;

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

interface Section {
  /** Offset of its header. */
  readonly at: number;
  readonly name: number;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly offset: bigint;
  readonly size: bigint;
  readonly link: number;
}

/** Why a file is no module, in the kernel's words and with the place. */
export class InvalidElf extends FormatError {
  constructor(
    /** The line that the kernel logs. */
    readonly line: string,
    file: string,
    field: string,
    offset: number,
  ) {
    super(file, field, offset, line);
  }
}

/** elf_validity_check(): what the kernel looks at before it reads a file as a module. Throws LoadError (ENOEXEC). */
export function checkElfValidity(k: LinuxKernel, bytes: Uint8Array, path: string): void {
  try {
    demandValidElf(bytes, path);
  } catch (error) {
    if (!(error instanceof InvalidElf)) throw error;
    k.log.line(error.line, LOGLEVEL_ERR);
    throw new LoadError(ENOEXEC, error.message);
  }
}

/** The same without a kernel, in its order and words. Throws InvalidElf. */
export function demandValidElf(bytes: Uint8Array, path: string): void {
  new ElfCheck(bytes, path).run();
}

class ElfCheck {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly path: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): void {
    const { bytes, view } = this;
    if (bytes.length < HEADER_BYTES) this.refuse(`Invalid ELF header len ${bytes.length}`, 'ELF header', 0);
    if (ELF_MAGIC.some((byte, i) => bytes[i] !== byte))
      this.refuse('Invalid ELF header magic: != \x7fELF', 'e_ident', 0);
    const type = view.getUint16(E_TYPE, true);
    if (type !== ET_REL) this.refuse(`Invalid ELF header type: ${type} != ${ET_REL}`, 'e_type', E_TYPE);
    const machine = view.getUint16(E_MACHINE, true);
    if (machine !== EM_X86_64)
      this.refuse(`Invalid architecture in ELF header: ${machine}`, 'e_machine', E_MACHINE);
    if (view.getUint16(E_SHENTSIZE, true) !== SECTION_BYTES)
      this.refuse('Invalid ELF section header size', 'e_shentsize', E_SHENTSIZE);
    const at = view.getBigUint64(E_SHOFF, true);
    const count = view.getUint16(E_SHNUM, true);
    const length = BigInt(bytes.length);
    if (at >= length || BigInt(count * SECTION_BYTES) > length - at)
      this.refuse('Invalid ELF section header overflow', 'e_shoff', E_SHOFF);
    this.checkSections(Number(at), count, view.getUint16(E_SHSTRNDX, true));
  }

  private checkSections(at: number, count: number, namesIndex: number): void {
    if (namesIndex === 0 || namesIndex >= count) {
      const text = `Invalid ELF section name index: ${namesIndex} || e_shstrndx (${namesIndex}) >= e_shnum (${count})`;
      this.refuse(text, 'e_shstrndx', E_SHSTRNDX);
    }
    const sections = Array.from({ length: count }, (_, i) => this.section(at + i * SECTION_BYTES));
    const names = sections[namesIndex];
    if (!this.isInside(names))
      this.refuse(`Invalid ELF section hdr(type ${names.type})`, 'section names', names.at);
    if (names.size === 0n) this.refuse('empty section name table', 'section names', names.at);
    const end = Number(names.offset + names.size);
    if (this.bytes[end - 1] !== 0)
      this.refuse("ELF Spec violation: section name table isn't null terminated", 'section names', end - 1);
    const [first, ...others] = sections;
    if (first.type !== SHT_NULL || first.size !== 0n || first.address !== 0n) {
      const text = `ELF Spec violation: section 0 type(${first.type})!=SH_NULL or non-zero len or addr`;
      this.refuse(text, 'section 0', first.at);
    }
    for (const [i, section] of others.entries()) this.checkSection(section, i + 1, count, names.size);
  }

  private checkSection(section: Section, index: number, count: number, names: bigint): void {
    const { type, link } = section;
    if (type === SHT_NULL || type === SHT_NOBITS) return;
    const refuse = (text: string): never => this.refuse(text, `section ${index}`, section.at);
    if (type === SHT_SYMTAB && (link === 0 || link >= count))
      refuse(`Invalid ELF sh_link!=SHN_UNDEF(${link}) or (sh_link(${link}) >= hdr->e_shnum(${count})`);
    if (!this.isInside(section)) refuse(`Invalid ELF section in module (section ${index} type ${type})`);
    if ((section.flags & SHF_ALLOC) !== 0 && BigInt(section.name) >= names)
      refuse(`Invalid ELF section name in module (section ${index} type ${type})`);
  }

  private section(at: number): Section {
    const { view } = this;
    return {
      at,
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      flags: view.getUint32(at + 8, true),
      address: view.getBigUint64(at + 16, true),
      offset: view.getBigUint64(at + 24, true),
      size: view.getBigUint64(at + 32, true),
      link: view.getUint32(at + 40, true),
    };
  }

  /** validate_section_offset() */
  private isInside({ offset, size }: Section): boolean {
    return offset + size <= BigInt(this.bytes.length);
  }

  private refuse(text: string, field: string, offset: number): never {
    throw new InvalidElf(text, this.path, field, offset);
  }
}
