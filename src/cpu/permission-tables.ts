import {
  MEMORY_BYTES,
  NO_ACCESS,
  NO_TAG,
  READ_TABLE,
  READ_TAGS,
  TABLE_ENTRIES,
  UNREACHABLE_TAGS,
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
