import { PAGE_SIZE, type Region, SHADOW_BYTES, SHADOW_SHIFT } from '../layout.js';
import { CodeWriter } from '../wasm/code-writer.js';
import { I32, Op } from '../wasm/op.js';

const LINEAR = 0;
const SIZE = 1;
/** Words of the shadow for the first and the last byte. */
const FIRST = 2;
const LAST = 3;
const LAST_BYTE = 4;

/** Pushes the shadow's word for the linear offset on the stack. */
function loadShadow(w: CodeWriter, ram: Region): void {
  w.i32(ram.start);
  w.op(Op.i32Sub);
  w.i32(SHADOW_SHIFT);
  w.op(Op.i32ShrU);
  w.memory(Op.i32Load8s, SHADOW_BYTES);
}

/**
 * watch(linear, size): 1 where an access of up to 8 bytes to watched memory meets poison, by the shadow (layout.ts).
 * Memory outside RAM is never watched.
 */
export function watchBody(ram: Region): CodeWriter {
  const w = new CodeWriter(128);
  w.op(1, 3, I32);
  w.get(LINEAR);
  w.i32(ram.start);
  w.op(Op.i32Sub);
  w.i32(ram.size - 8);
  w.op(Op.i32GtU, Op.if, 0x40);
  w.i32(0);
  w.op(Op.return, Op.end);
  w.get(LINEAR);
  loadShadow(w, ram);
  w.set(FIRST);
  w.get(LINEAR);
  w.get(SIZE);
  w.op(Op.i32Add);
  w.i32(1);
  w.op(Op.i32Sub);
  w.tee(LAST_BYTE);
  loadShadow(w, ram);
  w.tee(LAST);
  w.get(FIRST);
  w.op(Op.i32Or, Op.i32Eqz, Op.if, 0x40);
  w.i32(0);
  w.op(Op.return, Op.end);
  // All of the first word is needed where the access goes on into another.
  w.get(LINEAR);
  w.get(LAST_BYTE);
  w.op(Op.i32Xor);
  w.i32(8);
  w.op(Op.i32GeU, Op.if, 0x40);
  w.get(FIRST);
  w.op(Op.if, 0x40);
  w.i32(1);
  w.op(Op.return, Op.end, Op.end);
  w.get(LAST);
  w.op(Op.i32Eqz, Op.if, 0x40);
  w.i32(0);
  w.op(Op.return, Op.end);
  w.get(LAST_BYTE);
  w.i32(7);
  w.op(Op.i32And);
  w.get(LAST);
  w.op(Op.i32GeS, Op.end);
  return w;
}

/** poisoned(linear, size): 1 where any of the bytes' words in the shadow is not 0. */
export function poisonedBody(ram: Region): CodeWriter {
  const w = new CodeWriter(96);
  const at = 2;
  const end = 3;
  w.op(1, 2, I32);
  w.get(LINEAR);
  w.i32(ram.start);
  w.op(Op.i32Sub);
  w.i32(ram.size - PAGE_SIZE);
  w.op(Op.i32GtU, Op.if, 0x40);
  w.i32(0);
  w.op(Op.return, Op.end);
  w.get(LINEAR);
  w.i32(ram.start);
  w.op(Op.i32Sub);
  w.i32(SHADOW_SHIFT);
  w.op(Op.i32ShrU);
  w.set(at);
  w.get(LINEAR);
  w.get(SIZE);
  w.op(Op.i32Add);
  w.i32(ram.start + 1);
  w.op(Op.i32Sub);
  w.i32(SHADOW_SHIFT);
  w.op(Op.i32ShrU);
  w.set(end);
  w.op(Op.loop, 0x40);
  w.get(at);
  w.memory(Op.i32Load8u, SHADOW_BYTES);
  w.op(Op.if, 0x40);
  w.i32(1);
  w.op(Op.return, Op.end);
  w.get(at);
  w.i32(1);
  w.op(Op.i32Add);
  w.tee(at);
  w.get(end);
  w.op(Op.i32LeU, Op.brIf, 0, Op.end);
  w.i32(0);
  w.op(Op.end);
  return w;
}
