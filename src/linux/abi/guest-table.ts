import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';

/**
 * An array of pointers that modules and the kernel's own code look into: the target's variable where symbols tell where that is, else
 * memory of its own. It is only asked for when something is first put in or read.
 */
export class GuestTable {
  private at: Ptr = 0;

  constructor(
    private readonly k: LinuxKernel,
    /** The variable; '' for none. */
    private readonly symbol: string,
    readonly size: number,
  ) {}

  get(index: number): Ptr {
    return this.k.space.loadPtr(this.slot(index));
  }

  set(index: number, entry: Ptr): void {
    this.k.space.storePtr(this.slot(index), entry);
  }

  /** What is in it, and where. */
  *entries(): Generator<readonly [index: number, entry: Ptr]> {
    if (this.at === 0) return;
    for (let index = 0; index < this.size; index++) {
      const entry = this.get(index);
      if (entry !== 0) yield [index, entry];
    }
  }

  private slot(index: number): Ptr {
    const { k, symbol } = this;
    if (this.at === 0)
      this.at = symbol !== '' && k.hasSymbol(symbol) ? k.symbol(symbol) : k.permanent(8 * this.size);
    return this.at + 8 * index;
  }
}
