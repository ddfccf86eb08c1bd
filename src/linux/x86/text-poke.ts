import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Changing code that may run (arch/x86/kernel/alternative.c): what is translated of it is translated again. */
export class TextPoke implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    text_poke: (at: Ptr, code: Ptr, bytes: number) => this.copy(at, code, bytes),
    text_poke_copy: (at: Ptr, code: Ptr, bytes: number) => this.copy(at, code, bytes),
    text_poke_set: (at: Ptr, value: number, bytes: number) =>
      this.write(at, new Uint8Array(bytes).fill(value)),
    text_poke_bp: (at: Ptr, code: Ptr, bytes: number) => void this.copy(at, code, bytes),
    text_poke_queue: (at: Ptr, code: Ptr, bytes: number) => void this.copy(at, code, bytes),
    // What was queued was written at once, and the one processor sees it.
    text_poke_finish: constant(undefined),
    text_poke_sync: constant(undefined),
  };

  private copy(at: Ptr, code: Ptr, bytes: number): Ptr {
    return this.write(at, this.k.space.readable(code, bytes).slice());
  }

  private write(at: Ptr, code: Uint8Array): Ptr {
    // Faults where nothing is mapped.
    this.k.space.readable(at, code.length);
    this.k.space.patch(at, code);
    return at;
  }
}
