import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = fileURLToPath(new URL('..', import.meta.url));

/** Bundles modbox's depmod, with its worker, into a folder; the program's path. */
export async function bundleDepmod(folder: string): Promise<string> {
  await build({
    entryPoints: [
      join(SOURCE, 'testing/depmod-command.ts'),
      join(SOURCE, 'kmod/node/depmod/facts-worker.ts'),
    ],
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    entryNames: '[name]',
    outExtension: { '.js': '.js' },
    outdir: folder,
    logLevel: 'warning',
  });
  return join(folder, 'depmod-command.js');
}
