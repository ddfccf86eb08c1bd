import type { Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Modules } from './modules.js';

/** Whether an address is that of code (kernel/extable.c). */
export class KernelText implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    core_kernel_text: (address: Ptr) => (this.isCore(address) ? 1 : 0),
    kernel_text_address: (address: Ptr) => (this.isText(address) ? 1 : 0),
    __kernel_text_address: (address: Ptr) => (this.isText(address) ? 1 : 0),
    ftrace_ops_trampoline: nothing('calls are traced without trampolines', 0),
    arch_stack_walk: nothing('stacks are not walked by the kernel’s own code', undefined),
    stack_trace_save: nothing('stacks are not walked by the kernel’s own code', 0),
  };

  readonly signatures = {
    core_kernel_text: 'i:p',
    kernel_text_address: 'i:p',
    __kernel_text_address: 'i:p',
    ftrace_ops_trampoline: 'p:p',
  };

  private isCore(address: Ptr): boolean {
    return address >= this.k.symbol('_stext') && address < this.k.symbol('_etext');
  }

  private isModuleCode(address: Ptr): boolean {
    const module = this.k.get(Modules).moduleAt(address);
    return module !== undefined && this.k.space.isExecutable(address);
  }

  private isText(address: Ptr): boolean {
    return this.isCore(address) || this.isModuleCode(address);
  }
}
