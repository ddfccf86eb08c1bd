/**
 * npm run fuzz [-- --minutes N] [--target NAME,...] [--from K] [--out FOLDER] [--one TARGET:NUMBER]
 *
 * Gives damaged copies of good inputs to the machine (modules that are loaded, run and removed) and to every reader of files,
 * in turn. A finding is an error that nobody expects, an internal error of the base kernel, a case that takes longer than ten
 * seconds, or one after which the process has more than a gigabyte. Cases are numbered and the same in every run; findings are
 * made as small as they go and kept in FOLDER. --one runs a single case. Status 1 where there were findings.
 */
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { TARGETS, type WorkerSetup, type WorkerWord } from './fuzz/worker.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    target: { type: 'string' },
    from: { type: 'string', default: '0' },
    out: { type: 'string' },
    one: { type: 'string' },
  },
});

const CASE_MS = 10_000;
const MEMORY_BYTES = 1e9;
/** Cases for a target before the next one has its turn: modules cost a thousand times what the others do. */
const BATCH: Readonly<Record<string, number>> = { modules: 100 };
const OTHER_BATCH = 400;

interface Tally {
  cases: number;
  findings: number;
  empty: boolean;
}

const folder = values.out ?? mkdtempSync(join(tmpdir(), 'modbox-fuzz-'));
mkdirSync(folder, { recursive: true });
const tallies = new Map<string, Tally>(
  TARGETS.map(({ name }) => [name, { cases: 0, findings: 0, empty: false }]),
);

function keep(target: string, number: number, why: string, bytes?: Uint8Array): void {
  tallies.get(target)!.findings++;
  const name = join(folder, `${target}-${number}`);
  writeFileSync(`${name}.txt`, `${why}\n`);
  if (bytes) writeFileSync(`${name}.bin`, bytes);
  console.log(`finding: ${target}:${number}: ${why.split('\n')[0]} (${name}.txt)`);
}

/** Runs cases in a process that is ended when one takes too long; the number of the case to go on with. */
function runBatch(setup: WorkerSetup, deadline: number): Promise<number> {
  const tally = tallies.get(setup.target)!;
  return new Promise((resolve) => {
    const worker = fork(new URL('./fuzz/worker.ts', import.meta.url), [JSON.stringify(setup)], {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    worker.stderr?.on('data', (data: Buffer) => {
      said = `${said}${data.toString()}`.slice(-4000);
    });
    let current = setup.from;
    let timer: NodeJS.Timeout | undefined;
    const finish = (next: number): void => {
      clearTimeout(timer);
      worker.removeAllListeners();
      worker.kill('SIGKILL');
      resolve(next);
    };
    const watch = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        keep(setup.target, current, `takes longer than ${CASE_MS / 1000} s`);
        finish(current + 1);
      }, CASE_MS);
    };
    worker.on('message', (word: WorkerWord) => {
      if (word.kind === 'empty') {
        tally.empty = true;
        return;
      }
      if (word.kind === 'finding') {
        keep(setup.target, word.number, `${word.why}\nof ${word.seed}`, word.bytes);
        return;
      }
      if (word.bytes > MEMORY_BYTES) {
        keep(setup.target, current, 'the process has more than a gigabyte');
        finish(word.number);
        return;
      }
      current = word.number;
      tally.cases++;
      watch();
      if (performance.now() > deadline) finish(word.number);
    });
    worker.on('exit', (status, signal) => {
      if (status === 0) return finish(setup.from + setup.count);
      keep(setup.target, current, `the process died (${signal ?? `status ${status}`}): ${said}`);
      finish(current + 1);
    });
  });
}

async function main(): Promise<number> {
  const [only, number] = values.one?.split(':') ?? [];
  if (only !== undefined) {
    await runBatch({ target: only, from: Number(number), count: 1 }, Number.POSITIVE_INFINITY);
  } else {
    const wanted = values.target?.split(',') ?? TARGETS.map(({ name }) => name);
    const next = new Map(wanted.map((name) => [name, Number(values.from)]));
    const deadline = performance.now() + Number(values.minutes) * 60_000;
    while (performance.now() < deadline)
      for (const target of wanted) {
        if (performance.now() >= deadline || tallies.get(target)?.empty) continue;
        const setup = { target, from: next.get(target)!, count: BATCH[target] ?? OTHER_BATCH };
        next.set(target, await runBatch(setup, deadline));
      }
  }
  for (const [name, { cases, findings, empty }] of tallies)
    if (cases > 0 || empty)
      console.log(
        empty
          ? `${name}: no input, a tool is not installed`
          : `${name}: ${cases} cases, ${findings} findings`,
      );
  const findings = [...tallies.values()].reduce((sum, tally) => sum + tally.findings, 0);
  console.log(findings === 0 ? 'no findings' : `${findings} findings in ${folder}`);
  return findings === 0 ? 0 : 1;
}

process.exitCode = await main();
