import { type Change, type Entry, stopOf } from './outcomes.js';

const RANKED = 40;
const NAMED = 12;
const SLOWEST = 5;
const LIMIT_MS = 5000;

export interface Run {
  /** The last line of compare.mjs. */
  readonly score: string;
  readonly entries: readonly Entry[];
  /** Which modules were run. */
  readonly scope: string;
  readonly seconds: number | undefined;
  readonly jobs: string;
  /** Nothing where there was no run to compare with. */
  readonly changes: readonly Change[] | undefined;
}

/** How often each name occurs, most frequent first. */
function rank(names: readonly string[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
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
    ...sinceLastRun(run.changes),
    ...missing(run.entries),
    ...faults(run.entries),
    ...times(run.entries),
  ].join('\n');
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
  const ranked = rank(
    entries.flatMap((entry) => entry.unimplemented?.slice(0, 1).map((call) => call.symbol) ?? []),
  );
  return [
    '## Exports that modules stop at',
    '',
    '| export | modules |',
    '|---|---|',
    ...ranked.slice(0, RANKED).map(([name, count]) => `| ${name} | ${count} |`),
    '',
    `${ranked.length} exports in all.`,
    '',
  ];
}

function faults(entries: readonly Entry[]): string[] {
  const kinds = entries.filter((entry) => (entry.unimplemented ?? []).length === 0).map(stopOf);
  return [
    '## Other faults',
    '',
    '| kind | modules |',
    '|---|---|',
    ...rank(kinds.filter((kind) => kind !== undefined)).map(([name, count]) => `| ${name} | ${count} |`),
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
