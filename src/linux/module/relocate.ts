import type { Ptr } from '../../cpu/layout.js';
import {
  RelocationError,
  type RelocationInput,
  type Relocations,
  relocateX8664,
  relocationName,
} from '../../formats/elf/index.js';
import { ENOEXEC } from '../errno.js';
import { IMAGE } from '../memory-map.js';
import { LoadError } from './load-error.js';

/**
 * A symbol's value as a signed 64-bit number: kernel addresses are negative, per-CPU offsets small. All that fit a
 * relocation are exact, since the regions that modules refer to lie in the top 2 GiB.
 */
export type SymbolValue = number;

/** The value of a pointer into the image or module region, or of a small address. */
export function symbolValue(ptr: Ptr): SymbolValue {
  return ptr < IMAGE.start ? ptr : ptr - 0x8000_0000;
}

/** What is relocated, and in whose words its faults are told. */
export interface RelocationContext extends Omit<RelocationInput, 'valueOf'> {
  /** Name of the module. */
  readonly module: string;
  log(line: string): void;
  /** How `%p` prints an address. */
  pointer(at: Ptr): string;
  /** How the kernel begins its complaint of a place that is not zero. */
  readonly notZero: string;
}

/** How kernels begin their complaint; those that keep each kind of a module's memory by itself in another word. */
export function notZeroWords(separate: boolean): string {
  return separate ? 'Invalid' : 'Skipping invalid';
}

/** The memory that a relocation section is about. */
interface RelocatedSection {
  readonly name: string;
  readonly address: Ptr;
  /** Bytes from `address` on that are the module's. */
  readonly size: number;
}

/**
 * Applies one SHT_RELA section to memory (apply_relocate_add of arch/x86/kernel/module.c). Pages need not be writable yet:
 * bytes are written as the loader's. Throws LoadError (ENOEXEC).
 */
export function applyRelocations(
  context: RelocationContext,
  relocations: Relocations,
  target: RelocatedSection,
): void {
  try {
    relocateX8664(relocations, target, { ...context, valueOf: symbolValue });
  } catch (error) {
    if (!(error instanceof RelocationError)) throw error;
    for (const line of linesOf(context, error)) context.log(line);
    const text = reasonOf(error, relocations, target.name);
    throw new LoadError(ENOEXEC, `${relocations.section.name}: relocation ${error.index}: ${text}`);
  }
}

/** What the kernel logs. It writes wherever it is told to, and takes what lies behind the table for a symbol: of those it says nothing. */
function linesOf(context: RelocationContext, { problem, type, at, value }: RelocationError): string[] {
  const { module, notZero, pointer } = context;
  switch (problem) {
    case 'unknown-type':
      return [`module: ${module}: Unknown rela relocation: ${type}`];
    case 'not-zero': {
      const place = `type ${type}, loc ${pointer(at)}, val ${hex64(value)}`;
      return [`module: x86/modules: ${notZero} relocation target, existing value is nonzero for ${place}`];
    }
    case 'overflow':
      return [
        `module: overflow in relocation type ${type} val ${hex64(value)}`,
        `module: \`${module}' likely not compiled with -mcmodel=kernel`,
      ];
    case 'outside':
    case 'no-symbol':
      return [];
  }
}

function reasonOf(
  { problem, type, index }: RelocationError,
  relocations: Relocations,
  section: string,
): string {
  switch (problem) {
    case 'outside':
      return `r_offset 0x${relocations.offset(index).toString(16)} is past the end of ${section}`;
    case 'no-symbol':
      return `symbol ${relocations.symbol(index)} does not exist`;
    case 'unknown-type':
      return `unknown relocation ${relocationName(type)}`;
    case 'not-zero':
      return 'what it is to write to is not zero';
    case 'overflow':
      return `${relocationName(type)} does not reach its symbol`;
  }
}

function hex64(value: number): string {
  return BigInt.asUintN(64, BigInt(value)).toString(16);
}
