import type { HashMD } from '@noble/hashes/_md.js';
import { _MD5, _SHA1 } from '@noble/hashes/legacy.js';
import { _SHA224, _SHA256, _SHA384, _SHA512 } from '@noble/hashes/sha2.js';

/** A hash between two updates, as the kernel's state structs hold it. */
export interface HashState {
  /** The chaining value in 32-bit words; of 64-bit ones the high half first. */
  readonly words: readonly number[];
  /** Bytes hashed so far. */
  readonly length: number;
  /** A block, with those of the bytes that are not yet in the chaining value at its start. */
  readonly partial: Uint8Array;
}

/** A hash that can be left and taken up again. */
export interface HashCore {
  state(): HashState;
  resume(state: HashState): void;
  update(data: Uint8Array): unknown;
  digest(): Uint8Array;
}

// TypeScript wants the one parameter of a mixin's constructor to be any[], and HashMD's own parameter is the class itself.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Open = abstract new (...args: any[]) => HashMD<any>;

function resumable<T extends Open>(Base: T): T & (abstract new (...args: never) => HashCore) {
  abstract class Resumable extends Base implements HashCore {
    state(): HashState {
      return { words: this.get(), length: this.length, partial: this.buffer };
    }

    resume({ words, length, partial }: HashState): void {
      this.set(...words);
      this.buffer.set(partial);
      this.length = length;
      this.pos = length % this.blockLen;
    }
  }
  return Resumable;
}

export const Md5: new () => HashCore = resumable(_MD5);
export const Sha1: new () => HashCore = resumable(_SHA1);
export const Sha224: new () => HashCore = resumable(_SHA224);
export const Sha256: new () => HashCore = resumable(_SHA256);
export const Sha384: new () => HashCore = resumable(_SHA384);
export const Sha512: new () => HashCore = resumable(_SHA512);
