import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Malloc } from './malloc.js';
import { Panic } from './panic.js';

/** Sizes that phashinit() takes: primes. */
const PRIMES = [
  1, 13, 31, 61, 127, 251, 509, 761, 1021, 1531, 2039, 2557, 3067, 3583, 4093, 4603, 5119, 5623, 6143, 6653,
  7159, 7673, 8191, 12281, 16381, 24571, 32749,
];
const BUCKET_BYTES = 8;

/** hashinit(9) (sys/kern/subr_hash.c): tables of list heads. */
export class Hashes implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    hashinit: (elements: number, type: Ptr, mask: Ptr) =>
      this.init(elements, type, mask, this.k.macro('HASH_WAITOK')),
    hashinit_flags: (elements: number, type: Ptr, mask: Ptr, flags: number) =>
      this.init(elements, type, mask, flags),
    hashdestroy: (table: Ptr, type: Ptr, mask: number) => this.destroy(table, type, mask),
    phashinit: (elements: number, type: Ptr, entries: Ptr) =>
      this.primeInit(elements, type, entries, this.k.macro('HASH_WAITOK')),
    phashinit_flags: (elements: number, type: Ptr, entries: Ptr, flags: number) =>
      this.primeInit(elements, type, entries, flags),
  };

  readonly signatures = { hashdestroy: 'v:ppL' };

  /** As many heads as the highest power of two that is not above `elements`. */
  private init(elements: number, type: Ptr, mask: Ptr, flags: number): Ptr {
    this.demand(elements, 'hashinit');
    const size = 2 ** Math.floor(Math.log2(elements));
    const table = this.allocate(size, type, flags);
    if (table !== 0) this.k.space.storeLong(mask, size - 1);
    return table;
  }

  private primeInit(elements: number, type: Ptr, entries: Ptr, flags: number): Ptr {
    this.demand(elements, 'phashinit');
    const size = PRIMES.filter((prime) => prime <= elements).at(-1) ?? 1;
    const table = this.allocate(size, type, flags);
    if (table !== 0) this.k.space.storeLong(entries, size);
    return table;
  }

  private demand(elements: number, name: string): void {
    if (elements <= 0) throw new Panic(`${name}: bad elements`);
  }

  private allocate(size: number, type: Ptr, flags: number): Ptr {
    const { k } = this;
    const wait = flags & k.macro('HASH_WAITOK') ? k.macro('M_WAITOK') : k.macro('M_NOWAIT');
    const table = k.get(Malloc).malloc(size * BUCKET_BYTES, type, wait);
    if (table !== 0) k.space.writable(table, size * BUCKET_BYTES).fill(0);
    return table;
  }

  private destroy(table: Ptr, type: Ptr, mask: number): void {
    for (let i = 0; i <= mask; i++)
      if (this.k.space.loadPtr(table + i * BUCKET_BYTES) !== 0)
        this.k.panic(`hashdestroy: hashtbl 0x${this.k.space.toAddress(table).toString(16)} not empty`);
    this.k.get(Malloc).free(table, type);
  }
}
