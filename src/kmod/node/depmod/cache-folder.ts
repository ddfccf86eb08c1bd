import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

const MAGIC = 'modbox cache 1\n';
const DIGEST_BYTES = 32;

/** What a folder may hold; the files that were not used for the longest time go first. */
export interface FolderBounds {
  readonly files: number;
  readonly bytes: number;
  /** Files that are written before it is looked whether there are too many. */
  readonly looksEvery: number;
}

/** Indices of module trees: few, and large. */
const FEW_FILES: FolderBounds = { files: 24, bytes: 192 * 1024 * 1024, looksEvery: 1 };

/**
 * Content by key in files of a folder. Any number of processes can use it at once: a file is there wholly or not at
 * all. A file that is damaged is as good as none, and a folder that cannot be written to is done without.
 */
export class CacheFolder {
  /** Files that this process wrote. */
  private written = 0;

  constructor(
    private readonly folder: string,
    private readonly bounds = FEW_FILES,
  ) {}

  /** One of the user's, or undefined where MODBOX_CACHE=off says to do without. */
  static open(
    environment: Readonly<Record<string, string | undefined>>,
    name = 'depmod',
    bounds = FEW_FILES,
  ): CacheFolder | undefined {
    if (environment.MODBOX_CACHE === 'off') return undefined;
    const base = environment.XDG_CACHE_HOME || join(homedir(), '.cache');
    return new CacheFolder(join(base, 'modbox', name), bounds);
  }

  get(key: string): Uint8Array | undefined {
    const file = this.file(key);
    try {
      const bytes = readFileSync(file);
      const start = MAGIC.length + DIGEST_BYTES;
      const content = bytes.subarray(start);
      if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
      if (!digest(content).equals(bytes.subarray(MAGIC.length, start))) return undefined;
      const now = new Date();
      utimesSync(file, now, now);
      return content;
    } catch {
      return undefined;
    }
  }

  put(key: string, content: Uint8Array): void {
    const file = this.file(key);
    const temporary = `${file}.${process.pid}.${threadId}`;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileSync(temporary, Buffer.concat([Buffer.from(MAGIC), digest(content), content]), {
        mode: 0o600,
      });
      renameSync(temporary, file);
      if (this.written++ % this.bounds.looksEvery === 0) this.prune();
    } catch {
      // Next time it is made again.
      removeIfThere(temporary);
    }
  }

  private file(key: string): string {
    return join(this.folder, createHash('sha256').update(key).digest('hex'));
  }

  /** Keeps the folder within its bounds. */
  private prune(): void {
    const files = readdirSync(this.folder)
      .map((name) => ({
        path: join(this.folder, name),
        stat: statSync(join(this.folder, name), { throwIfNoEntry: false }),
      }))
      .flatMap(({ path, stat }) => (stat ? [{ path, size: stat.size, used: stat.mtimeMs }] : []))
      .sort((a, b) => b.used - a.used);
    let bytes = 0;
    files.forEach(({ path, size }, i) => {
      bytes += size;
      if (i >= this.bounds.files || bytes > this.bounds.bytes) rmSync(path, { force: true });
    });
  }
}

function removeIfThere(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // What leads there is no folder: nothing was written.
  }
}

function digest(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
