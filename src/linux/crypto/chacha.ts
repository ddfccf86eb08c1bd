import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const WORDS = 16;
const BLOCK_COUNTER = 12;

/** Columns, then diagonals, of the state of 4 by 4 words (RFC 8439, 2.3). */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const rotateLeft = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

function quarterRound(x: Int32Array, [a, b, c, d]: readonly [number, number, number, number]): void {
  for (const [first, second] of [
    [16, 12],
    [8, 7],
  ]) {
    x[a] += x[b];
    x[d] = rotateLeft(x[d] ^ x[a], first);
    x[c] += x[d];
    x[b] = rotateLeft(x[b] ^ x[c], second);
  }
}

/** The ChaCha functions that are built into the kernel (lib/crypto/chacha.c). */
export class Chacha implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    chacha_block_generic: (state: Ptr, stream: Ptr, rounds: number) => this.block(state, stream, rounds),
    hchacha_block_generic: (state: Ptr, out: Ptr, rounds: number) => this.hash(state, out, rounds),
  };

  private permuted(state: Ptr, rounds: number): Int32Array {
    const x = Int32Array.from({ length: WORDS }, (_, i) => this.k.space.load32(state + i * 4));
    for (let round = 0; round < rounds; round += 2) for (const quarter of QUARTERS) quarterRound(x, quarter);
    return x;
  }

  /** One block of key stream; counts the block counter up. */
  private block(state: Ptr, stream: Ptr, rounds: number): void {
    const { space } = this.k;
    this.permuted(state, rounds).forEach((word, i) => {
      space.store32(stream + i * 4, (word + space.load32(state + i * 4)) >>> 0);
    });
    const counter = state + BLOCK_COUNTER * 4;
    space.store32(counter, (space.load32(counter) + 1) >>> 0);
  }

  /** HChaCha: the first and last four words without adding the input. */
  private hash(state: Ptr, out: Ptr, rounds: number): void {
    const x = this.permuted(state, rounds);
    [0, 1, 2, 3, 12, 13, 14, 15].forEach((from, i) => {
      this.k.space.store32(out + i * 4, x[from] >>> 0);
    });
  }
}
