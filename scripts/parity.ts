/**
 * npm run parity [-- --all] [--every N] [--from K] [--jobs N] [--run FILE] [--target VERSION]
 *
 * Runs modules through `modbox run --json --each-from`: those that ../shared/oracle has recordings of, or with --all every
 * module of the kernel package. Scores them with the recordings' own compare.mjs, ranks the exports that modules wait for,
 * and writes docs/parity.md. With --all, modules that were recorded by ourselves (parity/record.ts) are scored apart.
 * docs/parity.json keeps what each module came to: the next run shows what changed since. A run of a part (--every, --from)
 * is compared with it and leaves it alone. --run reports on the output of a run again.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { corpusTree } from '../src/testing/corpus.js';
import { modulesOf } from './parity/modules-of.js';
import { newerParity } from './parity/newer.js';
import {
  changes,
  type Entry,
  type Outcomes,
  outcomesOf,
  readBaseline,
  type Scored,
  writeBaseline,
} from './parity/outcomes.js';
import { readLines } from './parity/read-lines.js';
import { report } from './parity/report.js';

const ORACLE_FOLDER = new URL('../../shared/oracle/', import.meta.url).pathname;
const ORACLE = join(ORACLE_FOLDER, '6.1.0-53-amd64.jsonl');
/** What the real kernel did with some of the other modules: see parity/record.ts. */
const OTHERS = new URL('../tests/parity/others.jsonl', import.meta.url).pathname;
const BASELINE = new URL('../docs/parity.json', import.meta.url);

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

/** The recordings' own verdict: its last line, and the modules that differ. */
function compare(oracle: string, run: string, folder: string): { score: string; wrong: readonly Scored[] } {
  const json = join(folder, 'compared.json');
  const args = [join(ORACLE_FOLDER, 'compare.mjs'), oracle, run, '--show', '0', '--json', json];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8' });
  const { wrong } = JSON.parse(readFileSync(json, 'utf8')) as { wrong: readonly Scored[] };
  return { score: text.trim().split('\n').at(-1) ?? '', wrong };
}

const only = (outcomes: Outcomes, wanted: (module: string) => boolean): Outcomes =>
  Object.fromEntries(Object.entries(outcomes).filter(([module]) => wanted(module)));

const { values } = parseArgs({
  options: {
    all: { type: 'boolean' },
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
const recorded = new Set(names);
const wanted = values.all ? [...new Set([...names, ...modulesOf(tree)])] : names;
const list = join(folder, 'list');
writeFileSync(list, `${wanted.join('\n')}\n`);
const started = Date.now();
const output = values.run ?? join(folder, 'run.jsonl');
if (values.run === undefined) runAll(list, tree, output);
const seconds = values.run === undefined ? Math.round((Date.now() - started) / 1000) : undefined;
const entries = readLines<Entry>(output);
const { score, wrong } = compare(file, output, folder);
const others = values.all && existsSync(OTHERS) ? compare(OTHERS, output, folder) : undefined;
const outcomes = outcomesOf(entries, [...wrong, ...(others?.wrong ?? [])]);
const before = readBaseline(BASELINE);
const ran = entries.map(({ module }) => module);
const comparable = ran.filter((module) => recorded.has(module) || before?.others !== undefined);
const text = report({
  score,
  othersScore: others?.score,
  entries,
  scope: values.all
    ? `all ${entries.length} modules, of which ${names.length} were recorded and are scored`
    : `the ${entries.length} modules that were recorded`,
  seconds,
  jobs: values.jobs ?? '2',
  changes: before && changes({ ...before.recorded, ...before.others }, outcomes, comparable),
});
writeFileSync(new URL('../docs/parity.md', import.meta.url), text);
if (values.every === undefined) {
  const unrecorded = values.all ? only(outcomes, (module) => !recorded.has(module)) : before?.others;
  writeBaseline(BASELINE, {
    recorded: only(outcomes, (module) => recorded.has(module)),
    ...(unrecorded && { others: unrecorded }),
  });
}
console.log(text);
