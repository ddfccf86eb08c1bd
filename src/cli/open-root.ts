import { statSync } from 'node:fs';
import type { FileSource } from '../kmod/index.js';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { UsageError } from '../machine/errors.js';

/** The file tree that `--root` means. Throws UsageError where there is none. */
export function openRoot(path: string): FileSource {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new UsageError(`--root ${path}: no such directory`);
  if (stat.isDirectory()) return new DiskFiles(path);
  throw new UsageError(`--root ${path}: no directory`);
}
