import { AF, CF, OF, PF, SF, ZF } from '../decode/effects.js';
import type { VectorSet } from '../decode/vector-effects.js';
import {
  EXIT_AT_SITE,
  EXIT_CODE,
  EXIT_CONTINUE,
  EXIT_RESULT,
  EXIT_SITE,
  EXIT_UNIT,
  FUEL,
  RFLAGS,
  RIP,
  SHADOW,
  SHADOW_FLAGS,
  SHADOW_VECTORS,
} from '../runtime/layout.js';
import { Op } from '../wasm/op.js';
import { L, reg as localOf } from './locals.js';
import type { Translator } from './translator.js';

/** Arithmetic flags with their bit number in RFLAGS and their local. */
export const FLAG_BITS: readonly (readonly [mask: number, bit: number, local: number])[] = [
  [CF, 0, L.cf],
  [PF, 2, L.pf],
  [AF, 4, L.af],
  [ZF, 6, L.zf],
  [SF, 7, L.sf],
  [OF, 11, L.of],
];

/** Reads flags from the RFLAGS image into their locals. */
export function loadFlags(t: Translator, flags: number): void {
  const { w } = t;
  for (const [mask, bit, local] of FLAG_BITS) {
    if (!(flags & mask)) continue;
    w.i32(0);
    w.memory(0x28, RFLAGS);
    w.i32(bit);
    w.op(Op.i32ShrU);
    w.i32(1);
    w.op(Op.i32And);
    w.set(local);
  }
}

/** The common exit block and the unwind block, which every function ends with. */
export function emitEpilogue(t: Translator, modified: number, modifiedVectors: VectorSet): void {
  const { w } = t;
  if (t.vectors) t.storeVectors(t.vectors, modifiedVectors, SHADOW_VECTORS);
  for (let reg = 0; reg < 16; reg++) {
    if (!(modified & (1 << reg))) continue;
    w.i32(0);
    w.get(localOf(reg));
    w.memory(Op.i64Store, SHADOW + reg * 8);
  }
  if (t.sites.some((site) => site.flags)) {
    [L.a64, L.b64, L.r64].forEach((local, i) => {
      w.i32(0);
      w.get(local);
      w.memory(Op.i64Store, SHADOW_FLAGS + i * 8);
    });
    [L.a32, L.b32, L.r32, L.cf, L.pf, L.af, L.zf, L.sf, L.of].forEach((local, i) => {
      w.i32(0);
      w.get(local);
      w.memory(Op.i32Store, SHADOW_FLAGS + 24 + i * 4);
    });
  }
  w.i32(0);
  w.get(L.fuel);
  w.memory(Op.i64Store, FUEL);
  w.i32(0);
  w.get(L.site);
  w.memory(Op.i32Store, EXIT_SITE);
  w.i32(0);
  w.byte(0x23); // global.get
  w.u32(0);
  w.memory(Op.i32Store, EXIT_UNIT);
  w.i32(0);
  w.i32(EXIT_AT_SITE);
  w.memory(Op.i32Store, EXIT_CODE);
  w.i64(EXIT_RESULT);
  w.i64(0);
  w.op(Op.return, Op.end);
  // Unwind: a callee exited, or returned to somewhere else. Registers are in the register file.
  w.get(L.returned);
  w.i64(EXIT_RESULT);
  w.op(Op.i64Ne, Op.if, 0x40);
  w.i32(0);
  w.get(L.returned);
  w.memory(Op.i64Store, RIP);
  w.i32(0);
  w.i32(EXIT_CONTINUE);
  w.memory(Op.i32Store, EXIT_CODE);
  w.i32(0);
  w.get(L.fuel);
  w.memory(Op.i64Store, FUEL);
  w.op(Op.end);
  w.i64(EXIT_RESULT);
  w.i64(0);
  w.op(Op.end);
}
