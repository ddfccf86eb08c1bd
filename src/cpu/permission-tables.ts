import {
  MEMORY_BYTES,
  NO_ACCESS,
  NO_TAG,
  READ_TABLE,
  READ_TAGS,
  TABLE_ENTRIES,
  UNREACHABLE_TAGS,
  WATCHED_TAG,
  WRITE_TABLE,
  WRITE_TAGS,
} from './layout.js';
import type { Scrubber } from './scrub.js';

/** Memory in which nothing is accessible. */
export function newMemory(): WebAssembly.Memory {
  const pages = MEMORY_BYTES / 65536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  for (const table of [READ_TABLE, WRITE_TABLE])
    new Uint32Array(memory.buffer, table, TABLE_ENTRIES).fill(NO_ACCESS);
  for (const tags of [READ_TAGS, WRITE_TAGS])
    new BigUint64Array(memory.buffer, tags, UNREACHABLE_TAGS).fill(NO_TAG);
  return memory;
}

/** What may be done with a page. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

/** Upper word of a watched page's tag. */
const WATCHED_HIGH = Number(WATCHED_TAG >> 32n);

/** The tables that say which pages may be accessed: for TypeScript code by upper half, for machine code by tag (layout.ts). */
export class PermissionTables {
  /** Upper half at which each page may be read; index is linear >>> 12. */
  readonly read: Uint32Array;
  readonly write: Uint32Array;
  private readonly readTags: Uint32Array;
  private readonly writeTags: Uint32Array;

  constructor(buffer: ArrayBufferLike) {
    this.read = new Uint32Array(buffer, READ_TABLE, TABLE_ENTRIES);
    this.write = new Uint32Array(buffer, WRITE_TABLE, TABLE_ENTRIES);
    this.readTags = new Uint32Array(buffer, READ_TAGS, TABLE_ENTRIES * 2);
    this.writeTags = new Uint32Array(buffer, WRITE_TAGS, TABLE_ENTRIES * 2);
  }

  /** Lets a page be accessed at addresses with the upper half `upper`; it is not watched from then on. */
  allow(page: number, upper: number, { read, write }: Access): void {
    const low = (upper << 20) | page;
    const high = upper >>> 12;
    this.read[page] = read ? upper : NO_ACCESS;
    this.write[page] = write ? upper : NO_ACCESS;
    this.readTags[2 * page] = read ? low : 0;
    this.readTags[2 * page + 1] = read ? high : 0;
    this.writeTags[2 * page] = write ? low : 0;
    this.writeTags[2 * page + 1] = write ? high : 0;
  }

  /** Takes every right to the pages from `page` to before `end` away. */
  forbid(page: number, end: number): void {
    this.read.fill(NO_ACCESS, page, end);
    this.write.fill(NO_ACCESS, page, end);
    this.readTags.fill(0, 2 * page, 2 * end);
    this.writeTags.fill(0, 2 * page, 2 * end);
  }

  /** Has machine code check each access to a page of RAM with the shadow. */
  watch(page: number): void {
    this.readTags[2 * page + 1] |= WATCHED_HIGH;
    this.writeTags[2 * page + 1] |= WATCHED_HIGH;
  }

  isWatched(page: number): boolean {
    return (this.readTags[2 * page + 1] & WATCHED_HIGH) !== 0;
  }
}

/** Whether the tables of a memory say, as those of a new one do, that nothing is accessible. */
export function tablesAreAsNew({ holdsOnly }: Scrubber): boolean {
  const refused = (BigInt(NO_ACCESS) << 32n) | BigInt(NO_ACCESS);
  return (
    [READ_TABLE, WRITE_TABLE].every((table) => holdsOnly(table, table + 4 * TABLE_ENTRIES, refused)) &&
    [READ_TAGS, WRITE_TAGS].every(
      (tags) =>
        holdsOnly(tags, tags + 8 * UNREACHABLE_TAGS, NO_TAG) &&
        holdsOnly(tags + 8 * UNREACHABLE_TAGS, tags + 8 * TABLE_ENTRIES, 0n),
    )
  );
}
