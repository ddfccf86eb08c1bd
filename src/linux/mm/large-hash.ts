import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { VmallocExports } from './vmalloc.js';

/** Tables that are to be small whatever the machine has (HASH_SMALL), which then have at least a certain shift's worth of entries. */
const HASH_SMALL = 2;
/** A megabyte in pages, which memory is counted in, and the most of it that a table takes. */
const MEGABYTE_PAGES = 2 ** 20 / PAGE_SIZE;
const SHARE = 16;

/** Hash tables whose size goes by the machine's memory, as they are made at boot (mm/page_alloc.c, from 6.5 on mm/mm_init.c). */
export class LargeHashTables implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  /** Whether tables are spread over the nodes of memory, of which there is one. */
  readonly keeps = ['hashdist'];

  readonly exports = {
    alloc_large_system_hash: (
      name: Ptr,
      bucketBytes: number,
      entries: number,
      scale: number,
      flags: number,
      shift: Ptr,
      mask: Ptr,
      low: number,
      high: number,
    ) =>
      this.allocate(
        name,
        bucketBytes,
        this.count(entries, { bucketBytes, scale, flags, low, high }),
        shift,
        mask,
      ),
  };

  /** alloc_large_system_hash(): `entries` buckets of zeros; the kernel panics where there is no memory for them. */
  private allocate(name: Ptr, bucketBytes: number, entries: number, shift: Ptr, mask: Ptr): Ptr {
    const { k } = this;
    const table = k.get(VmallocExports).exports.vmalloc(entries * bucketBytes);
    if (table === 0) throw new Error(`Failed to allocate ${k.space.cstring(name)} hash table`);
    if (shift !== 0) k.space.store32(shift, Math.log2(entries));
    if (mask !== 0) k.space.store32(mask, entries - 1);
    return table;
  }

  /** How many buckets, a power of two: one for each 2^scale bytes of memory unless a number is asked for. */
  private count(asked: number, { bucketBytes, scale, flags, low, high }: Limits): number {
    const pages = this.k.budget.limit / PAGE_SIZE;
    let entries = asked;
    if (entries === 0) {
      entries = Math.ceil(pages / MEGABYTE_PAGES) * MEGABYTE_PAGES;
      entries = scale > 12 ? entries / 2 ** (scale - 12) : entries * 2 ** (12 - scale);
      if (flags & HASH_SMALL) entries = Math.max(entries, 16);
      else if (entries * bucketBytes < PAGE_SIZE) entries = Math.ceil(PAGE_SIZE / bucketBytes);
    }
    entries = 2 ** Math.ceil(Math.log2(entries));
    const most = high === 0 ? (pages * PAGE_SIZE) / SHARE / bucketBytes : high;
    return 2 ** Math.floor(Math.log2(Math.min(Math.max(entries, low), most)));
  }
}

interface Limits {
  readonly bucketBytes: number;
  readonly scale: number;
  readonly flags: number;
  readonly low: number;
  readonly high: number;
}
