import type { Insn } from '../../../cpu/decode/instruction.js';
import type { Prototype, TypeRef } from '../../../formats/btf/index.js';
import type { Layouts } from './layouts.js';

/** The code of a kernel, as far as following pointers through one of its functions needs it. Addresses are lower halves. */
export interface Program {
  readonly layouts: Layouts;
  /** Whether an address is of code. */
  isCode(address: number): boolean;
  /** Of an address of code. */
  decode(address: number): Insn;
  /** The place that an address is in: see ReferenceTable; -1 for none. */
  placeAt(address: number): number;
  /** Where a place begins, and where the next does. */
  boundsOf(place: number): readonly [start: number, end: number];
  nameOf(place: number): string;
  /** What is known of the function of a place; undefined for what the compiler made of one, and assembler. */
  prototypeOf(place: number): Prototype | undefined;
  /** Type of the per-CPU variable at an offset, and where the offset is in it. */
  perCpuAt(offset: number): { readonly type: TypeRef; readonly offset: number } | undefined;
  /** Where a branch that is patched in at an address goes. */
  patchedJump(address: number): number | undefined;
}
