import { READ_TAGS, WATCHED_TAG, WRITE_TAGS } from '../layout.js';
import { CodeWriter } from '../wasm/code-writer.js';
import { I32, I64, Op } from '../wasm/op.js';
import { RFLAGS } from './layout.js';

/**
 * rep movs and rep stos in WebAssembly, as far as they are simple: forward, accessible, not overlapping by less
 * than eight bytes. Both return how many elements they did; the caller leaves the rest to the host, which also
 * raises the faults.
 */

const memoryCopy = [0xfc, 10, 0, 0];
const memoryFill = [0xfc, 11, 0];
/** Shorter runs are done by a loop: memory.copy and memory.fill are calls into the engine. */
const SHORT = 256;
const DIRECTION = 0x400;

/** Pushes whether the page of address `at` (an i64 less 2^31) is not accessible. */
function pushPageWrong(w: CodeWriter, tags: number, at: number): void {
  w.get(at);
  w.op(Op.i32WrapI64);
  w.i32(12);
  w.op(Op.i32ShrU);
  w.i32(3);
  w.op(Op.i32Shl);
  w.memory(Op.i64Load, tags);
  // For watched pages the shadow is looked at.
  w.i64big(BigInt.asIntN(64, ~WATCHED_TAG));
  w.op(Op.i64And);
  w.get(at);
  w.i64(12);
  w.op(Op.i64ShrU, Op.i64Ne);
}

/** Pushes how many bytes are left in the page of `at`, as i32. */
function pushRoom(w: CodeWriter, at: number): void {
  w.i32(4096);
  w.get(at);
  w.op(Op.i32WrapI64);
  w.i32(4095);
  w.op(Op.i32And, Op.i32Sub);
}

/** chunk = min(chunk, whole elements in the page of `at`), in bytes. */
function limit(w: CodeWriter, chunk: number, at: number, mask: number): void {
  pushRoom(w, at);
  w.get(mask);
  w.op(Op.i32And);
  w.get(chunk);
  pushRoom(w, at);
  w.get(mask);
  w.op(Op.i32And);
  w.get(chunk);
  w.op(Op.i32LtU, Op.select);
  w.set(chunk);
}

/** Advances an i64 local by an i32 local. */
function advance(w: CodeWriter, at: number, by: number): void {
  w.get(at);
  w.get(by);
  w.op(Op.i64ExtendI32U, Op.i64Add);
  w.set(at);
}

/** bytes left (i64) -> chunk (i32), at most 4096. */
function firstChunk(w: CodeWriter, left: number, chunk: number): void {
  w.get(left);
  w.i64(4096);
  w.get(left);
  w.i64(4096);
  w.op(Op.i64LtU, Op.select, Op.i32WrapI64);
  w.set(chunk);
}

function refuse(w: CodeWriter): void {
  w.op(Op.if, 0x40);
  w.i64(0);
  w.op(Op.return, Op.end);
}

/** Returns 0 for a direction flag or counts that would overflow. */
function guard(w: CodeWriter, count: number): void {
  w.i32(0);
  w.memory(0x28, RFLAGS);
  w.i32(DIRECTION);
  w.op(Op.i32And);
  w.get(count);
  w.i64(1 << 28);
  w.op(Op.i64GtU, Op.i32Or);
  refuse(w);
}

/** Pushes count - (left >> shift): elements done. */
function pushDone(w: CodeWriter, count: number, left: number, shift: number): void {
  w.get(count);
  w.get(left);
  w.get(shift);
  w.op(Op.i64ExtendI32U, Op.i64ShrU, Op.i64Sub);
}

function prepare(w: CodeWriter, count: number, shift: number, left: number, mask: number): void {
  w.get(count);
  w.get(shift);
  w.op(Op.i64ExtendI32U, Op.i64Shl);
  w.set(left);
  w.i32(-1);
  w.get(shift);
  w.op(Op.i32Shl);
  w.set(mask);
}

const bias = (w: CodeWriter, at: number): void => {
  w.get(at);
  w.i64(-0x8000_0000);
  w.op(Op.i64Add);
  w.set(at);
};

/** Locals of a loop over the bytes of a chunk: how far it is, and the size of the chunk. */
interface Chunk {
  readonly at: number;
  readonly chunk: number;
}

/** Steps of `size` bytes as long as they fit into the chunk; `step` handles the bytes at `at`. */
function stepThrough(w: CodeWriter, { at, chunk }: Chunk, size: number, step: () => void): void {
  w.op(Op.block, 0x40, Op.loop, 0x40);
  w.get(at);
  w.i32(size);
  w.op(Op.i32Add);
  w.get(chunk);
  w.op(Op.i32GtU, Op.brIf, 1);
  step();
  w.get(at);
  w.i32(size);
  w.op(Op.i32Add);
  w.set(at);
  w.op(Op.br, 0, Op.end, Op.end);
}

/** Pushes the linear address of the bytes at `at` from an address on. */
function pushAddress(w: CodeWriter, base: number, at: number): void {
  w.get(base);
  w.op(Op.i32WrapI64);
  w.get(at);
  w.op(Op.i32Add);
}

/** Leaves the loop where a chunk may meet poison: the host looks closer. `poisoned` is the glue's function for that. */
function stopAtPoison(w: CodeWriter, at: number, chunk: number, poisoned: number): void {
  w.get(at);
  w.op(Op.i32WrapI64);
  w.get(chunk);
  w.op(Op.call, poisoned, Op.brIf, 1);
}

/** Goes on with the next chunk; after the last, returns how many elements were done. */
function nextChunk(w: CodeWriter, chunk: number, count: number, left: number, shift: number): void {
  w.get(left);
  w.get(chunk);
  w.op(Op.i64ExtendI32U, Op.i64Sub);
  w.set(left);
  w.op(Op.br, 0, Op.end, Op.end);
  pushDone(w, count, left, shift);
  w.op(Op.end);
}

/** copy(to, from, count, log2 of the element size): elements copied. `poisoned`: see stopAtPoison. */
export function copyBody(poisoned: number): CodeWriter {
  const w = new CodeWriter(512);
  const [to, from, count, shift, left, chunk, mask, at] = [0, 1, 2, 3, 4, 5, 6, 7];
  w.op(2, 1, I64, 3, I32);
  guard(w, count);
  // to - from in 1..7: each element depends on the one before.
  w.get(to);
  w.get(from);
  w.op(Op.i64Sub);
  w.i64(1);
  w.op(Op.i64Sub);
  w.i64(7);
  w.op(Op.i64LtU);
  refuse(w);
  prepare(w, count, shift, left, mask);
  bias(w, to);
  bias(w, from);
  w.op(Op.block, 0x40, Op.loop, 0x40);
  w.get(left);
  w.op(Op.i64Eqz, Op.brIf, 1);
  pushPageWrong(w, WRITE_TAGS, to);
  pushPageWrong(w, READ_TAGS, from);
  w.op(Op.i32Or, Op.brIf, 1);
  firstChunk(w, left, chunk);
  limit(w, chunk, to, mask);
  limit(w, chunk, from, mask);
  w.get(chunk);
  w.op(Op.i32Eqz, Op.brIf, 1);
  stopAtPoison(w, to, chunk, poisoned);
  stopAtPoison(w, from, chunk, poisoned);
  // Long and not overlapping: one call. Else eight bytes at a time, then single bytes.
  w.get(chunk);
  w.i32(SHORT);
  w.op(Op.i32GtU);
  w.get(to);
  w.get(from);
  w.op(Op.i64Sub);
  w.i64(4096);
  w.op(Op.i64GeU, Op.i32And, Op.if, 0x40);
  w.get(to);
  w.op(Op.i32WrapI64);
  w.get(from);
  w.op(Op.i32WrapI64);
  w.get(chunk);
  w.op(...memoryCopy, Op.else);
  w.i32(0);
  w.set(at);
  for (const [size, load, store] of [
    [8, Op.i64Load, Op.i64Store],
    [1, Op.i32Load8u, Op.i32Store8],
  ])
    stepThrough(w, { at, chunk }, size, () => {
      pushAddress(w, to, at);
      pushAddress(w, from, at);
      w.memory(load, 0);
      w.memory(store, 0);
    });
  w.op(Op.end);
  advance(w, to, chunk);
  advance(w, from, chunk);
  nextChunk(w, chunk, count, left, shift);
  return w;
}

/** Shifts a pattern of eight bytes so that the byte which belongs at `at` is its lowest. */
function shiftToPlace(w: CodeWriter, at: number): void {
  w.get(at);
  w.i32(7);
  w.op(Op.i32And);
  w.i32(3);
  w.op(Op.i32Shl, Op.i64ExtendI32U, Op.i64ShrU);
}

/** fill(to, value, count, log2 of the element size): elements stored. `poisoned`: see stopAtPoison. */
export function fillBody(poisoned: number): CodeWriter {
  const w = new CodeWriter(512);
  const [to, value, count, shift, left, chunk, mask, at] = [0, 1, 2, 3, 4, 5, 6, 7];
  w.op(2, 1, I64, 3, I32);
  guard(w, count);
  prepare(w, count, shift, left, mask);
  bias(w, to);
  // Widen the element to eight bytes.
  for (const [level, multiplier] of [
    [0, 0xffn],
    [1, 0xffffn],
    [2, 0xffff_ffffn],
  ] as const) {
    w.get(shift);
    w.i32(level);
    w.op(Op.i32Eq, Op.if, 0x40);
    w.get(value);
    w.i64big(multiplier);
    w.op(Op.i64And);
    w.i64big(0xffff_ffff_ffff_ffffn / multiplier);
    w.op(Op.i64Mul);
    w.set(value);
    w.op(Op.end);
  }
  w.op(Op.block, 0x40, Op.loop, 0x40);
  w.get(left);
  w.op(Op.i64Eqz, Op.brIf, 1);
  pushPageWrong(w, WRITE_TAGS, to);
  w.op(Op.brIf, 1);
  firstChunk(w, left, chunk);
  limit(w, chunk, to, mask);
  w.get(chunk);
  w.op(Op.i32Eqz, Op.brIf, 1);
  stopAtPoison(w, to, chunk, poisoned);
  // Long runs of one byte: memory.fill.
  w.get(chunk);
  w.i32(SHORT);
  w.op(Op.i32GtU);
  w.get(value);
  w.get(value);
  w.i64(8);
  w.op(Op.i64Rotl, Op.i64Eq, Op.i32And, Op.if, 0x40);
  w.get(to);
  w.op(Op.i32WrapI64);
  w.get(value);
  w.op(Op.i32WrapI64);
  w.get(chunk);
  w.op(...memoryFill, Op.else);
  w.i32(0);
  w.set(at);
  for (const [size, store] of [
    [8, Op.i64Store],
    [1, 0x3c], // i64.store8
  ])
    stepThrough(w, { at, chunk }, size, () => {
      pushAddress(w, to, at);
      w.get(value);
      if (size === 1) shiftToPlace(w, at);
      w.memory(store, 0);
    });
  w.op(Op.end);
  advance(w, to, chunk);
  nextChunk(w, chunk, count, left, shift);
  return w;
}
