import type { ElfFile } from '../../formats/elf/index.js';
import type { KallsymsTable } from './kallsyms.js';
import { type ImageSection, imageSections, type KernelImage, sectionAt } from './kernel-image.js';
import { findReferences, type ReferenceTable } from './references.js';

/** An image as its vmlinux has it, in memory. Its references are found when they are first asked for, which takes seconds. */
export class VmlinuxImage implements KernelImage {
  readonly sections: readonly ImageSection[];
  private referenceTable: ReferenceTable | undefined;

  constructor(
    private readonly elf: ElfFile,
    private readonly symbols: KallsymsTable,
  ) {
    this.sections = imageSections(elf);
  }

  get references(): ReferenceTable {
    this.referenceTable ??= findReferences(
      this.sections,
      ({ name }) => this.elf.section(name)!.data,
      this.symbols.names.map((name, i) => ({
        name,
        address: Number(this.symbols.addresses[i] & 0xffff_ffffn),
      })),
    );
    return this.referenceTable;
  }

  read(address: number, size: number): Uint8Array {
    const out = new Uint8Array(size);
    const section = sectionAt(this.sections, address);
    if (!section || section.zero) return out;
    const from = address - section.address;
    out.set(this.elf.section(section.name)!.data.subarray(from, from + size));
    return out;
  }
}
