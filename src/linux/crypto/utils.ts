import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Small functions that block modes are made of (crypto/algapi.c, lib/crypto/utils.c). */
export class CryptoUtils implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __crypto_xor: (to: Ptr, a: Ptr, b: Ptr, bytes: number) => this.xor(to, a, b, bytes),
    crypto_inc: (counter: Ptr, bytes: number) => this.increment(counter, bytes),
  };

  private xor(to: Ptr, a: Ptr, b: Ptr, bytes: number): void {
    const { space } = this.k;
    for (let i = 0; i < bytes; i++) space.store8(to + i, space.load8(a + i) ^ space.load8(b + i));
  }

  /** Counts a big-endian number up, modulo its size. */
  private increment(counter: Ptr, bytes: number): void {
    const { space } = this.k;
    for (let at = counter + bytes - 1; at >= counter; at--) {
      const value = (space.load8(at) + 1) & 255;
      space.store8(at, value);
      if (value !== 0) return;
    }
  }
}
