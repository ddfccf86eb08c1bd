import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS } from '../../formats/elf/constants.js';
import type { ElfFile } from '../../formats/elf/index.js';
import type { ReferenceTable } from './references.js';

/**
 * A section of a kernel image. Addresses are the lower 32 bits of a kernel address: 0x81000000 is _text, and the per-CPU section
 * begins at 0.
 */
export interface ImageSection {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly write: boolean;
  readonly execute: boolean;
  /** Zeros that the file does not hold. */
  readonly zero: boolean;
}

/**
 * The code and data of a target's own kernel (vmlinux): what its functions can be run from. It belongs to the kernel's owners and is
 * the user's copy: modbox neither ships nor prints any of it.
 */
export interface KernelImage {
  readonly sections: readonly ImageSection[];
  /**
   * `size` bytes as the file has them, from an address within a section on. Where the section ends before, or holds zeros alone, the
   * rest is 0.
   */
  read(address: number, size: number): Uint8Array;
  /** What its code refers to. */
  readonly references: ReferenceTable;
  /** What was found out about it by work that is worth keeping; undefined where nothing is kept. */
  readonly findings?: Findings;
}

/** What was found out about an image, by a key that says how. It may be gone the next time: then it is found out again. */
export interface Findings {
  get(key: string): Uint8Array | undefined;
  put(key: string, found: Uint8Array): void;
}

/** Sections that nothing reads once the target's facts are known, or that only an unwinder or a boot of real hardware needs. */
const UNUSED =
  /^(\.BTF|\.orc_\w+|\.orc_unwind_ip|\.notes|__ksymtab(_gpl|_strings)?|__kcrctab(_gpl)?|\.smp_locks|\.retpoline_sites|\.return_sites|\.call_sites|\.ibt_endbr_seal|\.x86_cpu_dev\.init|\.apicdrivers|\.brk|\.init\.scratch|\.data_nosave)$/;

/** The sections of a vmlinux that a machine may need, in order of address. */
export function imageSections(elf: ElfFile): ImageSection[] {
  return elf.sections
    .filter(({ flags, size, name }) => (flags & SHF_ALLOC) !== 0 && size > 0 && !UNUSED.test(name))
    .map(({ name, addr, size, flags, type }) => ({
      name,
      address: Number(addr & 0xffff_ffffn),
      size,
      write: (flags & SHF_WRITE) !== 0,
      execute: (flags & SHF_EXECINSTR) !== 0,
      zero: type === SHT_NOBITS,
    }))
    .sort((a, b) => a.address - b.address);
}

/** The section that an address is in. */
export function sectionAt(sections: readonly ImageSection[], address: number): ImageSection | undefined {
  return sections.find((section) => address >= section.address && address < section.address + section.size);
}
