import { availableParallelism } from 'node:os';
import { type RunReport, readGivenText, UsageError, visible } from '../../index.js';
import { wholeNumber } from '../numbers.js';
import type { MachineFlags } from '../open-machine.js';
import { styleFor } from '../style.js';
import { listedModule } from './failed-report.js';
import { LineFile } from './line-file.js';
import { type PoolResult, WorkerPool } from './pool.js';
import { Progress } from './progress.js';
import { finished, NOTHING_FINISHED, stillToDo } from './resume.js';

/** What `--each-from` is told, as the command line has it. */
export interface EachFlags extends MachineFlags {
  readonly list: string;
  readonly parameters: readonly string[];
  readonly exec: readonly string[];
  readonly keep: boolean;
  readonly json?: boolean | undefined;
  readonly jobs?: string | undefined;
  readonly shard?: string | undefined;
  readonly timeout?: string | undefined;
  readonly out?: string | undefined;
  readonly resume?: boolean | undefined;
}

/** Runs every module of a list, each in a machine of its own. Reports come in the order in which they are done. */
export async function runEach(flags: EachFlags): Promise<number> {
  const jobs = flags.jobs === undefined ? availableParallelism() : wholeNumber(flags.jobs, '--jobs', 1);
  const seconds = flags.timeout === undefined ? undefined : wholeNumber(flags.timeout, '--timeout', 1);
  if (flags.resume && flags.out === undefined) throw new UsageError('--resume needs --out FILE');
  const wanted = shardOf(namesIn(flags.list), flags.shard);
  const before = flags.resume && flags.out !== undefined ? finished(flags.out) : NOTHING_FINISHED;
  const names = stillToDo(wanted, before);
  const out = flags.out === undefined ? undefined : new LineFile(flags.out, flags.resume ?? false);
  const style = styleFor(process.stdout);
  const progress = new Progress(wanted.length, wanted.length - names.length);
  const pool = new WorkerPool({ ...flags, jobs, seconds });
  // What failed before has failed: a run that is gone on with is no success by its rest.
  let failed = before.failed;
  const stop = (): void => {
    pool.stop();
    progress.end();
    process.exit(130);
  };
  process.once('SIGINT', stop);
  try {
    await pool.run(names, (result) => {
      if (!result.ok) failed++;
      if (out) out.write(listedJson(result));
      else process.stdout.write(flags.json ? `${result.json}\n` : line(result, style.green, style.red));
      progress.step(result.name);
    });
  } finally {
    // Where a report cannot be written nobody waits for the others.
    pool.stop();
    out?.close();
    process.off('SIGINT', stop);
    progress.end();
  }
  return failed === 0 ? 0 : 1;
}

/** A report with what the list called the module: a file of reports is gone on with by that. */
function listedJson({ json, name }: PoolResult): string {
  return `${JSON.stringify({ listed: name, ...(JSON.parse(json) as RunReport) })}\n`;
}

/** One module a line; empty lines and comments do not count. */
function namesIn(file: string): string[] {
  const names = readGivenText(file)
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '' && !text.startsWith('#'));
  if (names.length === 0) throw new UsageError(`--each-from ${file}: names no module`);
  return names;
}

function shardOf(names: readonly string[], shard: string | undefined): string[] {
  if (shard === undefined) return [...names];
  const match = /^(\d+)\/(\d+)$/.exec(shard);
  const [k, n] = match ? [Number(match[1]), Number(match[2])] : [0, 0];
  if (k < 1 || k > n) throw new UsageError(`--shard ${shard}: K/N with K from 1 to N`);
  return names.filter((_, i) => i % n === k - 1);
}

function line(result: PoolResult, green: (text: string) => string, red: (text: string) => string): string {
  const why = result.why === '' ? '' : `: ${result.why}`;
  return `${result.ok ? green('ok    ') : red('failed')} ${visible(`${listedModule(result.name)}${why}`)}\n`;
}
