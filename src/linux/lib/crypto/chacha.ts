import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { QUARTERS } from './quarters.js';

const STATE_WORDS = 16;
/** Word of the state that counts blocks. */
const COUNTER = 12;

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** The ChaCha permutation (RFC 8439, 2.3; HChaCha of draft-irtf-cfrg-xchacha; lib/crypto/chacha.c). */
export class ChaCha implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    chacha_block_generic: (state: Ptr, stream: Ptr, rounds: number) => this.block(state, stream, rounds),
    hchacha_block_generic: (state: Ptr, out: Ptr, rounds: number) => this.derive(state, out, rounds),
  };

  /** The next 64 bytes of the key stream. */
  private block(state: Ptr, stream: Ptr, rounds: number): void {
    const { space } = this.k;
    const before = this.words(state);
    permute(before.slice(), rounds).forEach((word, i) => {
      space.store32(stream + 4 * i, (word + before[i]) >>> 0);
    });
    space.store32(state + 4 * COUNTER, (before[COUNTER] + 1) >>> 0);
  }

  private derive(state: Ptr, out: Ptr, rounds: number): void {
    const words = permute(this.words(state), rounds);
    [...words.slice(0, 4), ...words.slice(12)].forEach((word, i) => {
      this.k.space.store32(out + 4 * i, word >>> 0);
    });
  }

  private words(state: Ptr): Int32Array {
    return Int32Array.from({ length: STATE_WORDS }, (_, i) => this.k.space.load32(state + 4 * i));
  }
}

/** In place. */
function permute(x: Int32Array, rounds: number): Int32Array {
  for (let round = 0; round < rounds; round += 2)
    for (const [a, b, c, d] of QUARTERS) {
      x[a] += x[b];
      x[d] = rotate(x[d] ^ x[a], 16);
      x[c] += x[d];
      x[b] = rotate(x[b] ^ x[c], 12);
      x[a] += x[b];
      x[d] = rotate(x[d] ^ x[a], 8);
      x[c] += x[d];
      x[b] = rotate(x[b] ^ x[c], 7);
    }
  return x;
}
