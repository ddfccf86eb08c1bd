import type { Ptr } from '../../../cpu/layout.js';
import type { Holder, Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';

/**
 * An array of pointers indexed by a protocol's number, each slot taken by at most one registration: the
 * kernel's own exported array where it has a symbol, so that modules that look into it find what is there.
 */
export class SlotTable implements Holder {
  private at: Ptr = 0;

  constructor(
    private readonly k: LinuxKernel,
    private readonly size: number,
    private readonly symbol: string,
    /** What an entry is. */
    private readonly kind: string,
  ) {
    k.holders.push(this);
  }

  *holds(): Generator<Holding> {
    if (this.at === 0) return;
    for (let index = 0; index < this.size; index++) {
      const at = this.get(index);
      if (at !== 0) yield { kind: this.kind, at, name: () => String(index) };
    }
  }

  get(index: number): Ptr {
    return index >= 0 && index < this.size ? this.k.space.loadPtr(this.slot(index)) : 0;
  }

  /** cmpxchg(&table[index], NULL, entry): false if it is taken. */
  take(index: number, entry: Ptr): boolean {
    if (index < 0 || index >= this.size || this.get(index) !== 0) return false;
    this.k.space.storePtr(this.slot(index), entry);
    this.k.origins.note(entry);
    return true;
  }

  /** cmpxchg(&table[index], entry, NULL): false if something else is there. */
  release(index: number, entry: Ptr): boolean {
    if (index < 0 || index >= this.size || this.get(index) !== entry) return false;
    this.k.space.storePtr(this.slot(index), 0);
    return true;
  }

  private slot(index: number): Ptr {
    const { k } = this;
    if (this.at === 0)
      this.at =
        this.symbol !== '' && k.hasSymbol(this.symbol) ? k.symbol(this.symbol) : k.permanent(8 * this.size);
    return this.at + 8 * index;
  }
}
