import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeWhole } from '../../files/node/write-whole.js';
import type { Findings } from '../image/kernel-image.js';

/** Findings of one image that are kept: those of other versions of modbox go, the oldest first. */
const MOST = 8;
const CHECKSUM_BYTES = 32;
/** A place that cannot be written to, or that is full, is done without. */
const NO_ROOM = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOENT']);

/** Findings in files beside an image's own: `NAME.image.KEY`. One that is damaged is as good as none. MODBOX_CACHE=off: none. */
export class DiskFindings implements Findings {
  constructor(private readonly image: string) {}

  get(key: string): Uint8Array | undefined {
    if (process.env.MODBOX_CACHE === 'off') return undefined;
    const bytes = readIfThere(this.fileOf(key));
    if (!bytes) return undefined;
    const content = bytes.subarray(CHECKSUM_BYTES);
    return digest(content).equals(bytes.subarray(0, CHECKSUM_BYTES)) ? content : undefined;
  }

  put(key: string, found: Uint8Array): void {
    if (process.env.MODBOX_CACHE === 'off') return;
    try {
      writeWhole(this.fileOf(key), Buffer.concat([digest(found), found]));
      for (const file of this.files().slice(MOST)) rmSync(file, { force: true });
    } catch (error) {
      if (!NO_ROOM.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  /** The image is another one now, or gone. */
  clear(): void {
    for (const file of this.files()) rmSync(file, { force: true });
  }

  private fileOf(key: string): string {
    return `${this.image}.${digest(Buffer.from(key)).toString('hex').slice(0, 16)}`;
  }

  /** The newest first. */
  private files(): readonly string[] {
    const folder = dirname(this.image);
    const prefix = `${basename(this.image)}.`;
    const names = readdirSync(folder).filter((name) => name.startsWith(prefix) && !name.endsWith('.new'));
    const dated = names.flatMap((name) => {
      const stat = statSync(join(folder, name), { throwIfNoEntry: false });
      return stat ? [{ file: join(folder, name), time: stat.mtimeMs }] : [];
    });
    return dated.sort((a, b) => b.time - a.time).map(({ file }) => file);
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
}

const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
