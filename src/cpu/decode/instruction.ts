/** Operand and instruction records that the decoder produces and everything after it reads. */

/** Size of an integer operand in bytes. */
export type Size = 1 | 2 | 4 | 8;

export interface RegOperand {
  readonly kind: 'reg';
  readonly reg: number;
  readonly size: Size;
  /** AH, CH, DH, BH: bits 8..15 of `reg`. */
  readonly high: boolean;
}

export type Segment = 'fs' | 'gs';

export interface MemOperand {
  readonly kind: 'mem';
  /** Register numbers, or -1. */
  readonly base: number;
  readonly index: number;
  readonly scale: 1 | 2 | 4 | 8;
  /** Signed; for RIP-relative operands the whole address (canonical addresses are exact as numbers). */
  readonly disp: number;
  readonly segment: Segment | undefined;
  /** Bytes accessed. */
  readonly size: number;
  /** 0x67 prefix: the offset is truncated to 32 bits. */
  readonly addr32: boolean;
}

export interface ImmOperand {
  readonly kind: 'imm';
  /** Sign-extended; exact unless `big` is set. */
  readonly value: number;
  /** mov r64, imm64 whose value a number cannot hold. */
  readonly big?: bigint;
}

/** XMM or YMM register. */
export interface VecOperand {
  readonly kind: 'vec';
  readonly reg: number;
  /** Bytes of it that are used. */
  readonly size: number;
}

export type Operand = RegOperand | MemOperand | ImmOperand | VecOperand;

/** What vector instructions have besides their operands. */
export interface VectorForm {
  /** Encoded with VEX: the destination's upper part is cleared rather than kept. */
  readonly vex: boolean;
  /** Bytes of a vector: 16 or 32. */
  readonly size: 16 | 32;
  readonly imm: number;
  /** Bytes that the memory operand must be aligned to (#GP); 1 if it need not be. */
  readonly align: number;
}

export interface Insn {
  /** Mnemonic; conditional instructions are 'jcc', 'setcc', 'cmovcc' with `cond`. */
  op: string;
  /** Linear offset of the first byte. */
  ptr: number;
  /** Address of the first byte, as a signed number. */
  address: number;
  length: number;
  /** Operand size. */
  size: Size;
  a: Operand | undefined;
  b: Operand | undefined;
  c: Operand | undefined;
  /** x86 condition code, 0..15. */
  cond: number;
  /** Target address of a direct branch, as a signed number. */
  target: number;
  /** 0xf3 (rep), 0xf2 (repne) or 0. */
  rep: number;
  lock: boolean;
  /** Segment override, for string instructions. */
  segment: Segment | undefined;
  addr32: boolean;
  /**
   * Present in vector instructions. Their `op` is the mnemonic without `v`; `a` is the destination, `b` the
   * first source, also where the encoding names it only once, and `d` a fourth register.
   */
  vector?: VectorForm;
  d?: Operand;
}

/** Pseudo mnemonics for what does not become code. */
export const OP_INVALID = '(invalid)';
/** Valid instruction that modbox does not translate. */
export const OP_UNIMPLEMENTED = '(unimplemented)';
/** The instruction's bytes reach into a page that is not executable. */
export const OP_FETCH_FAULT = '(fetch)';
/** More than 15 bytes. */
export const OP_TOO_LONG = '(too long)';
