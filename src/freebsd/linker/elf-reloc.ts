import {
  R_X86_64_32,
  R_X86_64_32S,
  R_X86_64_64,
  R_X86_64_NONE,
  R_X86_64_PC32,
  R_X86_64_PC64,
  R_X86_64_PLT32,
} from '../../formats/elf/constants.js';

/** Where a relocation writes and what: `value` is S + A, as an address. */
export interface Place {
  readonly view: DataView;
  /** Offset in `view`. */
  readonly at: number;
  /** The place's own address. */
  readonly address: bigint;
}

/** Whether the kernel knows relocations of a type (elf_reloc(), sys/amd64/amd64/elf_machdep.c). */
export function isKnownRelocation(type: number): boolean {
  return RELATIVE.has(type) || ABSOLUTE_32.has(type) || type === R_X86_64_64 || type === R_X86_64_NONE;
}

const RELATIVE: ReadonlySet<number> = new Set([R_X86_64_PC32, R_X86_64_PLT32, R_X86_64_PC64]);
const ABSOLUTE_32: ReadonlySet<number> = new Set([R_X86_64_32, R_X86_64_32S]);

/** Bytes that a relocation of a type writes. */
export function widthOf(type: number): 4 | 8 {
  return type === R_X86_64_64 || type === R_X86_64_PC64 ? 8 : 4;
}

/** Writes S + A, or S + A - P, as the kernel does: nothing is checked for reach, and what stood there is not looked at. */
export function applyRelocation(type: number, { view, at, address }: Place, value: bigint): void {
  const result = RELATIVE.has(type) ? value - address : value;
  if (widthOf(type) === 8) view.setBigUint64(at, BigInt.asUintN(64, result), true);
  else view.setUint32(at, Number(BigInt.asUintN(32, result)), true);
}
