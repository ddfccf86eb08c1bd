import type { Ptr } from '../../cpu/layout.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const BLOCK = 16;
/** Round keys of struct crypto_aes_ctx, in words. */
const KEY_WORDS = 60;

const double = (x: number): number => ((x << 1) ^ (x & 0x80 ? 0x11b : 0)) & 255;

function multiply(x: number, y: number): number {
  let product = 0;
  for (let bits = y, power = x; bits; bits >>= 1, power = double(power)) if (bits & 1) product ^= power;
  return product;
}

/** The S-box and its inverse (FIPS 197, 5.1.1): inversion in GF(256) by powers of 3, and an affine map. */
function makeBoxes(): readonly [Uint8Array, Uint8Array] {
  const box = new Uint8Array(256);
  const inverse = new Uint8Array(256);
  // p runs through the powers of 3, q through their inverses.
  let p = 1;
  let q = 1;
  const rotate = (by: number): number => (q << by) | (q >> (8 - by));
  do {
    p ^= double(p);
    q = multiply(q, 0xf6);
    box[p] = (q ^ rotate(1) ^ rotate(2) ^ rotate(3) ^ rotate(4) ^ 0x63) & 255;
  } while (p !== 1);
  box[0] = 0x63;
  box.forEach((value, at) => {
    inverse[value] = at;
  });
  return [box, inverse];
}

let boxes: readonly [Uint8Array, Uint8Array] | undefined;

/** Multiplies each column by a circulant matrix. */
function mix(state: Uint8Array, factors: readonly number[]): void {
  for (let column = 0; column < BLOCK; column += 4) {
    const old = state.slice(column, column + 4);
    for (let row = 0; row < 4; row++)
      state[column + row] = factors.reduce((sum, factor, i) => sum ^ multiply(old[(row + i) & 3], factor), 0);
  }
}

const MIX = [2, 3, 1, 1];
const INVERSE_MIX = [14, 11, 13, 9];

/** Substitutes bytes and shifts rows left, or right for the inverse. */
function substitute(state: Uint8Array, box: Uint8Array, direction: 1 | -1): void {
  const old = state.slice();
  for (let i = 0; i < BLOCK; i++) {
    const row = i & 3;
    state[i] = box[old[(i + direction * 4 * row) & 15]];
  }
}

/** AES as it is built into the kernel (lib/crypto/aes.c): what modules use for single blocks and keys. */
export class Aes implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    aes_expandkey: (context: Ptr, key: Ptr, length: number) => this.expand(context, key, length),
    aes_encrypt: (context: Ptr, out: Ptr, input: Ptr) => this.encrypt(context, out, input),
    aes_decrypt: (context: Ptr, out: Ptr, input: Ptr) => this.decrypt(context, out, input),
  };

  private get boxes(): readonly [Uint8Array, Uint8Array] {
    boxes ??= makeBoxes();
    return boxes;
  }

  /** Round keys for both directions; -EINVAL unless the key has 16, 24 or 32 bytes. */
  expand(context: Ptr, key: Ptr, length: number): number {
    if (length !== 16 && length !== 24 && length !== 32) return -EINVAL;
    const { space } = this.k;
    const type = this.k.struct('crypto_aes_ctx');
    const [box] = this.boxes;
    const words = length / 4;
    const total = 4 * (words + 7);
    const keys = new Uint8Array(KEY_WORDS * 4);
    keys.set(space.bytes.subarray(key, key + length));
    let constant = 1;
    for (let i = words; i < total; i++) {
      let word = [...keys.subarray(i * 4 - 4, i * 4)];
      if (i % words === 0) {
        word = [word[1], word[2], word[3], word[0]].map((byte) => box[byte]);
        word[0] ^= constant;
        constant = double(constant);
      } else if (words > 6 && i % words === 4) word = word.map((byte) => box[byte]);
      word.forEach((byte, j) => {
        keys[i * 4 + j] = byte ^ keys[(i - words) * 4 + j];
      });
    }
    type.set(context, 'key_length', length);
    space.bytes.set(keys.subarray(0, total * 4), type.addr(context, 'key_enc'));
    space.bytes.set(this.reversed(keys, total * 4), type.addr(context, 'key_dec'));
    return 0;
  }

  /** Round keys for decryption: from the last to the first, those between put through InvMixColumns. */
  private reversed(keys: Uint8Array, bytes: number): Uint8Array {
    const out = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += BLOCK) {
      const round = keys.slice(at, at + BLOCK);
      if (at > 0 && at < bytes - BLOCK) mix(round, INVERSE_MIX);
      out.set(round, bytes - BLOCK - at);
    }
    return out;
  }

  encrypt(context: Ptr, out: Ptr, input: Ptr): void {
    const [box] = this.boxes;
    this.rounds(context, 'key_enc', out, input, (state, last) => {
      substitute(state, box, 1);
      if (!last) mix(state, MIX);
    });
  }

  decrypt(context: Ptr, out: Ptr, input: Ptr): void {
    const [, inverse] = this.boxes;
    this.rounds(context, 'key_dec', out, input, (state, last) => {
      substitute(state, inverse, -1);
      if (!last) mix(state, INVERSE_MIX);
    });
  }

  private rounds(
    context: Ptr,
    member: 'key_enc' | 'key_dec',
    out: Ptr,
    input: Ptr,
    round: (state: Uint8Array, last: boolean) => void,
  ): void {
    const { space } = this.k;
    const type = this.k.struct('crypto_aes_ctx');
    const keys = type.addr(context, member);
    const count = type.get(context, 'key_length') / 4 + 6;
    const state = space.bytes.slice(input, input + BLOCK);
    const addKey = (number: number): void => {
      for (let i = 0; i < BLOCK; i++) state[i] ^= space.load8(keys + number * BLOCK + i);
    };
    addKey(0);
    for (let number = 1; number <= count; number++) {
      round(state, number === count);
      addKey(number);
    }
    for (let i = 0; i < BLOCK; i++) space.store8(out + i, state[i]);
  }
}
