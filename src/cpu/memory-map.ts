import { CPU_AREA, GRANULE, type Region, SHADOW_BYTES, SHADOW_LIMIT, SHADOW_SHIFT, TOP } from './layout.js';

/** Where an operating system has what, in 64-bit addresses. One value for each system: tables and code are kept by it. */
export interface MemoryMap {
  /** Everything that is mapped at some time. What is in none of them is out of reach of guest code. */
  readonly regions: readonly Region[];
  /** The one that pages are taken from: accesses of machine code to it can be checked byte by byte (shadow.ts). */
  readonly ram: Region;
  /** The one of user processes, which SMAP guards. */
  readonly user: Region;
  /**
   * Upper half of a direct map of all memory: the address with this upper half and the lower half of any other is an alias of
   * that. Undefined where the system has none.
   */
  readonly directMapUpper?: number;
}

/** Throws RangeError for a map whose regions the layout of the address space (layout.ts) has no room for. */
export function checkMap({ regions, ram, user }: MemoryMap): void {
  const taken: { readonly name: string; readonly start: number; readonly end: number }[] = [
    { name: 'the tables of permissions', start: 0, end: GRANULE },
    { name: 'the shadow', start: SHADOW_BYTES, end: SHADOW_LIMIT },
    { name: TOP.name, start: TOP.start, end: TOP.start + TOP.size },
  ];
  for (const { name, start, size } of regions) {
    const end = start + size;
    if (start % GRANULE !== 0 || size % GRANULE !== 0 || size <= 0)
      throw new RangeError(`region ${name} is not made of granules of 16 MiB`);
    const other = taken.find((known) => start < known.end && known.start < end);
    if (other || end > CPU_AREA)
      throw new RangeError(`region ${name} overlaps ${other?.name ?? 'the registers'}`);
    taken.push({ name, start, end });
  }
  for (const region of [ram, user])
    if (!regions.includes(region)) throw new RangeError(`region ${region.name} is not one of the map`);
  if (ram.size >>> SHADOW_SHIFT > SHADOW_LIMIT - SHADOW_BYTES)
    throw new RangeError(`region ${ram.name} is too large for its shadow`);
}
