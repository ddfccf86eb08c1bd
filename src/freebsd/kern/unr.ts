import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mutexes } from './mutex.js';
import { Panic } from './panic.js';

interface Units {
  readonly low: number;
  readonly high: number;
  readonly mutex: Ptr;
  readonly taken: Set<number>;
}

/** A struct unrhdr is told by its address alone. */
const UNRHDR_BYTES = 64;

/** alloc_unr(9): the lowest free number of a range (sys/kern/subr_unit.c). */
export class UnitNumbers implements Subsystem {
  private readonly known = new Map<Ptr, Units>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    new_unrhdr: (low: number, high: number, mutex: Ptr) => {
      const at = this.k.slab.allocateBytes(UNRHDR_BYTES, true);
      this.init(at, low, high, mutex);
      return at;
    },
    init_unrhdr: (at: Ptr, low: number, high: number, mutex: Ptr) => this.init(at, low, high, mutex),
    delete_unrhdr: (at: Ptr) => this.delete(at),
    clear_unrhdr: (at: Ptr) => this.at(at).taken.clear(),
    clean_unrhdr: () => {},
    clean_unrhdrl: () => {},
    alloc_unr: (at: Ptr) => this.locked(at, () => this.lowest(this.at(at))),
    alloc_unrl: (at: Ptr) => this.lowest(this.at(at)),
    alloc_unr_specific: (at: Ptr, item: number) => this.locked(at, () => this.specific(this.at(at), item)),
    alloc_unr_specificl: (at: Ptr, item: number) => this.specific(this.at(at), item),
    free_unr: (at: Ptr, item: number) => this.free(at, item),
  };

  private init(at: Ptr, low: number, high: number, mutex: Ptr): void {
    this.known.set(at, { low, high, mutex, taken: new Set() });
    this.k.origins.note(at);
  }

  private at(at: Ptr): Units {
    const units = this.known.get(at);
    if (units) return units;
    throw new Panic(`0x${this.k.space.toAddress(at).toString(16)} is no unrhdr`, 'panic', at);
  }

  private delete(at: Ptr): void {
    this.at(at);
    this.known.delete(at);
    this.k.origins.forget(at);
    this.k.slab.free(at);
  }

  private *locked(at: Ptr, body: () => number): Sleepable<number> {
    const { mutex } = this.at(at);
    const mutexes = this.k.get(Mutexes);
    if (mutex === 0 || mutexes.isMine(mutex)) return body();
    yield* mutexes.lock(mutex);
    const result = body();
    mutexes.unlock(mutex);
    return result;
  }

  private lowest({ low, high, taken }: Units): number {
    for (let item = low; item <= high; item++) {
      if (taken.has(item)) continue;
      taken.add(item);
      return item;
    }
    return -1;
  }

  private specific({ low, high, taken }: Units, item: number): number {
    if (item < low || item > high || taken.has(item)) return -1;
    taken.add(item);
    return item;
  }

  private *free(at: Ptr, item: number): Sleepable<void> {
    const units = this.at(at);
    yield* this.locked(at, () => {
      if (!units.taken.delete(item)) throw new Panic(`Freeing free item ${item}`, 'bad-free', at);
      return 0;
    });
  }

  *holds(): Generator<Holding> {
    for (const at of this.known.keys())
      yield { kind: 'unit numbers', at, by: this.k.origins.of(at), name: () => '' };
  }
}
