import type { Ptr } from '../../../cpu/layout.js';
import { list } from '../../abi/list.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/**
 * Operations for the end of suspend and shutdown, on one CPU with interrupts off (drivers/base/syscore.c). They are listed
 * themselves, or in newer kernels a struct syscore that has them and their data.
 */
export class SyscoreOps implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_syscore_ops: (ops: Ptr) => this.add('syscore_ops', ops),
    unregister_syscore_ops: (ops: Ptr) => this.remove('syscore_ops', ops),
    register_syscore: (syscore: Ptr) => this.add('syscore', syscore),
    unregister_syscore: (syscore: Ptr) => this.remove('syscore', syscore),
  };

  holds(): Iterable<Holding> {
    const struct = this.k.hasSymbol('syscore_list') ? 'syscore' : 'syscore_ops';
    const uses = ['suspend', 'resume', 'shutdown'];
    return heldStructs(
      this.k,
      { kind: 'system core operations', struct, uses },
      listedStructs(this.k, struct, 'node', this.head),
    );
  }

  boot(): void {
    list.init(this.k.space, this.head);
  }

  private add(type: string, object: Ptr): void {
    this.k.origins.note(object);
    list.addTail(this.k.space, this.k.struct(type).addr(object, 'node'), this.head);
  }

  private remove(type: string, object: Ptr): void {
    list.del(this.k.space, this.k.struct(type).addr(object, 'node'));
  }

  private get head(): Ptr {
    const name = this.k.hasSymbol('syscore_list') ? 'syscore_list' : 'syscore_ops_list';
    return this.k.variable(name, this.k.sizeOf('list_head'));
  }
}
