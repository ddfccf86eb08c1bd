import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What translatorHash was when the bundle was made (scripts/bundle). */
declare const MODBOX_TRANSLATOR: string | undefined;

/** A hash of all that decides what a translation looks like: the sources of src/cpu without its tests. */
export function translatorHash(folder: string): string {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts') || name.startsWith('testing')) continue;
    hash.update(`${name}\0`);
    hash.update(readFileSync(join(folder, name)));
    hash.update('\0');
  }
  return hash.digest('hex');
}

/** The version of this process's translator; undefined where that is not known. */
export function translatorVersion(): string | undefined {
  if (typeof MODBOX_TRANSLATOR === 'string') return MODBOX_TRANSLATOR;
  const folder = fileURLToPath(new URL('../../../cpu/', import.meta.url));
  return existsSync(join(folder, 'cpu.ts')) ? translatorHash(folder) : undefined;
}
