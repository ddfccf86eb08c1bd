import { RAX, RCX, RDI, RSI } from '../cpu-types.js';
import type { Insn } from '../decode/instruction.js';
import { Op } from '../wasm/op.js';
import { reg } from './locals.js';
import { callService } from './services.js';
import type { Translator } from './translator.js';

/**
 * movs and stos, repeated or not. The glue module does what is simple; if anything is left, the site at the end
 * has the host go on from there, which is also where faults come from.
 */
export function moveString(t: Translator, insn: Insn): void {
  const { w } = t;
  const shift = Math.log2(insn.size);
  const move = insn.op === 'movs';
  const done = t.temp64();
  const pushCount = (): void => {
    if (insn.rep) w.get(reg(RCX));
    else w.i64(1);
  };
  w.get(reg(RDI));
  w.get(reg(move ? RSI : RAX));
  pushCount();
  w.i32(shift);
  callService(w, move ? 'copy' : 'fill');
  w.set(done);
  const left = t.temp64();
  pushCount();
  w.get(done);
  w.op(Op.i64Sub);
  w.set(left);
  if (insn.rep) {
    w.get(left);
    t.popReg(RCX, 8);
  }
  for (const pointer of move ? [RSI, RDI] : [RDI]) {
    w.get(reg(pointer));
    w.get(done);
    w.i64(shift);
    w.op(Op.i64Shl, Op.i64Add);
    t.popReg(pointer, 8);
  }
  t.aimAt({ kind: 'string', insn });
  w.get(left);
  w.op(Op.i64Eqz, Op.i32Eqz);
  t.exitIf();
}
