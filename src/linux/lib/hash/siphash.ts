import { ULONG_MAX } from '../../abi/limits.js';

export interface SipKey {
  readonly k0: bigint;
  readonly k1: bigint;
}

const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & ULONG_MAX;

/** SipHash-c-d's state (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). */
class SipState {
  private v0: bigint;
  private v1: bigint;
  private v2: bigint;
  private v3: bigint;

  constructor(
    key: SipKey,
    private readonly compressRounds: number,
    private readonly finalRounds: number,
  ) {
    this.v0 = key.k0 ^ 0x736f6d6570736575n;
    this.v1 = key.k1 ^ 0x646f72616e646f6dn;
    this.v2 = key.k0 ^ 0x6c7967656e657261n;
    this.v3 = key.k1 ^ 0x7465646279746573n;
  }

  absorb(word: bigint): void {
    this.v3 ^= word;
    for (let i = 0; i < this.compressRounds; i++) this.round();
    this.v0 ^= word;
  }

  finish(): bigint {
    this.v2 ^= 0xffn;
    for (let i = 0; i < this.finalRounds; i++) this.round();
    return this.v0 ^ this.v1 ^ this.v2 ^ this.v3;
  }

  private round(): void {
    let { v0, v1, v2, v3 } = this;
    v0 = (v0 + v1) & ULONG_MAX;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & ULONG_MAX;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & ULONG_MAX;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & ULONG_MAX;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
    this.v0 = v0;
    this.v1 = v1;
    this.v2 = v2;
    this.v3 = v3;
  }
}

/** The last word: what is left of the message, with its length in the top byte. */
function lastWord(rest: bigint, length: number): bigint {
  return rest | (BigInt(length & 0xff) << 56n);
}

function run(state: SipState, bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length & ~7;
  for (let at = 0; at < whole; at += 8) state.absorb(view.getBigUint64(at, true));
  let rest = 0n;
  for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8n) | BigInt(bytes[at]);
  state.absorb(lastWord(rest, bytes.length));
  return state.finish();
}

function runWords(state: SipState, words: readonly bigint[]): bigint {
  for (const word of words) state.absorb(word);
  state.absorb(lastWord(0n, words.length * 8));
  return state.finish();
}

/** SipHash-2-4 of bytes. */
export function siphash(bytes: Uint8Array, key: SipKey): bigint {
  return run(new SipState(key, 2, 4), bytes);
}

/** SipHash-2-4 of whole 64-bit words, as siphash_1u64 to siphash_4u64 take them. */
export function siphashWords(words: readonly bigint[], key: SipKey): bigint {
  return runWords(new SipState(key, 2, 4), words);
}

/** SipHash-1-3, cut to 32 bits: what hsiphash is on 64-bit machines. */
export function hsiphash(bytes: Uint8Array, key: SipKey): number {
  return Number(run(new SipState(key, 1, 3), bytes) & 0xffff_ffffn);
}
