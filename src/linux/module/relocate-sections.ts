import type { Ptr } from '../../cpu/layout.js';
import {
  type ElfFile,
  type ElfSymbol,
  type Section,
  SHF_RELA_LIVEPATCH,
  SHT_REL,
  SHT_RELA,
} from '../../formats/elf/index.js';
import { EINVAL, ENOEXEC, ENOSYS } from '../errno.js';
import type { ModuleLayout } from './layout.js';
import { LoadError } from './load-error.js';
import { applyRelocations, type RelocationContext, type SymbolValue, symbolValue } from './relocate.js';

/** Where the kernel keeps the copy of the file that it loads from: symbols of sections that are not loaded point into it. */
const FILE_COPY: SymbolValue = -0x3700_0000_0000;

/** Where a module's sections are. */
export interface PlacedModule {
  readonly elf: ElfFile;
  /** Addresses by the index of the section; of those that are loaded. */
  readonly addresses: ReadonlyMap<number, Ptr>;
  /** Offset of its per-CPU data, where it has any. */
  readonly percpu: number | undefined;
}

/** Where what a symbol of a section stands for is; undefined where the section is not loaded. */
export function addressesOf({
  elf,
  addresses,
  percpu,
}: PlacedModule): (symbol: ElfSymbol) => Ptr | undefined {
  const percpuIndex =
    percpu === undefined ? -1 : elf.sections.findIndex(({ name }) => name === '.data..percpu');
  return ({ shndx, value }) => {
    const within = Number(BigInt.asIntN(64, value));
    if (percpu !== undefined && shndx === percpuIndex) return percpu + within;
    const base = addresses.get(shndx);
    return base === undefined ? undefined : base + within;
  };
}

/** Values of symbols that the file defines (simplify_symbols). */
export function valuesIn(module: PlacedModule): (symbol: ElfSymbol) => SymbolValue {
  const addressOf = addressesOf(module);
  return (symbol) => {
    const address = addressOf(symbol);
    if (address !== undefined) return symbolValue(address);
    return FILE_COPY + module.elf.sections[symbol.shndx].offset + Number(BigInt.asIntN(64, symbol.value));
  };
}

/** apply_relocations(): what is about a section that is loaded, whatever kind of section says so. Throws LoadError. */
export function relocateSections(
  context: RelocationContext,
  { elf, addresses }: PlacedModule,
  layout: ModuleLayout,
): void {
  for (const section of elf.sections) {
    const base = addresses.get(section.info);
    if (base === undefined || section.index === 0) continue;
    if (section.flags & SHF_RELA_LIVEPATCH) {
      refuseLivepatchRelocations(context, section);
      continue;
    }
    if (section.type !== SHT_RELA && section.type !== SHT_REL) continue;
    if (section.type === SHT_REL) {
      const text = `module ${context.module}: REL relocation unsupported`;
      context.log(text);
      throw new LoadError(ENOEXEC, text);
    }
    const target = elf.sections[section.info];
    const { memory, offset } = layout.places.get(section.info)!;
    // The kernel does not look where the section ends.
    const size = layout.memories[memory].size - offset;
    applyRelocations(context, elf.relocations(section), { name: target.name, address: base, size });
  }
}

/**
 * klp_apply_section_relocs(): of a section for a module that is not loaded nothing is done yet. Throws LoadError: EINVAL for a
 * name of another form, ENOSYS for relocations of the kernel itself, which is not patched here.
 */
function refuseLivepatchRelocations({ log }: RelocationContext, { name }: Section): void {
  const object = /^\.klp\.rela\.([^.]{1,55})/.exec(name)?.[1];
  if (object === undefined) {
    const text = `livepatch: section ${name} has an incorrectly formatted name`;
    log(text);
    throw new LoadError(EINVAL, text);
  }
  if (object === 'vmlinux') throw new LoadError(ENOSYS, `${name}: live patching is not implemented`);
}
