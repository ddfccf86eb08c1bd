import { PAGE_SHIFT, PAGE_SIZE } from './layout.js';
import { CodeWriter } from './wasm/code-writer.js';
import { writeModule } from './wasm/module.js';
import { I32, I64, Op, VOID } from './wasm/op.js';

const memoryFill = [0xfc, 11, 0];
/** Bytes that are looked at together. */
const STEP = 64;

let compiled: WebAssembly.Module | undefined;

/** What is done to whole pages of a memory. `start` and `end` are offsets, multiples of PAGE_SIZE. */
export interface Scrubber {
  /**
   * Makes them zero. Pages that are zero already are only read, so that those nobody ever wrote to go on taking no memory of
   * the host.
   */
  scrub(start: number, end: number): void;
  /** Whether they hold nothing but a word of 64 bits, again and again. */
  holdsOnly(start: number, end: number, word: bigint): boolean;
}

export function scrubber(memory: WebAssembly.Memory): Scrubber {
  compiled ??= new WebAssembly.Module(writeScrubber(memory.buffer.byteLength / 65536) as BufferSource);
  const { exports } = new WebAssembly.Instance(compiled, { m: { m: memory, t: emptyTable() } });
  const scrub = exports.scrub as (firstPage: number, lastPage: number) => void;
  const differs = exports.differs as (firstPage: number, lastPage: number, word: bigint) => number;
  return {
    scrub(start, end) {
      if (start < end) scrub(start >>> PAGE_SHIFT, end / PAGE_SIZE);
    },
    holdsOnly: (start, end, word) =>
      start >= end || differs(start >>> PAGE_SHIFT, end / PAGE_SIZE, BigInt.asIntN(64, word)) === 0,
  };
}

const emptyTable = (): WebAssembly.Table => new WebAssembly.Table({ element: 'anyfunc', initial: 0 });

function writeScrubber(memoryPages: number): Uint8Array {
  return writeModule({
    types: [
      { params: [I32, I32], results: [] },
      { params: [I32, I32, I64], results: [I32] },
    ],
    imports: [],
    globals: [],
    memoryPages,
    functions: [
      { type: 0, body: scrubBody(), name: 'scrub' },
      { type: 1, body: differsBody(), name: 'differs' },
    ],
    elements: [],
  });
}

/** scrub(page, end): from one page number up to another, which is greater. */
function scrubBody(): CodeWriter {
  const w = new CodeWriter(256);
  const page = 0;
  const end = 1;
  const at = 2;
  const pageEnd = 3;
  w.op(1, 2, I32);
  w.op(Op.loop, VOID);
  w.get(page);
  w.i32(PAGE_SHIFT);
  w.op(Op.i32Shl);
  w.tee(at);
  w.i32(PAGE_SIZE);
  w.op(Op.i32Add);
  w.set(pageEnd);
  w.op(Op.block, VOID, Op.loop, VOID);
  pushAnythingAt(w, at);
  w.op(Op.i64Eqz, Op.i32Eqz, Op.if, VOID);
  w.get(pageEnd);
  w.i32(PAGE_SIZE);
  w.op(Op.i32Sub);
  w.i32(0);
  w.i32(PAGE_SIZE);
  w.op(...memoryFill, Op.br, 2, Op.end);
  w.get(at);
  w.i32(STEP);
  w.op(Op.i32Add);
  w.tee(at);
  w.get(pageEnd);
  w.op(Op.i32Ne, Op.brIf, 0, Op.end, Op.end);
  w.get(page);
  w.i32(1);
  w.op(Op.i32Add);
  w.tee(page);
  w.get(end);
  w.op(Op.i32Ne, Op.brIf, 0, Op.end, Op.end);
  return w;
}

/** differs(page, end, word): 1 if any eight bytes from one page number up to another, which is greater, are not the word. */
function differsBody(): CodeWriter {
  const w = new CodeWriter(256);
  const [page, end, word, at, left] = [0, 1, 2, 3, 4];
  w.op(1, 2, I32);
  w.get(page);
  w.i32(PAGE_SHIFT);
  w.op(Op.i32Shl);
  w.set(at);
  w.get(end);
  w.get(page);
  w.op(Op.i32Sub);
  w.i32(Math.log2(PAGE_SIZE / STEP));
  w.op(Op.i32Shl);
  w.set(left);
  w.op(Op.loop, VOID);
  for (let offset = 0; offset < STEP; offset += 8) {
    w.get(at);
    w.memory(Op.i64Load, offset);
    w.get(word);
    w.op(Op.i64Xor);
    if (offset > 0) w.op(Op.i64Or);
  }
  w.op(Op.i64Eqz, Op.i32Eqz, Op.if, VOID);
  w.i32(1);
  w.op(Op.return, Op.end);
  w.get(at);
  w.i32(STEP);
  w.op(Op.i32Add);
  w.set(at);
  w.get(left);
  w.i32(1);
  w.op(Op.i32Sub);
  w.tee(left);
  w.op(Op.brIf, 0, Op.end);
  w.i32(0);
  w.op(Op.end);
  return w;
}

/** Pushes the disjunction of the STEP bytes at `at`, as i64. */
function pushAnythingAt(w: CodeWriter, at: number): void {
  for (let offset = 0; offset < STEP; offset += 8) {
    w.get(at);
    w.memory(Op.i64Load, offset);
    if (offset > 0) w.op(Op.i64Or);
  }
}
