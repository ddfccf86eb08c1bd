import { statSync } from 'node:fs';

/** What tells a file from what it was before; undefined where there is none, or it may yet change unnoticed. */
export type Stamp = string | undefined;

/** Longer than any clock's tick that file systems with fine times take their times from; in milliseconds. */
const TICK = 100;
/** The same for file systems that count whole seconds (FAT: two of them). */
const COARSE_TICK = 2_500;

/**
 * Stamp of a file. A file that was changed just now could be changed again without its times telling, so it has
 * none: what is read from it cannot be kept.
 */
export function stampOf(path: string): Stamp {
  const now = Date.now();
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  const { ino, size, mtimeMs, ctimeMs } = stat;
  const changed = Math.max(mtimeMs, ctimeMs);
  const tick = changed % 1000 === 0 ? COARSE_TICK : TICK;
  if (changed > now - tick) return undefined;
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}
