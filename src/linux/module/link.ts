import { LOGLEVEL_ERR } from '../../kernel/log.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { ModuleLayout } from './layout.js';
import { notZeroWords, type RelocationContext, type SymbolValue } from './relocate.js';
import { addressesOf, type PlacedModule, relocateSections, valuesIn } from './relocate-sections.js';
import type { Resolver } from './resolve.js';
import { hasSeparateMemories } from './this-module.js';

function placed({ elf, sections, percpu }: LoadedModule): PlacedModule {
  const addresses = new Map(sections.map((section) => [section.index, section.address]));
  return { elf, addresses, percpu: percpu?.offset };
}

/** Gives the symbols of the file their values (simplify_symbols). Throws LoadError where one has none. */
export function bindSymbols(module: LoadedModule, resolver: Resolver): (SymbolValue | undefined)[] {
  const place = placed(module);
  const values = resolver.values(valuesIn(place));
  module.placeSymbols(module.elf.symbols(), addressesOf(place));
  for (const owner of module.uses) owner.usedBy.unshift(module);
  return values;
}

/** apply_relocations(). Throws LoadError. */
export function relocate(
  k: LinuxKernel,
  module: LoadedModule,
  values: readonly (SymbolValue | undefined)[],
  layout: ModuleLayout,
): void {
  const context: RelocationContext = {
    view: k.space.view,
    origin: 0,
    module: module.name,
    values,
    log: (line) => k.log.line(line, LOGLEVEL_ERR),
    pointer: (at) => k.get(Vsprintf).hashedPointer(k.space.toAddress(at)),
    notZero: notZeroWords(hasSeparateMemories(k)),
  };
  relocateSections(context, placed(module), layout);
}
