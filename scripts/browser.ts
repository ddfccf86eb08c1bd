/**
 * npm run browser
 *
 * Makes dist/browser: the library for where there is no Node, and the target that comes with modbox packed with what any host
 * unpacks (the package's own file is smaller, by brotli).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { encodeTarget } from '../src/target/codec.js';
import { LINUX_PARTS } from '../src/target/linux-target.js';
import { BUNDLED_RELEASE, bundledParts } from '../src/target/node/bundled.js';
import { deflateCompressor } from '../src/target/node/zlib-codec.js';

const OUT = fileURLToPath(new URL('../dist/browser/', import.meta.url));

mkdirSync(OUT, { recursive: true });
await build({
  entryPoints: [fileURLToPath(new URL('../src/portable.ts', import.meta.url))],
  bundle: true,
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
  minifySyntax: true,
  minifyWhitespace: true,
  outfile: `${OUT}modbox.js`,
  logLevel: 'warning',
});
writeFileSync(
  `${OUT}${BUNDLED_RELEASE}.modbox`,
  encodeTarget(bundledParts(), deflateCompressor, LINUX_PARTS),
);
for (const file of ['modbox.js', `${BUNDLED_RELEASE}.modbox`])
  console.log(`dist/browser/${file}: ${readFileSync(OUT + file).length} bytes`);
