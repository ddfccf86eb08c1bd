import {
  type ElfFile,
  type ElfSymbol,
  R_X86_64_64,
  R_X86_64_RELATIVE,
  SHN_UNDEF,
  SHT_DYNSYM,
} from '../elf/index.js';
import { FormatError } from '../format-error.js';
import { type ImagePart, type ImagePatch, imageAddress, type KldImage, PartedImage } from './kld-image.js';

const PT_LOAD = 1;

/**
 * The image of a kld that is a shared object (ET_DYN), and of a kernel (ET_EXEC): the segments that are loaded, at their
 * addresses. Linker sets lie between the symbols __start_set_NAME and __stop_set_NAME.
 */
export function sharedImage(elf: ElfFile): KldImage {
  const loaded = elf.segments().filter(({ type }) => type === PT_LOAD);
  if (loaded.length === 0) throw new FormatError(elf.file, 'e_phnum', 56, 'no segment is to be loaded');
  const parts: ImagePart[] = loaded.map(({ vaddr, offset, filesz, memsz }) => ({
    address: imageAddress(vaddr),
    size: memsz,
    data: elf.bytes.subarray(offset, offset + Math.min(filesz, memsz)),
  }));
  const symbols = elf.dynamicSymbols();
  const defined = new Map(symbols.filter(({ shndx }) => shndx !== SHN_UNDEF).map((s) => [s.name, s]));
  return new PartedImage(elf.file, parts, dynamicPatches(elf, symbols), (name) => {
    const start = defined.get(`__start_set_${name}`);
    const stop = defined.get(`__stop_set_${name}`);
    if (!start || !stop) return undefined;
    const address = imageAddress(start.value);
    return { address, size: Math.max(imageAddress(stop.value) - address, 0) };
  });
}

function dynamicPatches(elf: ElfFile, symbols: readonly ElfSymbol[]): readonly ImagePatch[] {
  const patches: ImagePatch[] = [];
  for (const table of elf.relocationSections()) {
    if (elf.sections[table.link]?.type !== SHT_DYNSYM) continue;
    for (const { offset, type, symbol, addend } of elf.relocations(table)) {
      if (type !== R_X86_64_64 && type !== R_X86_64_RELATIVE) continue;
      const { value, shndx } = symbols[symbol];
      const base = type === R_X86_64_RELATIVE || shndx === SHN_UNDEF ? 0n : value;
      patches.push({ address: imageAddress(BigInt(offset)), value: base + addend, wide: true });
    }
  }
  return patches;
}
