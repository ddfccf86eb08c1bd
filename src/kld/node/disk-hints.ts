import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EIO, errnoNumber } from '../../freebsd/errno.js';
import type { HintsWriter } from '../kldxref/kldxref.js';

/** Writes linker.hints on the host's disk: beside the old one first, as kldxref does. */
export class DiskHints implements HintsWriter {
  replace(path: string, bytes: Uint8Array): number {
    let folder: string | undefined;
    try {
      folder = mkdtempSync(join(dirname(path), 'lhint.'));
      const temporary = join(folder, 'hints');
      writeFileSync(temporary, bytes, { flag: 'wx', mode: 0o644 });
      renameSync(temporary, path);
      return 0;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      return errnoNumber(code) ?? EIO;
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }

  remove(path: string): void {
    rmSync(path, { force: true });
  }
}
