import { SHT_NOBITS } from '../../formats/elf/index.js';
import { ENOEXEC } from '../../kernel/errno.js';
import type { LinuxKernel } from '../kernel.js';
import { LoadError } from './load-error.js';

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const ET_REL = 1;
const EM_X86_64 = 62;
const SHT_NULL = 0;
const SHT_SYMTAB = 2;
const SHF_ALLOC = 2;
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

interface Section {
  readonly name: number;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly offset: bigint;
  readonly size: bigint;
  readonly link: number;
}

/**
 * elf_validity_check(): what the kernel looks at before it reads a file as a module, in its order and words. Throws
 * LoadError (ENOEXEC).
 */
export function checkElfValidity(k: LinuxKernel, bytes: Uint8Array, path: string): void {
  new ElfCheck(k, bytes, path).run();
}

class ElfCheck {
  private readonly view: DataView;

  constructor(
    private readonly k: LinuxKernel,
    private readonly bytes: Uint8Array,
    private readonly path: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): void {
    const { bytes, view } = this;
    if (bytes.length < HEADER_BYTES) this.refuse(`Invalid ELF header len ${bytes.length}`);
    if (ELF_MAGIC.some((byte, i) => bytes[i] !== byte)) this.refuse('Invalid ELF header magic: != \x7fELF');
    const type = view.getUint16(16, true);
    if (type !== ET_REL) this.refuse(`Invalid ELF header type: ${type} != ${ET_REL}`);
    const machine = view.getUint16(18, true);
    if (machine !== EM_X86_64) this.refuse(`Invalid architecture in ELF header: ${machine}`);
    if (view.getUint16(58, true) !== SECTION_BYTES) this.refuse('Invalid ELF section header size');
    const at = view.getBigUint64(40, true);
    const count = view.getUint16(60, true);
    const length = BigInt(bytes.length);
    if (at >= length || BigInt(count * SECTION_BYTES) > length - at)
      this.refuse('Invalid ELF section header overflow');
    this.checkSections(Number(at), count, view.getUint16(62, true));
  }

  private checkSections(at: number, count: number, namesIndex: number): void {
    if (namesIndex === 0 || namesIndex >= count)
      this.refuse(
        `Invalid ELF section name index: ${namesIndex} || e_shstrndx (${namesIndex}) >= e_shnum (${count})`,
      );
    const sections = Array.from({ length: count }, (_, i) => this.section(at + i * SECTION_BYTES));
    const names = sections[namesIndex];
    if (!this.isInside(names)) this.refuse(`Invalid ELF section hdr(type ${names.type})`);
    if (names.size === 0n) this.refuse('empty section name table');
    if (this.bytes[Number(names.offset + names.size) - 1] !== 0)
      this.refuse("ELF Spec violation: section name table isn't null terminated");
    const [first, ...others] = sections;
    if (first.type !== SHT_NULL || first.size !== 0n || first.address !== 0n)
      this.refuse(`ELF Spec violation: section 0 type(${first.type})!=SH_NULL or non-zero len or addr`);
    for (const [i, section] of others.entries()) this.checkSection(section, i + 1, count, names.size);
  }

  private checkSection(
    { type, link, flags, name, ...place }: Section,
    index: number,
    count: number,
    names: bigint,
  ): void {
    if (type === SHT_NULL || type === SHT_NOBITS) return;
    if (type === SHT_SYMTAB && (link === 0 || link >= count))
      this.refuse(`Invalid ELF sh_link!=SHN_UNDEF(${link}) or (sh_link(${link}) >= hdr->e_shnum(${count})`);
    if (!this.isInside(place)) this.refuse(`Invalid ELF section in module (section ${index} type ${type})`);
    if ((flags & SHF_ALLOC) !== 0 && BigInt(name) >= names)
      this.refuse(`Invalid ELF section name in module (section ${index} type ${type})`);
  }

  private section(at: number): Section {
    const { view } = this;
    return {
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
  private isInside({ offset, size }: Pick<Section, 'offset' | 'size'>): boolean {
    return offset + size <= BigInt(this.bytes.length);
  }

  private refuse(text: string): never {
    this.k.log.line(text, 3);
    throw new LoadError(ENOEXEC, `${this.path}: ${text}`);
  }
}

/** Where the kernel does not look: class, byte order and version of e_ident are taken for this machine's. */
const IDENT = [
  [4, 2],
  [5, 1],
  [6, 1],
] as const;

/** The file with e_ident as the kernel takes it to be. */
export function withOwnIdent(bytes: Uint8Array): Uint8Array {
  if (IDENT.every(([at, value]) => bytes[at] === value)) return bytes;
  const copy = Uint8Array.from(bytes);
  for (const [at, value] of IDENT) copy[at] = value;
  return copy;
}
