import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

interface UnitPool {
  readonly low: number;
  readonly high: number;
  readonly taken: Set<number>;
}

const HANDLE_BYTES = 64;
const NONE = -1;

/** Numbers of units, alloc_unr(9) (sys/kern/subr_unit.c): the lowest free one of a range. */
export class Units implements Subsystem {
  private readonly pools = new Map<Ptr, UnitPool>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    new_unrhdr: (low: number, high: number) => this.make(low, high),
    delete_unrhdr: (pool: Ptr) => this.destroy(pool),
    clear_unrhdr: (pool: Ptr) => this.at(pool).taken.clear(),
    clean_unrhdr: () => {},
    clean_unrhdrl: () => {},
    alloc_unr: (pool: Ptr) => this.take(this.at(pool)),
    alloc_unrl: (pool: Ptr) => this.take(this.at(pool)),
    alloc_unr_specific: (pool: Ptr, unit: number) => this.takeUnit(this.at(pool), unit),
    free_unr: (pool: Ptr, unit: number) => this.give(this.at(pool), unit),
  };

  private make(low: number, high: number): Ptr {
    const at = this.k.slab.allocateBytes(HANDLE_BYTES, true);
    this.pools.set(at, { low, high, taken: new Set() });
    this.k.origins.note(at);
    return at;
  }

  private at(at: Ptr): UnitPool {
    const pool = this.pools.get(at);
    return pool ?? this.k.panic(`0x${this.k.space.toAddress(at).toString(16)} is no pool of unit numbers`);
  }

  private destroy(at: Ptr): void {
    if (this.at(at).taken.size > 0) this.k.panic('unrhdr has busy items');
    this.pools.delete(at);
    this.k.origins.forget(at);
    this.k.slab.free(at);
  }

  private take(pool: UnitPool): number {
    for (let unit = pool.low; unit <= pool.high; unit++)
      if (!pool.taken.has(unit)) return this.takeUnit(pool, unit);
    return NONE;
  }

  private takeUnit({ low, high, taken }: UnitPool, unit: number): number {
    if (unit < low || unit > high || taken.has(unit)) return NONE;
    taken.add(unit);
    return unit;
  }

  private give({ low, high, taken }: UnitPool, unit: number): void {
    if (unit < low || unit > high) this.k.panic(`free_unr(${unit}) out of range [${low}...${high}]`);
    if (!taken.delete(unit)) this.k.panic(`free_unr(${unit}): the unit is free`);
  }

  *holds(): Generator<Holding> {
    for (const [at, { low, high }] of this.pools)
      yield { kind: 'pool of unit numbers', at, by: this.k.origins.of(at), name: () => `${low}-${high}` };
  }
}
