import { statSync } from 'node:fs';
import { ArchiveFiles, DiskFiles, type FileSource, readGiven, UsageError, whatIsIt } from '../tools.js';

/** Archives are unpacked once. */
const opened = new Map<string, ArchiveFiles>();

/** The file tree that `--root` means. Throws UsageError where there is none. */
export function openRoot(path: string): FileSource {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new UsageError(`--root ${path}: no such file or directory`);
  if (stat.isDirectory()) return new DiskFiles(path);
  const known = opened.get(path);
  if (known) return known;
  const bytes = new Uint8Array(readGiven(path));
  const archive = ArchiveFiles.open(bytes, path);
  if (archive) {
    opened.set(path, archive);
    return archive;
  }
  throw new UsageError(
    `--root ${path} is ${whatIsIt(bytes)}: a directory, a .deb, a tar archive or an initramfs (cpio) is needed`,
  );
}
