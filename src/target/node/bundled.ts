import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeParts } from '../codec.js';
import { openTarget } from '../open.js';
import type { TargetParts } from '../parts.js';
import type { Target } from '../target.js';
import { nodeDecompressor } from './zlib-codec.js';

/** The release of the target that comes with modbox; scripts/make-bundled-target.ts makes its file. */
export const BUNDLED_RELEASE = '6.1.0-53-amd64';

/** Three folders up is the package, from src/target/node as from dist/bundle/cli. */
export const BUNDLED_FILE = fileURLToPath(
  new URL(`../../../targets/${BUNDLED_RELEASE}.modbox`, import.meta.url),
);

/** What it knows of its modules: a file of its own, which is only read when somebody asks. */
export const BUNDLED_MODULES_FILE = BUNDLED_FILE.replace(/\.modbox$/, '.modules.modbox');

let bundled: Target | undefined;

/** Debian 12's kernel, so that the first command works with nothing fetched. */
export function loadBundled(): Target {
  bundled ??= openTarget(bundledParts());
  return bundled;
}

/** What the target that comes with modbox was made of. */
export function bundledParts(): TargetParts {
  const kernel = decodeParts(readFileSync(BUNDLED_FILE), BUNDLED_FILE, nodeDecompressor);
  const modules = (): TargetParts =>
    decodeParts(readFileSync(BUNDLED_MODULES_FILE), BUNDLED_MODULES_FILE, nodeDecompressor);
  return {
    info: kernel.info,
    has: () => true,
    part: (name) => (kernel.has(name) ? kernel : modules()).part(name),
  };
}
