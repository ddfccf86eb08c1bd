import type { Ptr } from '../../../cpu/layout.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Operations for the end of suspend and shutdown, on one CPU with interrupts off (drivers/base/syscore.c). */
export class SyscoreOps implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_syscore_ops: (ops: Ptr) => list.addTail(this.k.space, this.nodeOf(ops), this.head),
    unregister_syscore_ops: (ops: Ptr) => list.del(this.k.space, this.nodeOf(ops)),
  };

  boot(): void {
    list.init(this.k.space, this.head);
  }

  private nodeOf(ops: Ptr): Ptr {
    return this.k.struct('syscore_ops').addr(ops, 'node');
  }

  private get head(): Ptr {
    return this.k.variable('syscore_ops_list', this.k.sizeOf('list_head'));
  }
}
