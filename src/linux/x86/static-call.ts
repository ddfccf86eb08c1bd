import type { Ptr } from '../../cpu/layout.js';
import { JMP } from '../abi/instructions.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const RET = 0xc3;
const INT3 = 0xcc;

/**
 * Static calls (kernel/static_call.c, arch/x86/kernel/static_call.c): calls of a function that is chosen once, by
 * patching code. The trampoline of a key jumps to its function. Linux also patches the sites that
 * call the trampoline to call the function itself; here they go on through the trampoline, which comes to the same.
 */
export class StaticCalls implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __static_call_update: (key: Ptr, trampoline: Ptr, fn: Ptr) => this.update(key, trampoline, fn),
  };

  private update(key: Ptr, trampoline: Ptr, fn: Ptr): void {
    const type = this.k.struct('static_call_key');
    if (type.get(key, 'func') === fn) return;
    type.set(key, 'func', fn);
    if (trampoline !== 0) this.k.space.patch(trampoline, jump(trampoline, fn));
  }
}

/** The trampoline's instruction: a jump, or a return where there is no function. */
function jump(from: Ptr, to: Ptr): Uint8Array {
  if (to === 0) return Uint8Array.of(RET, INT3, INT3, INT3, INT3);
  const code = new Uint8Array(5);
  code[0] = JMP;
  new DataView(code.buffer).setInt32(1, to - (from + code.length), true);
  return code;
}
