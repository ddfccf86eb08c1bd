import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { QUARTERS } from './quarters.js';

const BLAKE2S_BYTES = 64;
const WORDS = 16;
const ROUNDS = 10;
const IV = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;
/** Message schedule (RFC 7693, 2.7). */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
] as const;

const rotateRight = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

/** The BLAKE2s hash in a state of the caller's (RFC 7693; lib/crypto/blake2s.c). */
export class Blake2s implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    blake2s_update: (state: Ptr, data: Ptr, length: number) => this.update(state, data, length),
    blake2s_final: (state: Ptr, out: Ptr) => this.final(state, out),
  };

  /** A full block waits in the buffer until it is known not to be the last. */
  private update(state: Ptr, data: Ptr, length: number): void {
    const type = this.k.struct(this.stateName);
    const buffer = type.addr(state, 'buf');
    const { space } = this.k;
    for (let done = 0; done < length; ) {
      let used = type.get(state, 'buflen');
      if (used === BLAKE2S_BYTES) {
        this.compress(state, buffer, BLAKE2S_BYTES);
        used = 0;
      }
      const taken = Math.min(BLAKE2S_BYTES - used, length - done);
      space.writable(buffer + used, taken).set(space.bytes.slice(data + done, data + done + taken));
      type.set(state, 'buflen', used + taken);
      done += taken;
    }
  }

  private final(state: Ptr, out: Ptr): void {
    const { space } = this.k;
    const type = this.k.struct(this.stateName);
    const used = type.get(state, 'buflen');
    space.store32(type.addr(state, 'f'), 0xffff_ffff);
    space.writable(type.addr(state, 'buf') + used, BLAKE2S_BYTES - used).fill(0);
    this.compress(state, type.addr(state, 'buf'), used);
    const hash = type.addr(state, 'h');
    const length = type.get(state, 'outlen');
    space.writable(out, length).set(space.bytes.slice(hash, hash + length));
    space.writable(state, type.size).fill(0);
  }

  private compress(state: Ptr, block: Ptr, counted: number): void {
    const { space } = this.k;
    const type = this.k.struct(this.stateName);
    const word = (at: Ptr, i: number): number => space.load32(at + 4 * i);
    const [hash, counter, flags] = [type.addr(state, 'h'), type.addr(state, 't'), type.addr(state, 'f')];
    const low = word(counter, 0) + counted;
    space.store32(counter, low >>> 0);
    if (low > 0xffff_ffff) space.store32(counter + 4, (word(counter, 1) + 1) >>> 0);
    const before = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => word(hash, i));
    const tail = [word(counter, 0), word(counter, 1), word(flags, 0), word(flags, 1)];
    const v = Int32Array.from([...before, ...IV.slice(0, 4), ...tail.map((value, i) => value ^ IV[4 + i])]);
    mix(
      v,
      Int32Array.from({ length: WORDS }, (_, i) => word(block, i)),
    );
    before.forEach((value, i) => {
      space.store32(hash + 4 * i, (value ^ v[i] ^ v[i + 8]) >>> 0);
    });
  }

  private get stateName(): string {
    return this.k.types.findType('blake2s_state') ? 'blake2s_state' : 'blake2s_ctx';
  }
}

function mix(v: Int32Array, message: Int32Array): void {
  for (let round = 0; round < ROUNDS; round++)
    QUARTERS.forEach(([a, b, c, d], i) => {
      v[a] += v[b] + message[SIGMA[round][2 * i]];
      v[d] = rotateRight(v[d] ^ v[a], 16);
      v[c] += v[d];
      v[b] = rotateRight(v[b] ^ v[c], 12);
      v[a] += v[b] + message[SIGMA[round][2 * i + 1]];
      v[d] = rotateRight(v[d] ^ v[a], 8);
      v[c] += v[d];
      v[b] = rotateRight(v[b] ^ v[c], 7);
    });
}
