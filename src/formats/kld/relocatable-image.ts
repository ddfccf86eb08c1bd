import {
  type ElfFile,
  R_X86_64_32S,
  R_X86_64_64,
  R_X86_64_NONE,
  R_X86_64_PC32,
  R_X86_64_PLT32,
  relocationName,
  type Section,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHN_ABS,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_REL,
} from '../elf/index.js';
import { FormatError } from '../format-error.js';
import { type ImagePart, type ImagePatch, type KldImage, PartedImage } from './kld-image.js';

interface PlacedSection extends ImagePart {
  readonly section: Section;
}

/** Sections end here at the latest, so that addresses are exact: no file that is read is as large. */
const IMAGE_LIMIT = 2 ** 40;

/**
 * The image of a kld that is an object file (ET_REL), as amd64 has them: its sections one behind the other, in the order of the
 * file. Only relocations in sections that pointers of metadata can be in are looked at, code's are not.
 */
export function relocatableImage(elf: ElfFile): KldImage {
  const placed = place(elf);
  const bySection = new Map(placed.map((part) => [part.section.index, part]));
  const patches: ImagePatch[] = [];
  const rel = elf.sections.find((s) => s.type === SHT_REL && bySection.has(s.info));
  if (rel)
    throw new FormatError(
      elf.file,
      `section ${rel.index} (${rel.name})`,
      rel.headerOffset,
      'SHT_REL relocations, need SHT_RELA',
    );
  for (const table of elf.relocationSections()) {
    const target = bySection.get(table.info);
    if (target && isData(target.section)) collect(elf, table, target, bySection, patches);
  }
  const sets = new Map(
    placed.filter(({ section }) => section.name.startsWith('set_')).map((p) => [p.section.name, p]),
  );
  return new PartedImage(elf.file, placed, patches, (name) => sets.get(`set_${name}`));
}

function isData({ flags }: Section): boolean {
  return (flags & SHF_ALLOC) !== 0 && (flags & SHF_EXECINSTR) === 0;
}

function place(elf: ElfFile): readonly PlacedSection[] {
  const placed: PlacedSection[] = [];
  let end = 0;
  for (const section of elf.sections) {
    if (section.type !== SHT_PROGBITS && section.type !== SHT_NOBITS) continue;
    const align = Math.max(section.addralign, 1);
    const address = Math.ceil(end / align) * align;
    end = address + section.size;
    if (!(end < IMAGE_LIMIT)) {
      throw new FormatError(
        elf.file,
        `section ${section.index} (${section.name}): sh_size`,
        section.headerOffset,
        'is too large to be in memory',
      );
    }
    placed.push({ section, address, size: section.size, data: section.data });
  }
  return placed;
}

function collect(
  elf: ElfFile,
  table: Section,
  target: PlacedSection,
  bySection: ReadonlyMap<number, PlacedSection>,
  patches: ImagePatch[],
): void {
  const relocations = elf.relocations(table);
  const symbols = elf.symbols();
  for (let i = 0; i < relocations.length; i++) {
    const type = relocations.type(i);
    if (type === R_X86_64_NONE || type === R_X86_64_PC32 || type === R_X86_64_PLT32) continue;
    const field = `section ${table.index} (${table.name}): relocation ${i}`;
    if (type !== R_X86_64_64 && type !== R_X86_64_32S)
      throw new FormatError(elf.file, field, table.offset, `${relocationName(type)} is not known in a kld`);
    const wide = type === R_X86_64_64;
    const offset = relocations.offset(i);
    if (offset + (wide ? 8 : 4) > target.size)
      throw new FormatError(elf.file, field, table.offset, `is outside of ${target.section.name}`);
    const { shndx, value } = symbols[relocations.symbol(i)];
    const base = bySection.get(shndx)?.address;
    const known = base !== undefined || shndx === SHN_ABS;
    const symbol = shndx === SHN_UNDEF || !known ? 0n : value + BigInt(base ?? 0);
    patches.push({ address: target.address + offset, value: symbol + relocations.addend(i), wide });
  }
}
