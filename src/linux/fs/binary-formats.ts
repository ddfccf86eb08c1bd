import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import { type Holding, heldStructs, listedStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';

/** Formats of executable files (fs/exec.c). No program is ever executed: modules come and go in the list. */
export class BinaryFormats implements Subsystem {
  private head: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __register_binfmt: (format: Ptr, insert: number) => this.register(format, insert !== 0),
    unregister_binfmt: (format: Ptr) =>
      list.del(this.k.space, this.k.struct('linux_binfmt').addr(format, 'lh')),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'binary format', struct: 'linux_binfmt', uses: ['load_binary'] },
      listedStructs(this.k, 'linux_binfmt', 'lh', this.head),
    );
  }

  boot(): void {
    this.head = this.k.hasSymbol('formats') ? this.k.symbol('formats') : this.k.permanent(16);
    list.init(this.k.space, this.head);
  }

  private register(format: Ptr, insert: boolean): void {
    const type = this.k.struct('linux_binfmt');
    if (type.get(format, 'load_binary') === 0) {
      warn(this.k, '', 'fs/exec.c', '__register_binfmt');
      return;
    }
    this.k.origins.note(format);
    const entry = type.addr(format, 'lh');
    if (insert) list.add(this.k.space, entry, this.head);
    else list.addTail(this.k.space, entry, this.head);
  }
}
