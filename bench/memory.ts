/**
 * npm run bench:memory
 *
 * Resident memory of processes that boot machines, next to that of a bare Node: one boot, and 200 boots in turn with a
 * module loaded and unloaded in each. Memory that stays level over the boots means that none of it leaks.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';

/** What bench/memory/probe.ts prints, in bytes. */
interface Sample {
  readonly boots: number;
  readonly rss: number;
  readonly heap: number;
}

const BOOTS = Number(process.env.BOOTS ?? 200);
const LIMIT_MB = 64;
const root = new URL('..', import.meta.url).pathname;
const toMb = (bytes: number): number => bytes / 2 ** 20;

/** A bundle of the probe, as the command is bundled: sources compiled on the way would count as well. */
async function bundle(): Promise<string> {
  // Where the command's is, from which the bundled target is found.
  const file = join(root, 'dist/bundle/bench/probe.mjs');
  await build({
    entryPoints: [join(root, 'bench/memory/probe.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  });
  return file;
}

function run(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed: ${stderr}`);
  return stdout;
}

const bare = Number(run(['-e', 'console.log(process.memoryUsage().rss)']));
const probe = await bundle();
const module = join(root, 'tests/modules/hello.ko');
const samples = run(['--expose-gc', probe, module, String(BOOTS)])
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Sample);
const [first] = samples;
const own = toMb(first.rss - bare).toFixed(1);
console.log(`bare node            ${toMb(bare).toFixed(1)} MB resident`);
console.log(
  `one machine booted   ${toMb(first.rss).toFixed(1)} MB: ${own} MB over node's own (limit ${LIMIT_MB})`,
);
console.log('boots in turn: resident, of it JavaScript heap');
for (const { boots, rss, heap } of samples)
  console.log(`  ${String(boots).padStart(4)}  ${toMb(rss).toFixed(1)} MB  ${toMb(heap).toFixed(2)} MB`);
