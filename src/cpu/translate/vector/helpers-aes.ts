import { TABLES } from '../../runtime/layout.js';
import { type AesTable, tableOffset } from '../../runtime/tables.js';
import type { CodeWriter } from '../../wasm/code-writer.js';
import { Simd } from '../../wasm/simd.js';

const splat = (byte: number): number[] => new Array<number>(16).fill(byte);

/** Byte `4 * column + row` of the state comes from the same row of another column (FIPS 197, 5.1.2). */
const shiftRows = (by: 1 | -1): number[] =>
  Array.from({ length: 16 }, (_, i) => {
    const row = i & 3;
    return (4 * ((i >> 2) + by * row) + row) & 15;
  });

const rotateColumn = (by: number): number[] =>
  Array.from({ length: 16 }, (_, i) => (i & 12) | ((i + by) & 3));

function permute(w: CodeWriter, local: number, lanes: number[]): void {
  w.get(local);
  w.get(local);
  w.shuffle(lanes);
}

/** Pushes the entries of a table that the bytes in a local choose. */
function look(w: CodeWriter, table: AesTable, index: number): void {
  w.i32(0);
  w.simdMemory(Simd.load, TABLES + tableOffset(table));
  w.get(index);
  w.simd(Simd.swizzle);
}

function setNibbles(w: CodeWriter, from: number, low: number, high: number): void {
  w.get(from);
  w.v128(splat(15));
  w.simd(Simd.and);
  w.set(low);
  w.get(from);
  w.i32(4);
  w.simd(Simd.i8x16ShrU);
  w.set(high);
}

/** Pushes the S-box, less 0x63, or the inverse S-box of every byte of x; see runtime/tables.ts. Uses `first`.. */
function substitute(w: CodeWriter, x: number, inverse: boolean, first: number): void {
  const [y, k, i, j, ak, io] = [first, first + 1, first + 2, first + 3, first + 4, first + 5];
  setNibbles(w, x, k, i);
  look(w, inverse ? 'inverseInputLow' : 'inputLow', k);
  look(w, inverse ? 'inverseInputHigh' : 'inputHigh', i);
  w.simd(Simd.xor);
  w.set(y);
  setNibbles(w, y, k, i);
  w.get(i);
  w.get(k);
  w.simd(Simd.xor);
  w.set(j);
  look(w, 'aOver', k);
  w.set(ak);
  const approach = (a: number, b: number, to: number): void => {
    look(w, 'inverse', a);
    w.get(ak);
    w.simd(Simd.xor);
    w.set(to);
    look(w, 'inverse', to);
    w.get(b);
    w.simd(Simd.xor);
    w.set(to);
  };
  approach(i, j, io);
  approach(j, i, y);
  look(w, inverse ? 'inverseOutputU' : 'outputU', io);
  look(w, inverse ? 'inverseOutputT' : 'outputT', y);
  w.simd(Simd.xor);
}

/** Pushes every byte of a local times x in GF(256). */
function double(w: CodeWriter, local: number): void {
  w.get(local);
  w.get(local);
  w.simd(Simd.i8x16Add);
  w.get(local);
  w.v128(splat(0));
  w.simd(Simd.i8x16LtS);
  w.v128(splat(0x1b));
  w.simd(Simd.and, Simd.xor);
}

/** Pushes MixColumns of a local: 2(a + a1) + a1 + (a + a1)2, where a1 and ()2 are columns rotated by 1 and 2. */
function mixColumns(w: CodeWriter, a: number, a1: number, sum: number): void {
  permute(w, a, rotateColumn(1));
  w.tee(a1);
  w.get(a);
  w.simd(Simd.xor);
  w.set(sum);
  double(w, sum);
  w.get(a1);
  w.simd(Simd.xor);
  permute(w, sum, rotateColumn(2));
  w.simd(Simd.xor);
}

/** Pushes InvMixColumns of a local: MixColumns of a + 4(a + a2). */
function inverseMixColumns(w: CodeWriter, a: number, first: number, second: number): void {
  permute(w, a, rotateColumn(2));
  w.get(a);
  w.simd(Simd.xor);
  w.set(first);
  double(w, first);
  w.set(first);
  double(w, first);
  w.get(a);
  w.simd(Simd.xor);
  w.set(a);
  mixColumns(w, a, first, second);
}

/** aesenc, aesenclast(state, key). */
export function aesEncrypt(w: CodeWriter, last: boolean): void {
  const [state, key] = [0, 1];
  permute(w, state, shiftRows(1));
  w.set(state);
  substitute(w, state, false, 2);
  if (!last) {
    w.set(state);
    mixColumns(w, state, 2, 3);
  }
  // MixColumns keeps columns of four equal bytes.
  w.get(key);
  w.v128(splat(0x63));
  w.simd(Simd.xor, Simd.xor);
}

/** aesdec, aesdeclast(state, key). */
export function aesDecrypt(w: CodeWriter, last: boolean): void {
  const [state, key] = [0, 1];
  permute(w, state, shiftRows(-1));
  w.set(state);
  substitute(w, state, true, 2);
  if (!last) {
    w.set(state);
    inverseMixColumns(w, state, 2, 3);
  }
  w.get(key);
  w.simd(Simd.xor);
}

/** aesimc(key). */
export function aesInverseMix(w: CodeWriter): void {
  inverseMixColumns(w, 0, 1, 2);
}

/** The S-box of every byte. */
export function aesSubBytes(w: CodeWriter): void {
  substitute(w, 0, false, 1);
  w.v128(splat(0x63));
  w.simd(Simd.xor);
}
