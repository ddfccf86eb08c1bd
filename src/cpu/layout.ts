/**
 * The layout of every guest's address space; what a system has where in it is its MemoryMap.
 *
 * Guest addresses are real 64-bit kernel addresses. All guest memory is one WebAssembly memory, and the
 * *linear offset* of an address is its low 32 bits with bit 31 flipped:
 *
 *     linear = (address - 0x80000000) mod 2^32
 *
 * Regions are chosen so that their linear ranges do not overlap and lie below 2^31; a linear offset is then
 * a small integer in TypeScript (the type `Ptr`), can also be the guest's *physical address* (where the direct map is
 * chosen so that its base + linear is the alias of every page), and determines the upper half of its
 * address through the region it is in. Regions are multiples of 16 MiB (a *granule*).
 */

/** A guest pointer in TypeScript: a linear offset; 0 is NULL. See AddressSpace.fromAddress for the rest. */
export type Ptr = number;

export interface Region {
  readonly name: string;
  /** First linear offset, a multiple of GRANULE. */
  readonly start: Ptr;
  /** Length in bytes, a multiple of GRANULE. */
  readonly size: number;
  /** Upper 32 bits of every address in the region. */
  readonly upper: number;
}

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
export const GRANULE_SHIFT = 24;
export const GRANULE = 1 << GRANULE_SHIFT;

/** Linear offsets from here on are never guest memory. */
export const GUEST_LIMIT = 0x8000_0000;

/** A region from one linear offset to before another, with the upper half of its addresses. */
export const region = (name: string, start: number, end: number, upper: number): Region => ({
  name,
  start,
  size: end - start,
  upper,
});

/**
 * Top of every address space: never mapped, but small negative numbers, which systems pass in place of pointers, are here
 * and so stay small integers.
 */
export const TOP = region('the top', 0x7f00_0000, 0x8000_0000, 0xffff_ffff);

/**
 * Tables that translated code checks accesses with: one 64-bit tag for each of the 2^20 pages of the 32-bit
 * space, equal to (address >>> 12) - 2^19, that is (address - 2^31) >>> 12, where the page may be read or
 * written. Elsewhere it is 0. What is compared is the tag of the page of an access's *last* byte with the page
 * number of its *first*: 0 would match accesses that begin in page 0 and end in a later page, so the pages that
 * one can end in, those of the first granule, have NO_TAG. The tables fill that granule, which is never mapped.
 */
export const READ_TAGS = 0;
export const WRITE_TAGS = 0x80_0000;
/** Bit of a tag: accesses to the page are to be checked byte by byte with the shadow. Such a tag matches no address either. */
export const WATCHED_TAG = 1n << 60n;
/** Matches no address. */
export const NO_TAG = 0xffff_ffff_ffff_ffffn;
/** So many tags at the start of each table are NO_TAG: as many as there are pages in the granule round NULL. */
export const UNREACHABLE_TAGS = GRANULE / PAGE_SIZE;

/**
 * Shadow of the map's RAM, in a granule range that no region may use: one signed byte for each 8 bytes, as KASAN has it. 0: all may be
 * accessed; 1 to 7: the first so many; negative: none.
 */
export const SHADOW_BYTES = 0x6400_0000;
export const SHADOW_LIMIT = 0x6a00_0000;
export const SHADOW_SHIFT = 3;

/**
 * Host area of the WebAssembly memory, outside what guest addresses can reach: permission tables and
 * register file. Every table has one 32-bit entry for each of the 2^20 pages of the 32-bit space.
 */
export const HOST_AREA = 0x8000_0000;
/** Entry = upper half at which the page may be read, or NO_ACCESS. */
export const READ_TABLE = HOST_AREA;
/** Entry = upper half at which the page may be written, or NO_ACCESS. */
export const WRITE_TABLE = HOST_AREA + 0x40_0000;
/**
 * Register file and whatever else the CPU keeps in linear memory: 8 MiB. It lies where the linear range of
 * TOP ends, which is never mapped, because offsets below 2^31 make shorter machine code.
 */
export const CPU_AREA = 0x7f80_0000;
export const CPU_AREA_SIZE = 0x80_0000;
export const MEMORY_BYTES = HOST_AREA + 0x80_0000;
export const TABLE_ENTRIES = 1 << 20;
/** Not the upper half of any canonical address. */
export const NO_ACCESS = 0x8000_0001;

/** Bytes rounded up to whole pages. */
export const pageAlign = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
