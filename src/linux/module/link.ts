import type { Ptr } from '../../cpu/layout.js';
import {
  type ElfSymbol,
  type Section,
  SHF_RELA_LIVEPATCH,
  SHT_REL,
  SHT_RELA,
} from '../../formats/elf/index.js';
import { EINVAL, ENOEXEC, ENOSYS } from '../../kernel/errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { ModuleLayout } from './layout.js';
import { LoadError } from './load-error.js';
import { applyRelocations, type RelocationContext, type SymbolValue, symbolValue } from './relocate.js';
import type { Resolver } from './resolve.js';
import { hasSeparateMemories } from './this-module.js';

const KERN_ERR = 3;

/** Where the kernel keeps the copy of the file that it loads from: symbols of sections that are not loaded point into it. */
const FILE_COPY: SymbolValue = -0x3700_0000_0000;

/** Gives the symbols of the file their values (simplify_symbols). Throws LoadError where one has none. */
export function bindSymbols(module: LoadedModule, resolver: Resolver): (SymbolValue | undefined)[] {
  const byIndex = new Map(module.sections.map((section) => [section.index, section.address]));
  const percpuIndex = module.percpu
    ? module.elf.sections.findIndex((section) => section.name === '.data..percpu')
    : -1;
  const addressOf = (symbol: ElfSymbol): Ptr | undefined => {
    const value = Number(BigInt.asIntN(64, symbol.value));
    if (symbol.shndx === percpuIndex) return module.percpu!.offset + value;
    const base = byIndex.get(symbol.shndx);
    return base === undefined ? undefined : base + value;
  };
  const values = resolver.values((symbol) => {
    const address = addressOf(symbol);
    if (address !== undefined) return symbolValue(address);
    return FILE_COPY + module.elf.sections[symbol.shndx].offset + Number(BigInt.asIntN(64, symbol.value));
  });
  module.placeSymbols(module.elf.symbols(), (symbol) =>
    symbol.shndx === percpuIndex || byIndex.has(symbol.shndx) ? addressOf(symbol) : undefined,
  );
  for (const owner of module.uses) owner.usedBy.unshift(module);
  return values;
}

/** apply_relocations(): what is about a section that is loaded, whatever kind of section says so. */
export function relocate(
  k: LinuxKernel,
  module: LoadedModule,
  values: readonly (SymbolValue | undefined)[],
  layout: ModuleLayout,
): void {
  const byIndex = new Map(module.sections.map((section) => [section.index, section.address]));
  const log = (line: string): void => k.log.line(line, KERN_ERR);
  const context: RelocationContext = {
    space: k.space,
    module: module.name,
    values,
    log,
    pointer: (at) => k.get(Vsprintf).hashedPointer(k.space.toAddress(at)),
    notZero: hasSeparateMemories(k) ? 'Invalid' : 'Skipping invalid',
  };
  for (const section of module.elf.sections) {
    const base = byIndex.get(section.info);
    if (base === undefined || section.index === 0) continue;
    if (section.flags & SHF_RELA_LIVEPATCH) {
      refuseLivepatchRelocations(k, section);
      continue;
    }
    if (section.type !== SHT_RELA && section.type !== SHT_REL) continue;
    if (section.type === SHT_REL) {
      const text = `module ${module.name}: REL relocation unsupported`;
      log(text);
      throw new LoadError(ENOEXEC, text);
    }
    const target = module.elf.sections[section.info];
    const { memory, offset } = layout.places.get(section.info)!;
    // The kernel does not look where the section ends.
    const size = layout.memories[memory].size - offset;
    applyRelocations(context, module.elf.relocations(section), { name: target.name, address: base, size });
  }
}

/**
 * klp_apply_section_relocs(): of a section for a module that is not loaded nothing is done yet. Throws LoadError: EINVAL for a
 * name of another form, ENOSYS for relocations of the kernel itself, which is not patched here.
 */
function refuseLivepatchRelocations(k: LinuxKernel, { name }: Section): void {
  const object = /^\.klp\.rela\.([^.]{1,55})/.exec(name)?.[1];
  if (object === undefined) {
    const text = `livepatch: section ${name} has an incorrectly formatted name`;
    k.log.line(text, KERN_ERR);
    throw new LoadError(EINVAL, text);
  }
  if (object === 'vmlinux') throw new LoadError(ENOSYS, `${name}: live patching is not implemented`);
}
