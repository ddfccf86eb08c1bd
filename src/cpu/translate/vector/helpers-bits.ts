import { TABLES } from '../../runtime/layout.js';
import { crcOffset } from '../../runtime/tables.js';
import type { CodeWriter } from '../../wasm/code-writer.js';
import { Op } from '../../wasm/op.js';
import { Simd } from '../../wasm/simd.js';

const quarter = (bit: number): number[] => new Array<number>(16).fill(0x11 << bit);

/**
 * clmul(x, y): the 128-bit product of polynomials over GF(2). An integer product of factors that have every
 * fourth bit only is right in every fourth bit, as at most eight ones add up there: 16 such products of 32-bit
 * halves, for x0*y0 and x1*y1 in one pair of lanes and for x0*y1 and x1*y0 in another.
 */
export function carrylessProduct(w: CodeWriter): void {
  const [xs, ys, factor, sum, straight] = [2, 6, 10, 11, 12];
  w.get(0);
  w.simd(Simd.i64x2Splat);
  w.set(factor);
  for (let i = 0; i < 4; i++) {
    w.get(factor);
    w.v128(quarter(i));
    w.simd(Simd.and);
    w.set(xs + i);
  }
  for (const crossed of [false, true]) {
    w.get(1);
    if (crossed) {
      w.i64(32);
      w.op(Op.i64Rotl);
    }
    w.simd(Simd.i64x2Splat);
    w.set(factor);
    for (let i = 0; i < 4; i++) {
      w.get(factor);
      w.v128(quarter(i));
      w.simd(Simd.and);
      w.set(ys + i);
    }
    for (let bit = 0; bit < 4; bit++) {
      for (let i = 0; i < 4; i++) {
        w.get(xs + i);
        w.get(ys + ((bit - i) & 3));
        w.simd(Simd.i64x2ExtmulLowU);
        if (i > 0) w.simd(Simd.xor);
      }
      w.v128(quarter(bit));
      w.simd(Simd.and);
      if (bit > 0) {
        w.get(sum);
        w.simd(Simd.or);
      }
      w.set(sum);
    }
    if (crossed) continue;
    w.get(sum);
    w.set(straight);
  }
  // The mixed products belong 32 bits up.
  w.get(sum);
  w.get(sum);
  w.get(sum);
  w.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
  w.simd(Simd.xor);
  w.v128(new Array<number>(16).fill(0));
  w.shuffle([16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 16, 16, 16, 16]);
  w.get(straight);
  w.simd(Simd.xor);
}

/** crc32c(crc, data): data has 1, 2, 4 or 8 bytes, the lowest first; eight tables do all at once. */
export function crc32c(w: CodeWriter, size: number): void {
  const [crc, data] = [0, 1];
  w.get(data);
  w.get(crc);
  w.op(Op.i64ExtendI32U, Op.i64Xor);
  w.set(data);
  for (let i = 0; i < size; i++) {
    w.get(data);
    if (i > 0) {
      w.i64(8 * i);
      w.op(Op.i64ShrU);
    }
    w.op(Op.i32WrapI64);
    w.i32(255);
    w.op(Op.i32And);
    w.i32(2);
    w.op(Op.i32Shl);
    w.memory(Op.i32Load, TABLES + crcOffset(size - 1 - i));
    if (i > 0) w.op(Op.i32Xor);
  }
  if (size >= 4) return;
  // What was not consumed of the old value moves down.
  w.get(crc);
  w.i32(8 * size);
  w.op(Op.i32ShrU, Op.i32Xor);
}
