import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Exclusive or of buffers, which may be the same (lib/crypto/utils.c). */
export class CryptoXor implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __crypto_xor: (to: Ptr, a: Ptr, b: Ptr, length: number) => {
      const { space } = this.k;
      const [first, second] = [space.readable(a, length), space.readable(b, length)];
      space.writable(to, length).set(first.map((byte, i) => byte ^ second[i]));
    },
  };

  readonly signatures = { __crypto_xor: 'v:pppu' };
}
