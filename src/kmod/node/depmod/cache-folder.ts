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

const MAGIC = 'modbox cache 1\n';
const DIGEST_BYTES = 32;

/** What the folder may hold; the files that were not used for the longest time go first. */
const MAX_FILES = 24;
const MAX_CACHE_BYTES = 192 * 1024 * 1024;

/**
 * Content by key in files of a folder. Any number of processes can use it at once: a file is there wholly or not at
 * all. A file that is damaged is as good as none, and a folder that cannot be written to is done without.
 */
export class CacheFolder {
  constructor(private readonly folder: string) {}

  /** The user's, or undefined where MODBOX_CACHE=off says to do without. */
  static open(environment: Readonly<Record<string, string | undefined>>): CacheFolder | undefined {
    if (environment.MODBOX_CACHE === 'off') return undefined;
    const base = environment.XDG_CACHE_HOME || join(homedir(), '.cache');
    return new CacheFolder(join(base, 'modbox', 'depmod'));
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
    const temporary = `${file}.${process.pid}`;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileSync(temporary, Buffer.concat([Buffer.from(MAGIC), digest(content), content]), {
        mode: 0o600,
      });
      renameSync(temporary, file);
      this.prune();
    } catch {
      // Next time it is made again.
      rmSync(temporary, { force: true });
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
      if (i >= MAX_FILES || bytes > MAX_CACHE_BYTES) rmSync(path, { force: true });
    });
  }
}

function digest(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
