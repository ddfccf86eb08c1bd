import { type Change, type Entry, stopOf } from './outcomes.js';

const RANKED = 40;
const NAMED = 12;
const SLOWEST = 5;
const LIMIT_MS = 5000;

export interface Run {
  /** The last line of compare.mjs. */
  readonly score: string;
  /** The same for modules that only we have recorded (record.ts): what was built was not tried on them meanwhile. */
  readonly othersScore: string | undefined;
  readonly entries: readonly Entry[];
  /** Which modules were run. */
  readonly scope: string;
  readonly seconds: number | undefined;
  readonly jobs: string;
  /** Nothing where there was no run to compare with. */
  readonly changes: readonly Change[] | undefined;
}

/** Modules by what stopped them, the most frequent first. */
function rank(
  entries: readonly Entry[],
  reasonOf: (entry: Entry) => string | undefined,
): [string, string[]][] {
  const modules = new Map<string, string[]>();
  for (const entry of entries) {
    const reason = reasonOf(entry);
    if (reason !== undefined) modules.set(reason, [...(modules.get(reason) ?? []), entry.module]);
  }
  return [...modules].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
}

/** docs/parity.md */
export function report(run: Run): string {
  const took = run.seconds === undefined ? '' : `, ${run.seconds} s with ${run.jobs} jobs`;
  return [
    '# Parity with the real kernel',
    '',
    `Debian's 6.1.0-53-amd64: ${run.scope}, each in a freshly booted machine${took}. Made by \`npm run parity\`.`,
    '',
    `    ${run.score}`,
    '',
    ...others(run.othersScore),
    ...sinceLastRun(run.changes),
    ...missing(run.entries),
    ...faults(run.entries),
    ...times(run.entries),
  ].join('\n');
}

function others(score: string | undefined): string[] {
  if (score === undefined) return [];
  return [
    'A sample of the modules that there are no recordings of, which was put to the real kernel in QEMU (`scripts/parity/record.ts`):',
    '',
    `    ${score}`,
    '',
  ];
}

function sinceLastRun(changes: readonly Change[] | undefined): string[] {
  const title = ['## Since the last run', ''];
  if (!changes) return [...title, 'There is none to compare with.', ''];
  const changed = changes.filter(({ better, worse }) => better.length + worse.length > 0);
  if (changed.length === 0) return [...title, 'Nothing changed.', ''];
  return [
    ...title,
    '| | better | worse |',
    '|---|---|---|',
    ...changed.map(({ field, better, worse }) => `| ${field} | ${names(better)} | ${names(worse)} |`),
    '',
  ];
}

function names(modules: readonly string[]): string {
  if (modules.length === 0) return '0';
  const shown = modules.slice(0, NAMED).join(', ');
  return `${modules.length}: ${shown}${modules.length > NAMED ? ', ...' : ''}`;
}

function missing(entries: readonly Entry[]): string[] {
  const ranked = rank(entries, (entry) => entry.unimplemented?.[0]?.symbol);
  return [
    '## Exports that modules stop at',
    '',
    '| export | modules |',
    '|---|---|',
    ...ranked.slice(0, RANKED).map(([name, modules]) => `| ${name} | ${names(modules)} |`),
    '',
    `${ranked.length} exports in all.`,
    '',
  ];
}

function faults(entries: readonly Entry[]): string[] {
  const stopped = entries.filter((entry) => (entry.unimplemented ?? []).length === 0);
  return [
    '## Other faults',
    '',
    '| kind | modules |',
    '|---|---|',
    ...rank(stopped, stopOf).map(([name, modules]) => `| ${name} | ${names(modules)} |`),
    '',
  ];
}

function times(entries: readonly Entry[]): string[] {
  const timed = entries
    .filter((entry) => entry.wallMs !== undefined)
    .map(({ module, wallMs }) => ({ module, ms: wallMs!.boot + wallMs!.load + wallMs!.remove }))
    .sort((a, b) => b.ms - a.ms);
  const slowest = timed.slice(0, SLOWEST).map(({ module, ms }) => `${module} ${(ms / 1000).toFixed(1)} s`);
  return [
    '## Time',
    '',
    `Over ${LIMIT_MS / 1000} s: ${timed.filter(({ ms }) => ms > LIMIT_MS).length} modules. Slowest: ${slowest.join(', ')}.`,
    `Runs that modbox itself failed in: ${entries.filter((entry) => entry.error !== undefined).length}.`,
    '',
  ];
}
