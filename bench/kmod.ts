/** npm run bench:kmod: kmod's tools on whole trees, Debian's and modbox's in turns, the page cache warm. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CORPUS_RELEASE, corpusTree, newerTree, packageTree } from '../src/testing/corpus.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const MODBOX = [process.execPath, fileURLToPath(new URL('../dist/bundle/cli/main.js', import.meta.url))];

interface Task {
  readonly name: string;
  readonly tool: 'depmod' | 'modinfo' | 'modprobe';
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Milliseconds of one run. */
function time(command: readonly string[], environment: Readonly<Record<string, string>>): number {
  const [program, ...args] = command;
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}: ${stderr}`);
  return performance.now() - start;
}

/** A copy to write to; the modules are links where that can be. */
function copy(tree: string, to: string): string {
  try {
    execFileSync('cp', ['-al', tree, to], { stdio: 'pipe' });
  } catch {
    cpSync(tree, to, { recursive: true });
  }
  for (const entry of readdirSync(to, { recursive: true, encoding: 'utf8' }))
    if (/\/modules\.(?!order|builtin$|builtin\.modinfo$)[^/]*$/.test(entry)) rmSync(join(to, entry));
  return to;
}

function releaseOf(root: string): string {
  return readdirSync(join(root, 'lib/modules'))[0];
}

async function main(): Promise<void> {
  const [plain, packed, kmod] = [await corpusTree(), await newerTree(), await packageTree('kmod')];
  if (plain === undefined || packed === undefined || kmod === undefined)
    throw new Error(
      'bench: linux-image packages of 6.1 and 6.12, and kmod, are neither in the cache nor to be fetched',
    );
  const folder = mkdtempSync(join(tmpdir(), 'modbox-bench-'));
  try {
    const trees = { plain: copy(plain, join(folder, 'plain')), packed: copy(packed, join(folder, 'packed')) };
    const binary = join(kmod, existsSync(join(kmod, 'bin/kmod')) ? 'bin/kmod' : 'usr/bin/kmod');
    for (const tool of ['depmod', 'modinfo', 'modprobe']) symlinkSync(binary, join(folder, tool));
    const off = { MODBOX_CACHE: 'off' };
    const release = CORPUS_RELEASE;
    const tasks: readonly Task[] = [
      { name: 'depmod', tool: 'depmod', args: ['-b', trees.plain, release], environment: off },
      {
        name: 'depmod .ko.xz',
        tool: 'depmod',
        args: ['-b', trees.packed, releaseOf(trees.packed)],
        environment: off,
      },
      { name: 'depmod again', tool: 'depmod', args: ['-b', trees.plain, release] },
      { name: 'modinfo', tool: 'modinfo', args: ['-b', trees.plain, '-k', release, 'e1000e'] },
      { name: 'modprobe -D', tool: 'modprobe', args: ['-d', trees.plain, '-S', release, '-D', 'e1000e'] },
    ];
    console.log(
      ['task'.padEnd(16), 'kmod ms'.padStart(10), 'modbox ms'.padStart(10), 'modbox x'.padStart(10)].join(
        ' ',
      ),
    );
    for (const task of tasks) measure(task, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measure({ name, tool, args, environment = {} }: Task, folder: string): void {
  const ours = { XDG_CACHE_HOME: join(folder, 'cache'), ...environment };
  const kmodTimes: number[] = [];
  const modboxTimes: number[] = [];
  // The first round only warms caches.
  for (let round = 0; round <= ROUNDS; round++) {
    const kmod = time([join(folder, tool), ...args], {});
    const modbox = time([...MODBOX, tool, ...args], ours);
    if (round === 0) continue;
    kmodTimes.push(kmod);
    modboxTimes.push(modbox);
  }
  const [kmod, modbox] = [median(kmodTimes), median(modboxTimes)];
  console.log(
    [
      name.padEnd(16),
      kmod.toFixed(0).padStart(10),
      modbox.toFixed(0).padStart(10),
      (modbox / kmod).toFixed(2).padStart(10),
    ].join(' '),
  );
}

await main();
