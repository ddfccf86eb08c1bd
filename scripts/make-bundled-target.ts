/**
 * Makes targets/6.1.0-53-amd64.modbox, the target that comes with modbox, and 6.1.0-53-amd64.modules.modbox, what it
 * knows of its modules, from Debian's package:
 *
 *     npx vite-node scripts/make-bundled-target.ts [PACKAGE.deb]
 *
 * The package is linux-image-6.1.0-53-amd64 6.1.187-1 (`apt-get download linux-image-6.1.0-53-amd64`, or
 * snapshot.debian.org), by default the one in ../shared/corpus. The same package and the same Node (its brotli)
 * give the same file, byte for byte: nothing in it depends on when or where it was made.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { encodeTarget } from '../src/target/codec.js';
import { LINUX_MODULE_PARTS, LINUX_PARTS } from '../src/target/linux-target.js';
import { BUNDLED_FILE, BUNDLED_MODULES_FILE, BUNDLED_RELEASE } from '../src/target/node/bundled.js';
import { bundleCompressor } from '../src/target/node/zlib-codec.js';
import { debSource } from '../src/target/package-source.js';
import { readTargetParts } from '../src/target/source.js';

const LIMIT = 2_000_000;

const deb = process.argv[2] ?? '../shared/corpus/linux-image-6.1.0-53-amd64_6.1.187-1_amd64.deb';
const parts = readTargetParts(debSource(readFileSync(deb), basename(deb)));
if (parts.info.release !== BUNDLED_RELEASE)
  throw new Error(`${deb} is ${parts.info.release}, not ${BUNDLED_RELEASE}`);
for (const name of [...LINUX_PARTS, ...LINUX_MODULE_PARTS]) {
  const part = parts.part(name);
  console.log(
    `${name.padEnd(16)} ${String(part.length).padStart(8)} -> ${bundleCompressor(part, name).reduce((sum, chunk) => sum + chunk.packed.length, 0)}`,
  );
}
mkdirSync(dirname(BUNDLED_FILE), { recursive: true });
for (const [path, names] of [
  [BUNDLED_FILE, LINUX_PARTS],
  [BUNDLED_MODULES_FILE, LINUX_MODULE_PARTS],
] as const) {
  const file = encodeTarget(parts, bundleCompressor, names);
  if (file.length > LIMIT) throw new Error(`${path}: ${file.length} bytes, more than ${LIMIT}`);
  writeFileSync(path, file);
  console.log(`${path}: ${file.length} bytes`);
}
