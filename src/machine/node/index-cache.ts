import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { IndexCache, IndexTexts } from '../../kmod/index.js';

/** Keeps indices of module trees in files of the user's cache. A cache that cannot be written is done without. */
export class DiskIndexCache implements IndexCache {
  constructor(private readonly folder: string = defaultFolder()) {}

  get(key: string): IndexTexts | undefined {
    try {
      return JSON.parse(readFileSync(this.file(key), 'utf8')) as IndexTexts;
    } catch {
      return undefined;
    }
  }

  put(key: string, texts: IndexTexts): void {
    const file = this.file(key);
    try {
      mkdirSync(this.folder, { recursive: true });
      writeFileSync(`${file}.${process.pid}`, JSON.stringify(texts));
      renameSync(`${file}.${process.pid}`, file);
    } catch {
      // Next time it is made again.
    }
  }

  private file(key: string): string {
    return join(this.folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
  }
}

function defaultFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'modbox', 'index');
}
