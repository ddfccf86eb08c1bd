import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeParts } from '../codec.js';
import { openFreebsdTarget } from '../freebsd-open.js';
import type { FreebsdTarget } from '../freebsd-target.js';
import { openLinuxTarget } from '../linux-open.js';
import { LINUX_MODULE_PARTS, type LinuxTarget } from '../linux-target.js';
import { joinParts, type TargetParts } from '../parts.js';
import { nodeDecompressor } from './zlib-codec.js';

/** The release of the target that comes with modbox; scripts/make-bundled-target.ts makes its file. */
export const BUNDLED_RELEASE = '6.1.0-53-amd64';

/** The FreeBSD kernel that comes with modbox; scripts/freebsd/make-target.ts makes its file. */
export const BUNDLED_FREEBSD = 'freebsd/14.2-amd64';

/** The file of a target that comes with modbox. Three folders up is the package, from src/target/node as from dist/bundle/cli. */
export function bundledFile(name: string): string {
  const file = `${name.replaceAll('/', '-')}.modbox`;
  return fileURLToPath(new URL(`../../../targets/${file}`, import.meta.url));
}

export const BUNDLED_FILE = bundledFile(BUNDLED_RELEASE);

/** What it knows of its modules: a file of its own, which is only read when somebody asks. */
export const BUNDLED_MODULES_FILE = BUNDLED_FILE.replace(/\.modbox$/, '.modules.modbox');

let bundled: LinuxTarget | undefined;
let bundledFreebsd: FreebsdTarget | undefined;

/** Debian 12's kernel, so that the first command works with nothing fetched; or FreeBSD 14.2's. */
export function loadBundled(): LinuxTarget;
export function loadBundled(name: typeof BUNDLED_FREEBSD): FreebsdTarget;
export function loadBundled(name?: typeof BUNDLED_FREEBSD): LinuxTarget | FreebsdTarget {
  if (name === BUNDLED_FREEBSD) {
    bundledFreebsd ??= openFreebsdTarget(bundledFreebsdParts());
    return bundledFreebsd;
  }
  bundled ??= openLinuxTarget(bundledParts());
  return bundled;
}

function bundledFreebsdParts(): TargetParts {
  const file = bundledFile(BUNDLED_FREEBSD);
  return decodeParts(readFileSync(file), file, nodeDecompressor);
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
