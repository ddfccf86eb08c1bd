import { ARITHMETIC } from '../../decode/effects.js';
import type { Insn } from '../../decode/instruction.js';
import { Op } from '../../wasm/op.js';
import { Simd } from '../../wasm/simd.js';
import { L } from '../locals.js';
import type { Translator } from '../translator.js';
import { halvesOf, localOf, source } from './operands.js';

function clear(t: Translator, ...flags: number[]): void {
  for (const local of flags) {
    t.w.i32(0);
    t.w.set(local);
  }
  t.flags.overwritten(ARITHMETIC);
}

/** ptest: ZF for a & b being zero, CF for b & ~a. */
export function test(t: Translator, insn: Insn): void {
  const { w } = t;
  const from = source(t, insn, insn.b!);
  const locals = halvesOf(insn).map((half) => [localOf(t, insn.a!, half), from.local(half)]);
  for (const [op, flag] of [
    [Simd.and, L.zf],
    [Simd.andnot, L.cf],
  ]) {
    locals.forEach(([x, y], i) => {
      w.get(y);
      w.get(x);
      w.simd(op);
      if (i > 0) w.simd(Simd.or);
    });
    w.simd(Simd.anyTrue);
    w.op(Op.i32Eqz);
    w.set(flag);
  }
  clear(t, L.of, L.sf, L.af, L.pf);
}

/** comiss, comisd and their unordered sisters: ZF, PF and CF as for unsigned numbers, all set if unordered. */
export function compareScalar(t: Translator, insn: Insn): void {
  const { w } = t;
  const wide = insn.op.endsWith('d');
  const y = source(t, insn, insn.b!).local(0);
  const x = localOf(t, insn.a!, 0);
  const extract = wide ? Simd.f64x2Extract : Simd.f32x4Extract;
  const push = (local: number): void => {
    w.get(local);
    w.simdLane(extract, 0);
  };
  const [eq, ge, gt] = wide ? [0x61, 0x66, 0x64] : [0x5b, 0x60, 0x5e];
  // Unordered: neither x >= y nor y >= x.
  push(x);
  push(y);
  w.byte(ge);
  push(y);
  push(x);
  w.byte(ge);
  w.op(Op.i32Or, Op.i32Eqz);
  w.set(L.pf);
  push(x);
  push(y);
  w.byte(eq);
  w.get(L.pf);
  w.op(Op.i32Or);
  w.set(L.zf);
  push(y);
  push(x);
  w.byte(gt);
  w.get(L.pf);
  w.op(Op.i32Or);
  w.set(L.cf);
  clear(t, L.of, L.sf, L.af);
}
