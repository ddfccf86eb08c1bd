import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENAMETOOLONG, ENOENT } from '../errno.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';

/** MODULE_NAME_LEN */
const MODULE_NAME_LEN = 56;

/** request_module(): the kernel asks user space to run modprobe (kernel/kmod.c). */
export class RequestModule implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __request_module: (wait: boolean, format: Ptr, args: VarArgs) => {
      const name = this.k.get(Vsprintf).text(format, args);
      return this.request(name, wait);
    },
  };

  /** The exit status of modprobe (shifted as wait(2) has it), or a negative errno. */
  *request(name: string, wait: boolean): Sleepable<number> {
    if (name.length >= MODULE_NAME_LEN) return -ENAMETOOLONG;
    const run = this.k.get(Modules).requestModule;
    if (!run) return -ENOENT;
    if (wait) return (yield* run(name)) << 8;
    this.k.processes.create('kworker/u2:0', run(name), { kernelThread: true });
    return 0;
  }
}
