import type { Insn, Operand } from '../../decode/instruction.js';
import { Op } from '../../wasm/op.js';
import { Simd } from '../../wasm/simd.js';
import type { Translator } from '../translator.js';
import type { HelperName } from './helpers.js';
import { binary, hold, localOf, pushLane64, unary } from './operands.js';

function callHelper(t: Translator, name: HelperName): void {
  t.w.byte(Op.call);
  t.w.u32(t.helper(name));
}

/** aesenc, aesenclast, aesdec, aesdeclast; sha256msg1, sha256msg2, sha1msg2: functions of two vectors. */
export function helperOfTwo(t: Translator, insn: Insn): void {
  binary(t, insn, (_, x, y) => {
    t.w.get(x);
    t.w.get(y);
    callHelper(t, insn.op as HelperName);
  });
}

export function aesInverseMix(t: Translator, insn: Insn): void {
  unary(t, insn, (_, x) => {
    t.w.get(x);
    callHelper(t, 'aesimc');
  });
}

/** aeskeygenassist: S-box of words 1 and 3, plain and rotated, the rotated ones with the round constant. */
export function aesKeyAssist(t: Translator, insn: Insn): void {
  unary(t, insn, (_, x, imm) => {
    t.w.get(x);
    callHelper(t, 'aessubbytes');
    const s = hold(t);
    t.w.get(s);
    t.w.get(s);
    t.w.shuffle([4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12]);
    t.w.v128([0, 0, 0, 0, imm, 0, 0, 0, 0, 0, 0, 0, imm, 0, 0, 0]);
    t.w.simd(Simd.xor);
  });
}

/** pclmulqdq: bits 0 and 4 of the immediate choose the 64-bit factors. */
export function carrylessMultiply(t: Translator, insn: Insn): void {
  binary(t, insn, (_, x, y, imm) => {
    pushLane64(t, x, imm & 1);
    pushLane64(t, y, (imm >> 4) & 1);
    callHelper(t, 'clmul');
  });
}

/** sha256rnds2: two rounds with the message words in XMM0. */
export function sha256Rounds(t: Translator, insn: Insn): void {
  binary(t, insn, (_, x, y) => {
    t.w.get(x);
    t.w.get(y);
    t.w.get(localOf(t, insn.d!, 0));
    callHelper(t, 'sha256rnds2');
  });
}

/** sha1rnds4: four rounds, the function by the immediate. */
export function sha1Rounds(t: Translator, insn: Insn): void {
  binary(t, insn, (_, x, y, imm) => {
    t.w.get(x);
    t.w.get(y);
    callHelper(t, `sha1rnds4_${(imm & 3) as 0 | 1 | 2 | 3}`);
  });
}

/** sha1nexte: the top word of the first operand rotated, added to the top word of the second. */
export function sha1NextE(t: Translator, insn: Insn): void {
  const { w } = t;
  binary(t, insn, (_, x, y) => {
    w.get(y);
    w.get(y);
    w.simdLane(Simd.i32x4Extract, 3);
    w.get(x);
    w.simdLane(Simd.i32x4Extract, 3);
    w.i32(30);
    w.op(Op.i32Rotl, Op.i32Add);
    w.simdLane(Simd.i32x4Replace, 3);
  });
}

/** sha1msg1: words 3..0 of x and y with those two places on. */
export function sha1Message(t: Translator, insn: Insn): void {
  const { w } = t;
  binary(t, insn, (_, x, y) => {
    w.get(x);
    w.get(y);
    w.get(x);
    w.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
    w.simd(Simd.xor);
  });
}

/** crc32 of the SSE4.2 extension: CRC-32C of up to eight bytes. */
export function crc32(t: Translator, insn: Insn): void {
  const { w } = t;
  const a = insn.a as Operand & { kind: 'reg' };
  const b = insn.b!;
  const size = (b as { size: 1 | 2 | 4 | 8 }).size;
  t.pushReg(a.reg, 4);
  t.pushOperand(b, size);
  if (size < 8) w.op(Op.i64ExtendI32U);
  callHelper(t, `crc32c_${size}`);
  t.popReg(a.reg, 4);
}
