import { Oops } from '../errors.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Where functions go whose canary was overwritten (kernel/panic.c). */
export class StackProtector implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __stack_chk_fail: () => {
      const at = symbolize(this.k, this.k.caller);
      throw new Oops(
        'stack-corruption',
        `Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: ${at}`,
        this.k.caller,
      );
    },
  };
}
