import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Looking for a mark in a card's or firmware's memory (lib/check_signature.c). */
export class SignatureCheck implements Subsystem {
  static readonly builtIn = 'CONFIG_CHECK_SIGNATURE';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    check_signature: (memory: Ptr, signature: Ptr, length: number) => {
      const { space } = this.k;
      for (let i = 0; i < length; i++) if (space.load8(memory + i) !== space.load8(signature + i)) return 0;
      return 1;
    },
  };
}
