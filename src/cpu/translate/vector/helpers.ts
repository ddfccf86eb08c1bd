import type { CodeWriter } from '../../wasm/code-writer.js';
import { I32, I64, V128 } from '../../wasm/op.js';
import { aesDecrypt, aesEncrypt, aesInverseMix, aesSubBytes } from './helpers-aes.js';
import { carrylessProduct, crc32c } from './helpers-bits.js';
import {
  sha1MessageTwo,
  sha1Rounds,
  sha256MessageOne,
  sha256MessageTwo,
  sha256Rounds,
} from './helpers-sha.js';

/** A WebAssembly function that stands for one instruction; modules that use it have a copy. */
export interface Helper {
  readonly params: readonly number[];
  readonly result: number;
  /** Declared locals: numbers of i32, i64 and v128. */
  readonly locals: { readonly i32?: number; readonly i64?: number; readonly v128?: number };
  /** Writes the body without its end. Locals are numbered parameters first, then i32, i64 and v128. */
  emit(w: CodeWriter): void;
}

const TWO = [V128, V128];

const HELPERS = {
  aesenc: { params: TWO, result: V128, locals: { v128: 8 }, emit: (w: CodeWriter) => aesEncrypt(w, false) },
  aesenclast: {
    params: TWO,
    result: V128,
    locals: { v128: 8 },
    emit: (w: CodeWriter) => aesEncrypt(w, true),
  },
  aesdec: { params: TWO, result: V128, locals: { v128: 8 }, emit: (w: CodeWriter) => aesDecrypt(w, false) },
  aesdeclast: {
    params: TWO,
    result: V128,
    locals: { v128: 8 },
    emit: (w: CodeWriter) => aesDecrypt(w, true),
  },
  aesimc: { params: [V128], result: V128, locals: { v128: 3 }, emit: aesInverseMix },
  aessubbytes: { params: [V128], result: V128, locals: { v128: 8 }, emit: aesSubBytes },
  clmul: { params: [I64, I64], result: V128, locals: { v128: 14 }, emit: carrylessProduct },
  crc32c_1: { params: [I32, I64], result: I32, locals: {}, emit: (w: CodeWriter) => crc32c(w, 1) },
  crc32c_2: { params: [I32, I64], result: I32, locals: {}, emit: (w: CodeWriter) => crc32c(w, 2) },
  crc32c_4: { params: [I32, I64], result: I32, locals: {}, emit: (w: CodeWriter) => crc32c(w, 4) },
  crc32c_8: { params: [I32, I64], result: I32, locals: {}, emit: (w: CodeWriter) => crc32c(w, 8) },
  sha256rnds2: { params: [...TWO, V128], result: V128, locals: { i32: 10 }, emit: sha256Rounds },
  sha256msg1: { params: TWO, result: V128, locals: { v128: 1 }, emit: sha256MessageOne },
  sha256msg2: { params: TWO, result: V128, locals: { i32: 4 }, emit: sha256MessageTwo },
  sha1rnds4_0: { params: TWO, result: V128, locals: { i32: 6 }, emit: (w: CodeWriter) => sha1Rounds(w, 0) },
  sha1rnds4_1: { params: TWO, result: V128, locals: { i32: 6 }, emit: (w: CodeWriter) => sha1Rounds(w, 1) },
  sha1rnds4_2: { params: TWO, result: V128, locals: { i32: 6 }, emit: (w: CodeWriter) => sha1Rounds(w, 2) },
  sha1rnds4_3: { params: TWO, result: V128, locals: { i32: 6 }, emit: (w: CodeWriter) => sha1Rounds(w, 3) },
  sha1msg2: { params: TWO, result: V128, locals: { v128: 1 }, emit: sha1MessageTwo },
} satisfies Readonly<Record<string, Helper>>;

export type HelperName = keyof typeof HELPERS;

export const helperOf = (name: HelperName): Helper => HELPERS[name];
