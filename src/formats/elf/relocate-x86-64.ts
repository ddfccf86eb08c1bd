import {
  R_X86_64_32,
  R_X86_64_32S,
  R_X86_64_64,
  R_X86_64_NONE,
  R_X86_64_PC32,
  R_X86_64_PC64,
  R_X86_64_PLT32,
} from './constants.js';
import type { Relocations } from './relocation.js';

const KNOWN: ReadonlySet<number> = new Set([
  R_X86_64_64,
  R_X86_64_PC64,
  R_X86_64_32,
  R_X86_64_32S,
  R_X86_64_PC32,
  R_X86_64_PLT32,
]);

/** Where sections are in memory, and what their relocations refer to. Addresses are numbers of the caller's kind. */
export interface RelocationInput {
  /** The memory that is written to, and the address that it begins at. */
  readonly view: DataView;
  readonly origin: number;
  /** By symbol, as signed 64-bit numbers; undefined for those that have no value. */
  readonly values: readonly (number | undefined)[];
  /** An address as a symbol's value would be. */
  readonly valueOf: (address: number) => number;
}

/** The memory that a relocation section is about. */
export interface RelocatedSection {
  readonly address: number;
  /** Bytes from `address` on that are the section's. */
  readonly size: number;
}

/** Why a relocation cannot be applied. */
export type RelocationProblem = 'outside' | 'no-symbol' | 'unknown-type' | 'not-zero' | 'overflow';

/** The relocation of that number in its section cannot be applied. */
export class RelocationError extends Error {
  override readonly name = 'RelocationError';

  constructor(
    readonly index: number,
    readonly problem: RelocationProblem,
    readonly type: number,
    /** Where it would be written: an address. */
    readonly at: number,
    /** S + A. */
    readonly value: number,
  ) {
    super(`relocation ${index}: ${problem}`);
  }
}

/**
 * Applies an SHT_RELA section to memory (System V ABI, AMD64 supplement, 4.4.1). Places must hold zeros: a file that was linked twice
 * is told so. PC-relative values are not checked for reach. Throws RelocationError at the first that cannot be applied.
 */
export function relocateX8664(
  relocations: Relocations,
  section: RelocatedSection,
  input: RelocationInput,
): void {
  for (let i = 0; i < relocations.length; i++)
    if (relocations.type(i) !== R_X86_64_NONE) apply(relocations, i, section, input);
}

function apply(
  relocations: Relocations,
  i: number,
  { address, size }: RelocatedSection,
  input: RelocationInput,
): void {
  const type = relocations.type(i);
  const offset = relocations.offset(i);
  const symbol = relocations.symbol(i);
  const at = address + offset;
  const value = (input.values[symbol] ?? 0) + relocations.addendNumber(i);
  const wide = type === R_X86_64_64 || type === R_X86_64_PC64;
  if (offset + (wide ? 8 : 4) > size) throw new RelocationError(i, 'outside', type, at, value);
  if (symbol >= input.values.length) throw new RelocationError(i, 'no-symbol', type, at, value);
  if (!KNOWN.has(type)) throw new RelocationError(i, 'unknown-type', type, at, value);
  const relative = type === R_X86_64_PC64 || type === R_X86_64_PC32 || type === R_X86_64_PLT32;
  if (!write(input, at, relative ? value - input.valueOf(at) : value, wide))
    throw new RelocationError(i, 'not-zero', type, at, value);
  if (overflows(type, value)) throw new RelocationError(i, 'overflow', type, at, value);
}

function overflows(type: number, value: number): boolean {
  if (type === R_X86_64_32) return value < 0 || value > 0xffff_ffff;
  return type === R_X86_64_32S && (value < -0x8000_0000 || value > 0x7fff_ffff);
}

/** False, and nothing is written, where the place is not zero. */
function write({ view, origin }: RelocationInput, at: number, value: number, wide: boolean): boolean {
  const place = at - origin;
  if (view.getUint32(place, true) !== 0 || (wide && view.getUint32(place + 4, true) !== 0)) return false;
  view.setUint32(place, value >>> 0, true);
  if (wide) view.setInt32(place + 4, Math.floor(value / 2 ** 32), true);
  return true;
}
