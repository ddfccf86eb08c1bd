import type { Insn } from '../../decode/instruction.js';
import { Simd } from '../../wasm/simd.js';
import type { Translator } from '../translator.js';
import {
  finish,
  type Half,
  halvesOf,
  hold,
  localOf,
  popHalf,
  pushSplat,
  pushZero,
  source,
} from './operands.js';
import { pushByteIndices, pushExtended } from './shuffles.js';

/** inserti128, insertf128: one half of the result from the second operand. */
export function insertHalf(t: Translator, insn: Insn): void {
  const at = (insn.vector!.imm & 1) as Half;
  const value = source(t, insn, insn.c!).local(0);
  // The other half first: the second operand may be the destination.
  const other = at === 0 ? 1 : 0;
  t.w.get(value);
  const kept = hold(t);
  t.w.get(localOf(t, insn.b!, other));
  popHalf(t, insn.a!, other);
  t.w.get(kept);
  popHalf(t, insn.a!, at);
}

/** extracti128, extractf128. */
export function extractHalf(t: Translator, insn: Insn): void {
  const a = insn.a!;
  const from = (insn.vector!.imm & 1) as Half;
  if (a.kind === 'mem') {
    t.access(a, 16, true);
    t.pushLinear();
    t.w.get(localOf(t, insn.b!, from));
    t.w.simdMemory(Simd.store, t.linearOffset);
    return;
  }
  t.w.get(localOf(t, insn.b!, from));
  popHalf(t, a, 0);
  pushZero(t);
  popHalf(t, a, 1);
}

/** perm2i128, perm2f128: each half of the result is one of four, or zero. */
export function permuteHalves(t: Translator, insn: Insn): void {
  const { imm } = insn.vector!;
  const second = source(t, insn, insn.c!);
  const results = ([0, 1] as const).map((half) => {
    const control = (imm >> (half * 4)) & 15;
    const which = (control & 1) as Half;
    if (control & 8) pushZero(t);
    else if (control & 2) second.push(which);
    else t.w.get(localOf(t, insn.b!, which));
    return hold(t);
  });
  results.forEach((local, half) => {
    t.w.get(local);
    popHalf(t, insn.a!, half as Half);
  });
}

/** permq, permpd: any of four 64-bit elements to each place. */
export function permuteQuads(t: Translator, insn: Insn): void {
  const { w } = t;
  const { imm } = insn.vector!;
  const from = source(t, insn, insn.b!);
  const low = from.local(0);
  const high = from.local(1);
  const results = [0, 1].map((half) => {
    const [first, second] = [0, 1].map((i) => (imm >> (half * 4 + i * 2)) & 3);
    w.get(low);
    w.get(high);
    w.shuffle([first, second].flatMap((quad) => Array.from({ length: 8 }, (_, i) => quad * 8 + i)));
    return hold(t);
  });
  results.forEach((local, half) => {
    w.get(local);
    popHalf(t, insn.a!, half as Half);
  });
}

/** permd, permps: any of eight 32-bit elements of c to each place, numbers in b. */
export function permuteDwords(t: Translator, insn: Insn): void {
  const { w } = t;
  const from = source(t, insn, insn.c!);
  const low = from.local(0);
  const high = from.local(1);
  const results = ([0, 1] as const).map((half) => {
    pushByteIndices(t, localOf(t, insn.b!, half), 7);
    const indices = hold(t);
    // Swizzle gives zero for indices that are not in 0..15.
    w.get(low);
    w.get(indices);
    w.simd(Simd.swizzle);
    w.get(high);
    w.get(indices);
    pushSplat(t, 0x1010_1010);
    w.simd(Simd.i8x16Sub, Simd.swizzle, Simd.or);
    return hold(t);
  });
  results.forEach((local, half) => {
    w.get(local);
    popHalf(t, insn.a!, half as Half);
  });
}

/** pmovsx and pmovzx. */
export function extend(t: Translator, insn: Insn): void {
  const ratio = { bw: 2, wd: 2, dq: 2, bd: 4, wq: 4, bq: 8 }[insn.op.slice(6)]!;
  const x = source(t, insn, insn.b!).local(0);
  const results = halvesOf(insn).map((half) => {
    let from = x;
    if (half === 1 && ratio > 2) {
      // The elements of the upper half begin 16 / ratio bytes into the source.
      t.w.get(x);
      t.w.get(x);
      t.w.shuffle(Array.from({ length: 16 }, (_, i) => (i + 16 / ratio) & 15));
      from = hold(t);
    }
    pushExtended(t, from, insn.op, half === 1 && ratio === 2 ? 1 : 0);
    return hold(t);
  });
  results.forEach((local, half) => {
    t.w.get(local);
    popHalf(t, insn.a!, half as Half);
  });
  finish(t, insn);
}
