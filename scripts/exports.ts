/**
 * npm run exports [-- --no-write]
 *
 * Who answers for each function that the kernels at hand export (TypeScript, the target's own code, or nobody), counted with the
 * modules that have every import answered, and written to docs/exports.md. A native function counts only where the analysis of the
 * image lets it run and, if it is of a subsystem, where that comes up in a kernel that is booted for it.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiskFiles } from '../src/kmod/node/disk-files.js';
import { openModule } from '../src/kmod/open-module.js';
import { LinuxKernel } from '../src/linux/kernel.js';
import { type Answer, Coverage } from '../src/linux/native/coverage.js';
import type { LinuxTarget } from '../src/target/index.js';
import { corpusTree, newerTree } from '../src/testing/corpus.js';
import { imageTarget, newerImageTarget } from '../src/testing/targets.js';

const FILE = new URL('../docs/exports.md', import.meta.url).pathname;
/** Exports that are named of those that most modules wait for. */
const SHOWN = 40;

interface Counted {
  readonly target: LinuxTarget;
  readonly answers: ReadonlyMap<string, Answer>;
  readonly failures: ReadonlyMap<string, string>;
  /** Names that each module of the tree imports. */
  readonly imports: ReadonlyMap<string, readonly string[]>;
}

function importsOf(tree: string): ReadonlyMap<string, readonly string[]> {
  const source = new DiskFiles(tree);
  const files = readdirSync(join(tree, 'lib/modules'), { recursive: true, encoding: 'utf8' });
  const modules = files.filter((path) => /\.ko(\.\w+)?$/.test(path)).sort();
  return new Map(
    modules.map((file) => {
      const symbols = openModule(source, `/lib/modules/${file}`).undefinedSymbols();
      return [file, [...symbols].map(({ name }) => name)];
    }),
  );
}

function count(target: LinuxTarget, tree: string): Counted {
  const coverage = new Coverage(new LinuxKernel(target), () => new LinuxKernel(target));
  const functions = [...target.exports.values()].filter(({ kind }) => kind === 'function');
  const answers = new Map(functions.map(({ name }) => [name, coverage.of(name)]));
  return { target, answers, failures: coverage.failures, imports: importsOf(tree) };
}

const callable = (answer: Answer | undefined): boolean => answer !== undefined && answer.by !== 'nobody';

/** What a row of the table is about. */
function rowOf(answer: Answer): string {
  switch (answer.by) {
    case 'typescript':
      return 'TypeScript';
    case 'partly':
      return 'TypeScript, in part';
    case 'native':
      return 'native, by itself';
    case 'subsystem':
      return `native ${answer.subsystem}`;
    case 'set up':
      return 'native, by init calls';
    case 'nobody':
      return `nobody: ${answer.kind}`;
  }
}

function tally<T>(values: Iterable<T>, keyOf: (value: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(keyOf(value), (counts.get(keyOf(value)) ?? 0) + 1);
  return counts;
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

/** Modules whose every import of the kernel's functions passes. */
function complete({ imports, answers }: Counted, passes: (answer: Answer) => boolean): number {
  const answered = (name: string): boolean => {
    const answer = answers.get(name);
    return answer === undefined || passes(answer);
  };
  return [...imports.values()].filter((names) => names.every(answered)).length;
}

function section(counted: Counted): string {
  const { target, answers, imports } = counted;
  const all = answers.size;
  const yes = [...answers.values()].filter(callable).length;
  const rows = [...tally(answers.values(), rowOf)].sort(([a], [b]) => (a < b ? -1 : 1));
  const byTypeScript = (answer: Answer): boolean => answer.by === 'typescript' || answer.by === 'partly';
  return [
    `## ${target.name}`,
    '',
    `${yes} of ${all} exported functions are callable (${percent(yes, all)}). Of ${imports.size} modules ` +
      `${complete(counted, callable)} have every import callable, ${complete(counted, byTypeScript)} by TypeScript alone.`,
    '',
    '| who answers | functions |',
    '| --- | ---: |',
    ...rows.map(([row, n]) => `| ${row} | ${n} |`),
    '',
    ...notSetUp(counted),
    'Most wanted of those that nobody answers for (modules that import them):',
    '',
    ...wanted(counted).map(([name, n, why]) => `* \`${name}\` (${n}): ${why}`),
    '',
  ].join('\n');
}

/** What was tried and does not come up, those first that most functions need. */
function notSetUp({ answers, failures }: Counted): string[] {
  if (failures.size === 0) return [];
  const needs = [...answers.values()].flatMap((answer) =>
    answer.by === 'nobody' && answer.needs !== undefined ? [answer.needs] : [],
  );
  const counts = [...tally(needs, (name) => name)].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return [
    'What does not come up (functions that need it):',
    '',
    ...counts.slice(0, SHOWN).map(([name, n]) => `* ${name} (${n}): ${failures.get(name)}`),
    '',
  ];
}

function wanted({ answers, imports }: Counted): [string, number, string][] {
  const uses = tally([...imports.values()].flat(), (name) => name);
  return [...answers]
    .flatMap(([name, answer]): [string, number, string][] =>
      answer.by === 'nobody' ? [[name, uses.get(name) ?? 0, answer.why || answer.kind]] : [],
    )
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, SHOWN);
}

const HEAD = `# Who answers for the kernel's exports

Made by \`npm run exports\`: not to be edited. A function is *callable* where TypeScript has it, or where the target's own image does and the
rules of [src/linux/native](../src/linux/native/README.md) let it run: by itself (it touches no variable), or in a subsystem that came up in
a kernel which was booted for it. What nobody answers for stops by name, with the reason that is given here.
`;

const pairs: [LinuxTarget | undefined, string | undefined][] = [
  [await imageTarget(), await corpusTree()],
  [await newerImageTarget(), await newerTree()],
];
const sections = pairs.flatMap(([target, tree]) => (target && tree ? [section(count(target, tree))] : []));
if (sections.length === 0) {
  console.error("npm run exports needs Debian's kernel packages: apt-get could not fetch them");
  process.exit(1);
}
const text = [HEAD, ...sections].join('\n');
if (!process.argv.includes('--no-write')) writeFileSync(FILE, text);
console.log(sections.join('\n'));
