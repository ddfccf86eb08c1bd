import type { Ptr } from '../../../cpu/layout.js';
import { type HashCore, Sha1, Sha224, Sha256 } from '../../../kernel/hash-cores.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { GuestHashState, SHA256_STATE } from './md-states.js';

const SHA1_BLOCK_BYTES = 64;
const SHA1_WORDS = 5;
const NOTHING = new Uint8Array();

/** SHA-1 and SHA-256 without the crypto API (lib/crypto/sha1.c, sha256.c). */
export class Sha implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sha1_init: (words: Ptr) => this.storeWords(words, new Sha1().state().words),
    sha1_transform: (words: Ptr, block: Ptr) => this.transform(words, block),
    sha256_update: (state: Ptr, data: Ptr, length: number) =>
      this.state.update(state, new Sha256(), this.bytes(data, length)),
    sha256_final: (state: Ptr, out: Ptr) => this.finish(state, new Sha256(), out),
    sha224_final: (state: Ptr, out: Ptr) => this.finish(state, new Sha224(), out),
    sha256: (data: Ptr, length: number, out: Ptr) => {
      const core = new Sha256();
      core.update(this.bytes(data, length));
      this.give(core.digest(), out);
    },
  };

  /** One block into the five words of the chaining value; nothing is padded. */
  private transform(words: Ptr, block: Ptr): void {
    const { space } = this.k;
    const core = new Sha1();
    const chaining = Array.from({ length: SHA1_WORDS }, (_, i) => space.loadInt32(words + 4 * i));
    core.resume({ words: chaining, length: 0, partial: NOTHING });
    core.update(space.readable(block, SHA1_BLOCK_BYTES));
    this.storeWords(words, core.state().words);
  }

  private storeWords(at: Ptr, words: readonly number[]): void {
    words.forEach((word, i) => {
      this.k.space.store32(at + 4 * i, word >>> 0);
    });
  }

  private finish(state: Ptr, core: HashCore, out: Ptr): void {
    this.give(this.state.finish(state, core, NOTHING), out);
  }

  private give(digest: Uint8Array, out: Ptr): void {
    this.k.space.writable(out, digest.length).set(digest);
  }

  private bytes(data: Ptr, length: number): Uint8Array {
    return length === 0 ? NOTHING : this.k.space.readable(data, length);
  }

  private get state(): GuestHashState {
    return new GuestHashState(this.k, SHA256_STATE);
  }
}
