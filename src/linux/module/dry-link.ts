import type { Ptr } from '../../cpu/layout.js';
import {
  type ElfFile,
  SHN_ABS,
  SHN_COMMON,
  SHN_LIVEPATCH,
  SHN_UNDEF,
  SHT_NOBITS,
} from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import { ENOEXEC, ENOMEM, errnoName } from '../errno.js';
import { MODULES } from '../memory-map.js';
import { isSensible, MAX_PERCPU_ALIGN } from '../mm/percpu-request.js';
import { type LayoutMemory, layoutModule, type ModuleLayout, refuseOutside } from './layout.js';
import { LoadError } from './load-error.js';
import { notZeroWords, type RelocationContext, type SymbolValue, symbolValue } from './relocate.js';
import { type PlacedModule, relocateSections, valuesIn } from './relocate-sections.js';

/** Why a module cannot be linked. */
export interface LinkFault {
  /** By its name. */
  readonly errno: string;
  readonly text: string;
  /** What the kernel logs of it. Addresses are those of a kernel that has no module yet. */
  readonly lines: readonly string[];
}

/** A module that is to be linked without a kernel. */
export interface DryModule {
  readonly elf: ElfFile;
  readonly name: string;
  /** The kernel keeps each kind of memory by itself (from 6.4 on). */
  readonly separate: boolean;
}

/** What layout_and_allocate() and move_module() refuse. */
export function memoryFault(module: DryModule): LinkFault | undefined {
  return faultOf(() => {
    const layout = layoutModule(module.elf, module.separate);
    const size = layout.memories.reduce((sum, memory) => sum + memory.size, 0);
    if (size > MODULES.size)
      throw new LoadError(ENOMEM, `it has ${size} bytes of sections, more than there is memory for modules`);
    refuseOutside(module.elf, layout, module.name);
  });
}

/** What percpu_modalloc() refuses. */
export function percpuFault({ elf, name, separate }: DryModule): LinkFault | undefined {
  const { percpu } = layoutModule(elf, separate);
  if (!percpu || percpu.size === 0 || isSensible(percpu.size, Math.min(percpu.addralign, MAX_PERCPU_ALIGN)))
    return undefined;
  const line = `${name}: Could not allocate ${percpu.size} bytes percpu data`;
  return {
    errno: errnoName(ENOMEM),
    text: `${percpu.size} bytes of per-CPU data, aligned to ${percpu.addralign}, are more than one module gets`,
    lines: [line],
  };
}

/**
 * What apply_relocations() refuses: the module is linked in memory of its own as the loader does it. `provided` says whether an
 * undefined symbol is there; which address it has makes no difference, all are in the kernel's uppermost 2 GiB.
 */
export function relocationFault(
  module: DryModule,
  provided: (name: string) => boolean,
): LinkFault | undefined {
  const { elf, name, separate } = module;
  const lines: string[] = [];
  return faultOf(() => {
    const layout = layoutModule(elf, separate);
    const { bases, end } = basesOf(layout.memories);
    const view = new DataView(imageOf(elf, layout, bases, end));
    const addresses = new Map(
      [...layout.places].map(([index, { memory, offset }]) => [index, bases[memory] + offset]),
    );
    const placed: PlacedModule = { elf, addresses, percpu: layout.percpu?.size ? 0 : undefined };
    const context: RelocationContext = {
      view,
      origin: MODULES.start,
      module: name,
      values: valuesOf(placed, provided),
      log: (line) => lines.push(line),
      // What %p prints before there are random numbers to hide addresses with.
      pointer: () => '(____ptrval____)',
      notZero: notZeroWords(separate),
    };
    relocateSections(context, placed, layout);
  }, lines);
}

function basesOf(memories: readonly LayoutMemory[]): { readonly bases: readonly Ptr[]; readonly end: Ptr } {
  const bases: Ptr[] = [];
  let end = MODULES.start;
  for (const { size } of memories) {
    bases.push(end);
    end += size;
  }
  return { bases, end };
}

function imageOf(elf: ElfFile, layout: ModuleLayout, bases: readonly Ptr[], end: Ptr): ArrayBuffer {
  const image = new Uint8Array(end - MODULES.start);
  for (const [index, { memory, offset }] of [...layout.places].sort(([a], [b]) => a - b)) {
    const section = elf.sections[index];
    if (section.type !== SHT_NOBITS) image.set(section.data, bases[memory] - MODULES.start + offset);
  }
  return image.buffer;
}

function valuesOf(placed: PlacedModule, provided: (name: string) => boolean): (SymbolValue | undefined)[] {
  const { elf } = placed;
  const defined = valuesIn(placed);
  return elf.symbols().map((symbol) => {
    switch (symbol.shndx) {
      case SHN_UNDEF:
        return symbol.index !== 0 && provided(symbol.name) ? symbolValue(MODULES.start) : 0;
      case SHN_LIVEPATCH:
      case SHN_ABS:
      case SHN_COMMON:
        return Number(BigInt.asIntN(64, symbol.value));
      default:
        return symbol.shndx < elf.sections.length ? defined(symbol) : undefined;
    }
  });
}

function faultOf(link: () => void, lines: readonly string[] = []): LinkFault | undefined {
  try {
    link();
    return undefined;
  } catch (error) {
    if (error instanceof LoadError) return { errno: errnoName(error.errno), text: error.message, lines };
    if (error instanceof FormatError) return { errno: errnoName(ENOEXEC), text: error.message, lines };
    throw error;
  }
}
