import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeParts } from '../codec.js';
import { openLinuxTarget } from '../linux-open.js';
import { LINUX_MODULE_PARTS, type LinuxTarget } from '../linux-target.js';
import { joinParts, type TargetParts } from '../parts.js';
import { nodeDecompressor } from './zlib-codec.js';

/** The release of the target that comes with modbox; scripts/make-bundled-target.ts makes its file. */
export const BUNDLED_RELEASE = '6.1.0-53-amd64';

/** Three folders up is the package, from src/target/node as from dist/bundle/cli. */
export const BUNDLED_FILE = fileURLToPath(
  new URL(`../../../targets/${BUNDLED_RELEASE}.modbox`, import.meta.url),
);

/** What it knows of its modules: a file of its own, which is only read when somebody asks. */
export const BUNDLED_MODULES_FILE = BUNDLED_FILE.replace(/\.modbox$/, '.modules.modbox');

let bundled: LinuxTarget | undefined;

/** Debian 12's kernel, so that the first command works with nothing fetched. */
export function loadBundled(): LinuxTarget {
  bundled ??= openLinuxTarget(bundledParts());
  return bundled;
}

/** What the target that comes with modbox was made of. */
export function bundledParts(): TargetParts {
  const kernel = decodeParts(readFileSync(BUNDLED_FILE), BUNDLED_FILE, nodeDecompressor);
  // Of its modules only who asks for them has to read the file.
  return joinParts(kernel, {
    info: kernel.info,
    names: LINUX_MODULE_PARTS,
    part: (name) =>
      decodeParts(readFileSync(BUNDLED_MODULES_FILE), BUNDLED_MODULES_FILE, nodeDecompressor).part(name),
  });
}
