import type { CodeWriter } from '../../wasm/code-writer.js';
import { Op } from '../../wasm/op.js';
import { Simd } from '../../wasm/simd.js';

/** The functions of FIPS 180-4 as the SHA instructions use them (Intel SDM volume 2). */

function rotated(w: CodeWriter, local: number, right: number): void {
  w.get(local);
  w.i32(right);
  w.op(Op.i32Rotr);
}

/** Pushes the XOR of a word rotated right by these. */
function rotations(w: CodeWriter, local: number, ...by: number[]): void {
  by.forEach((count, i) => {
    rotated(w, local, count);
    if (i > 0) w.op(Op.i32Xor);
  });
}

/** Pushes z ^ (x & (y ^ z)). */
function choose(w: CodeWriter, x: number, y: number, z: number): void {
  w.get(y);
  w.get(z);
  w.op(Op.i32Xor);
  w.get(x);
  w.op(Op.i32And);
  w.get(z);
  w.op(Op.i32Xor);
}

/** Pushes (x & y) | (z & (x | y)). */
function majority(w: CodeWriter, x: number, y: number, z: number): void {
  w.get(x);
  w.get(y);
  w.op(Op.i32And);
  w.get(x);
  w.get(y);
  w.op(Op.i32Or);
  w.get(z);
  w.op(Op.i32And, Op.i32Or);
}

function extract(w: CodeWriter, vector: number, lane: number, to: number): void {
  w.get(vector);
  w.simdLane(Simd.i32x4Extract, lane);
  w.set(to);
}

/** Pushes a vector of four words in locals, lane 0 first. */
function pack(w: CodeWriter, ...lanes: number[]): void {
  lanes.forEach((local, lane) => {
    w.get(local);
    if (lane === 0) w.simd(Simd.i32x4Splat);
    else w.simdLane(Simd.i32x4Replace, lane);
  });
}

/** sha256rnds2(cdgh, abef, wk). */
export function sha256Rounds(w: CodeWriter): void {
  let [a, b, c, d, e, f, g, h] = [3, 4, 5, 6, 7, 8, 9, 10];
  const t = 11;
  const wk = 12;
  [h, g, d, c].forEach((to, lane) => {
    extract(w, 0, lane, to);
  });
  [f, e, b, a].forEach((to, lane) => {
    extract(w, 1, lane, to);
  });
  for (const round of [0, 1]) {
    extract(w, 2, round, wk);
    w.get(h);
    rotations(w, e, 6, 11, 25);
    w.op(Op.i32Add);
    choose(w, e, f, g);
    w.op(Op.i32Add);
    w.get(wk);
    w.op(Op.i32Add);
    w.set(t);
    w.get(d);
    w.get(t);
    w.op(Op.i32Add);
    w.set(d);
    w.get(t);
    rotations(w, a, 2, 13, 22);
    w.op(Op.i32Add);
    majority(w, a, b, c);
    w.op(Op.i32Add);
    w.set(h);
    [a, b, c, d, e, f, g, h] = [h, a, b, c, d, e, f, g];
  }
  pack(w, f, e, b, a);
}

/** Pushes the XOR of words rotated right by two counts and shifted right by a third. */
function smallSigma(w: CodeWriter, x: number, first: number, second: number, shift: number): void {
  for (const count of [first, second])
    for (const [op, by] of [
      [Simd.i32x4ShrU, count],
      [Simd.i32x4Shl, 32 - count],
    ]) {
      w.get(x);
      w.i32(by);
      w.simd(op);
    }
  w.get(x);
  w.i32(shift);
  w.simd(Simd.i32x4ShrU, Simd.xor, Simd.xor, Simd.xor, Simd.xor);
}

/** sha256msg1(x, y): x + sigma0 of the words after those of x. */
export function sha256MessageOne(w: CodeWriter): void {
  w.get(0);
  w.get(1);
  w.shuffle(Array.from({ length: 16 }, (_, i) => i + 4));
  w.set(2);
  smallSigma(w, 2, 7, 18, 3);
  w.get(0);
  w.simd(Simd.i32x4Add);
}

/** sha256msg2(x, y): words 16 to 19; the last two need the first two. */
export function sha256MessageTwo(w: CodeWriter): void {
  const words = [2, 3, 4, 5];
  const previous = [4, 5, 2, 3];
  extract(w, 1, 2, 4);
  extract(w, 1, 3, 5);
  words.forEach((word, lane) => {
    rotations(w, previous[lane], 17, 19);
    w.get(previous[lane]);
    w.i32(10);
    w.op(Op.i32ShrU, Op.i32Xor);
    w.get(0);
    w.simdLane(Simd.i32x4Extract, lane);
    w.op(Op.i32Add);
    w.set(word);
  });
  pack(w, ...words);
}

const SHA1_CONSTANTS = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc | 0, 0xca62_c1d6 | 0];

/** sha1rnds4(abcd, words): four rounds; E is added to the first word already. */
export function sha1Rounds(w: CodeWriter, stage: 0 | 1 | 2 | 3): void {
  let [a, b, c, d, e] = [2, 3, 4, 5, 6];
  [d, c, b, a].forEach((to, lane) => {
    extract(w, 0, lane, to);
  });
  w.i32(0);
  w.set(e);
  for (let round = 0; round < 4; round++) {
    w.get(e);
    if (stage === 0) choose(w, b, c, d);
    else if (stage === 2) majority(w, b, c, d);
    else {
      w.get(b);
      w.get(c);
      w.get(d);
      w.op(Op.i32Xor, Op.i32Xor);
    }
    w.op(Op.i32Add);
    rotated(w, a, 27);
    w.op(Op.i32Add);
    w.get(1);
    w.simdLane(Simd.i32x4Extract, 3 - round);
    w.op(Op.i32Add);
    w.i32(SHA1_CONSTANTS[stage]);
    w.op(Op.i32Add);
    w.set(e);
    rotated(w, b, 2);
    w.set(b);
    [a, b, c, d, e] = [e, a, b, c, d];
  }
  pack(w, d, c, b, a);
}

/** sha1msg2(x, y): words rotated by one; the last needs the first. */
export function sha1MessageTwo(w: CodeWriter): void {
  const rotate = (): void => {
    w.get(2);
    w.i32(1);
    w.simd(Simd.i32x4Shl);
    w.get(2);
    w.i32(31);
    w.simd(Simd.i32x4ShrU, Simd.or);
  };
  w.get(0);
  w.v128(new Array<number>(16).fill(0));
  w.get(1);
  w.shuffle([0, 1, 2, 3, ...Array.from({ length: 12 }, (_, i) => 16 + i)]);
  w.simd(Simd.xor);
  w.set(2);
  rotate();
  w.tee(2);
  w.get(2);
  w.simdLane(Simd.i32x4Extract, 3);
  w.i32(1);
  w.op(Op.i32Rotl);
  w.get(2);
  w.simdLane(Simd.i32x4Extract, 0);
  w.op(Op.i32Xor);
  w.simdLane(Simd.i32x4Replace, 0);
}
