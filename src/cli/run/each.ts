import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { moduleNameOf } from '../../kmod/index.js';
import { UsageError } from '../../machine/errors.js';
import type { RunReport } from '../../machine/run-report.js';
import type { MachineFlags } from '../open-machine.js';
import { styleFor } from '../style.js';
import { type PoolResult, WorkerPool } from './pool.js';
import { Progress } from './progress.js';

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

const DEFAULT_TIMEOUT_S = 60;

/** Runs every module of a list, each in a machine of its own. Reports come in the order in which they are done. */
export async function runEach(flags: EachFlags): Promise<number> {
  const jobs = count(flags.jobs ?? String(availableParallelism()), '--jobs');
  const timeoutMs = count(flags.timeout ?? String(DEFAULT_TIMEOUT_S), '--timeout') * 1000;
  if (flags.resume && flags.out === undefined) throw new UsageError('--resume needs --out FILE');
  const done = flags.resume && flags.out !== undefined ? finished(flags.out) : new Set<string>();
  if (flags.out !== undefined && !flags.resume) writeFileSync(flags.out, '');
  const wanted = shardOf(namesIn(flags.list), flags.shard);
  const names = wanted.filter((name) => !done.has(moduleOf(name)));
  const style = styleFor(process.stdout);
  const progress = new Progress(wanted.length, wanted.length - names.length);
  const pool = new WorkerPool({ ...flags, jobs, timeoutMs });
  let failed = 0;
  const stop = (): void => {
    pool.stop();
    progress.end();
    process.exit(130);
  };
  process.once('SIGINT', stop);
  await pool.run(names, (result) => {
    if (!result.ok) failed++;
    const text =
      flags.json || flags.out !== undefined ? `${result.json}\n` : line(result, style.green, style.red);
    if (flags.out === undefined) process.stdout.write(text);
    else appendFileSync(flags.out, text);
    progress.step(result.name);
  });
  process.off('SIGINT', stop);
  progress.end();
  return failed === 0 ? 0 : 1;
}

/** One module a line; empty lines and comments do not count. */
function namesIn(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '' && !text.startsWith('#'));
}

function shardOf(names: readonly string[], shard: string | undefined): string[] {
  if (shard === undefined) return [...names];
  const match = /^(\d+)\/(\d+)$/.exec(shard);
  const [k, n] = match ? [Number(match[1]), Number(match[2])] : [0, 0];
  if (k < 1 || k > n) throw new UsageError(`--shard ${shard}: K/N with K from 1 to N`);
  return names.filter((_, i) => i % n === k - 1);
}

/** Modules that a file of an earlier run has. A line that was cut off at its end is taken out. */
function finished(file: string): Set<string> {
  if (!existsSync(file)) return new Set();
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length !== text.length) writeFileSync(file, whole);
  const lines = whole.split('\n').filter(Boolean);
  return new Set(lines.map((entry) => (JSON.parse(entry) as RunReport).module));
}

/** How a report names what the list names. */
function moduleOf(name: string): string {
  return name.includes('/') || /\.ko(\.\w+)?$/.test(name) ? moduleNameOf(name) : name;
}

function line(result: PoolResult, green: (text: string) => string, red: (text: string) => string): string {
  return `${result.ok ? green('ok    ') : red('failed')} ${moduleOf(result.name)}${result.why ? `: ${result.why}` : ''}\n`;
}

function count(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`${option} ${text}: not a number from 1 on`);
  return value;
}
