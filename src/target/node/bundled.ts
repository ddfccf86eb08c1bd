import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeTarget } from '../codec.js';
import type { Target } from '../target.js';
import { nodeDecompressor } from './zlib-codec.js';

/** The release of the target that comes with modbox; scripts/make-bundled-target.ts makes its file. */
export const BUNDLED_RELEASE = '6.1.0-53-amd64';

/** Three folders up is the package, from src/target/node as from dist/target/node. */
export const BUNDLED_FILE = fileURLToPath(
  new URL(`../../../targets/${BUNDLED_RELEASE}.modbox`, import.meta.url),
);

let bundled: Target | undefined;

/** Debian 12's kernel, so that the first command works with nothing fetched. */
export function loadBundled(): Target {
  bundled ??= decodeTarget(readFileSync(BUNDLED_FILE), BUNDLED_FILE, nodeDecompressor);
  return bundled;
}
