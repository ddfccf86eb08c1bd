/**
 * npm run parity [-- --every N] [--from K] [--jobs N] [--run FILE] [--target VERSION]
 *
 * Runs modules of the recordings in ../shared/oracle through `modbox run --json --each-from`, scores them with the
 * recordings' own compare.mjs, ranks the exports that modules wait for, and writes docs/parity.md.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { corpusTree } from '../src/testing/corpus.js';
import { newerParity } from './parity/newer.js';

interface Entry {
  readonly module: string;
  readonly unimplemented?: readonly { readonly symbol: string }[];
  readonly faults?: readonly { readonly kind: string }[];
}

const ORACLE_FOLDER = new URL('../../shared/oracle/', import.meta.url).pathname;
const ORACLE = join(ORACLE_FOLDER, '6.1.0-53-amd64.jsonl');
const RANKED = 40;

const readLines = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);

/** How often each name occurs, most frequent first. */
function rank(names: readonly string[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** The recordings of the modules that are run, as a file for compare.mjs. */
function selectOracle(folder: string, every: number, from: number): { file: string; names: string[] } {
  const lines = readFileSync(ORACLE, 'utf8').split('\n').filter(Boolean);
  const chosen = lines.filter((_, i) => i % every === from);
  const file = join(folder, 'oracle.jsonl');
  writeFileSync(file, `${chosen.join('\n')}\n`);
  return { file, names: chosen.map((line) => (JSON.parse(line) as Entry).module) };
}

/** Every module of the list in a freshly booted machine, reports to `output`. */
function runAll(list: string, root: string, output: string): void {
  const cli = new URL('../dist/bundle/cli/main.js', import.meta.url).pathname;
  const args = ['run', '--json', '--each-from', list, '--root', root, '--jobs', values.jobs ?? '2'];
  const run = spawnSync(process.execPath, [cli, ...args], {
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  writeFileSync(output, run.stdout);
}

function report(score: string, entries: readonly Entry[], seconds: number | undefined): string {
  const missing = rank(
    entries.flatMap((entry) => entry.unimplemented?.slice(0, 1).map((call) => call.symbol) ?? []),
  );
  const faults = rank(
    entries
      .flatMap((entry) => entry.faults?.slice(0, 1).map((fault) => fault.kind) ?? [])
      .filter((kind) => kind !== 'unimplemented-export'),
  );
  return [
    '# Parity with the real kernel',
    '',
    `Debian's 6.1.0-53-amd64, ${entries.length} modules, each in a freshly booted machine${seconds === undefined ? '' : `, ${seconds} s`}. Made by \`npm run parity\`.`,
    '',
    `    ${score}`,
    '',
    '## Exports that modules stop at',
    '',
    '| export | modules |',
    '|---|---|',
    ...missing.slice(0, RANKED).map(([name, count]) => `| ${name} | ${count} |`),
    '',
    `${missing.length} exports in all.`,
    '',
    '## Other faults',
    '',
    '| kind | modules |',
    '|---|---|',
    ...faults.map(([name, count]) => `| ${name} | ${count} |`),
    '',
  ].join('\n');
}

const { values } = parseArgs({
  options: {
    every: { type: 'string' },
    from: { type: 'string' },
    jobs: { type: 'string' },
    run: { type: 'string' },
    target: { type: 'string' },
  },
});
if (values.target !== undefined) {
  const { target, run, jobs = '2', every = '1', from = '0' } = values;
  const options = { version: target, oracle: ORACLE, every: Number(every), from: Number(from), jobs };
  console.log(await newerParity({ ...options, ...(run === undefined ? {} : { run }) }));
  process.exit();
}
const tree = await corpusTree();
if (tree === undefined) throw new Error('the kernel package cannot be had here');
const folder = mkdtempSync(join(tmpdir(), 'modbox-parity-'));
const { file, names } = selectOracle(folder, Number(values.every ?? 1), Number(values.from ?? 0));
const list = join(folder, 'list');
writeFileSync(list, `${names.join('\n')}\n`);
const started = Date.now();
const output = values.run ?? join(folder, 'run.jsonl');
if (values.run === undefined) runAll(list, tree, output);
const seconds = values.run === undefined ? Math.round((Date.now() - started) / 1000) : undefined;
const compared = execFileSync(
  process.execPath,
  [join(ORACLE_FOLDER, 'compare.mjs'), file, output, '--show', '0'],
  { encoding: 'utf8' },
);
const score = compared.trim().split('\n').at(-1) ?? '';
const text = report(score, readLines<Entry>(output), seconds);
writeFileSync(new URL('../docs/parity.md', import.meta.url), text);
console.log(text);
