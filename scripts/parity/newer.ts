/**
 * npm run parity -- --target 6.12 [--every N] [--from K] [--jobs N] [--run FILE]
 *
 * Runs the recorded modules that a newer kernel still has, from its own tree, on that kernel as target. There is no
 * recording of all of them on it: what they did on the recorded kernel is the best expectation there is of whether they
 * load. Where that was doubtful the newer kernel itself was asked, in QEMU: tests/parity/VERSION.jsonl has its answers.
 * Writes docs/parity-VERSION.md, which ranks what differs; a run of a part leaves it alone.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TargetStore } from '../../src/target/node/index.js';
import { newerTree } from '../../src/testing/corpus.js';
import { modulesOf } from './modules-of.js';
import { readLines } from './read-lines.js';

export interface NewerOptions {
  /** The beginning of a release: `6.12`. */
  readonly version: string;
  /** The recordings, one JSON object a line. */
  readonly oracle: string;
  readonly every: number;
  readonly from: number;
  readonly jobs: string;
  /** The output of an earlier run, to report on it again. */
  readonly run?: string;
}

interface Recorded {
  readonly module: string;
  readonly modprobe: { readonly exit: number };
}

interface Entry extends Recorded {
  readonly modprobe: { readonly exit: number; readonly stderr: readonly string[] };
  readonly unimplemented?: readonly { readonly symbol: string }[];
  readonly faults?: readonly { readonly kind: string; readonly message: string }[];
  readonly dmesg: readonly string[];
}

interface Difference {
  readonly reason: string;
  readonly modules: readonly string[];
}

const RANKED = 40;
const NAMED = 3;

/** Runs, reports, and returns the report. Throws where target, tree or a part of the run are missing. */
export async function newerParity(options: NewerOptions): Promise<string> {
  const { release, tree } = await findTarget(options.version);
  const present = new Set(modulesOf(tree).map(moduleName));
  const all = readLines<Recorded>(options.oracle);
  const asked = answersOf(options.version);
  const expected = all
    .filter(({ module }) => present.has(moduleName(module)))
    .filter((_, i) => i % options.every === options.from)
    .map((recorded) => asked.get(recorded.module) ?? recorded);
  const started = Date.now();
  const entries =
    options.run === undefined
      ? run(
          expected.map(({ module }) => module),
          release,
          tree,
          options.jobs,
        )
      : readLines<Entry>(options.run);
  const seconds = options.run === undefined ? Math.round((Date.now() - started) / 1000) : undefined;
  const text = report(release, all.length, expected, entries, seconds);
  const whole = expected.length === entries.length && options.every === 1;
  if (whole) writeFileSync(new URL(`../../docs/parity-${options.version}.md`, import.meta.url), text);
  return text;
}

/** The target of that version and the tree that it came from; added where it is not there yet. */
async function findTarget(version: string): Promise<{ release: string; tree: string }> {
  const store = new TargetStore();
  const known = store.list().find(({ info }) => info.release.startsWith(`${version}.`));
  if (known?.info.tree !== undefined) return { release: known.info.release, tree: known.info.tree };
  const tree = await newerTree();
  if (tree === undefined) throw new Error('the package of the newer kernel cannot be had here');
  const { release } = store.add(tree);
  if (!release.startsWith(`${version}.`))
    throw new Error(`no target ${version}, the package is of ${release}`);
  return { release, tree };
}

/** What the newer kernel itself said. */
function answersOf(version: string): Map<string, Recorded> {
  const file = new URL(`../../tests/parity/${version}.jsonl`, import.meta.url).pathname;
  const answers = existsSync(file) ? readLines<Recorded>(file) : [];
  return new Map(answers.map((answer) => [answer.module, answer]));
}

/** As /proc/modules has it. */
const moduleName = (file: string): string => file.replaceAll('-', '_');

function run(names: readonly string[], release: string, tree: string, jobs: string): Entry[] {
  const folder = mkdtempSync(join(tmpdir(), 'modbox-parity-'));
  const list = join(folder, 'list');
  writeFileSync(list, `${names.join('\n')}\n`);
  const cli = new URL('../../dist/bundle/cli/main.js', import.meta.url).pathname;
  const args = ['run', '--json', '--each-from', list, '--root', tree, '--target', release, '--jobs', jobs];
  const output = join(folder, 'run.jsonl');
  const file = openSync(output, 'w');
  const { signal, status } = spawnSync(process.execPath, [cli, ...args], {
    stdio: ['ignore', file, 'inherit'],
  });
  closeSync(file);
  const entries = readLines<Entry>(output);
  if (entries.length < names.length)
    throw new Error(
      `the run ended early (${signal ?? status}): ${entries.length} of ${names.length}, in ${output}`,
    );
  return entries;
}

/** What stopped a module first, in words that modules with the same trouble share. */
function reasonOf(entry: Entry | undefined, expected: number): string {
  if (entry === undefined) return 'not in the run';
  const [missing] = entry.unimplemented ?? [];
  if (missing !== undefined) return missing.symbol;
  const [fault] = entry.faults ?? [];
  if (fault !== undefined)
    return `${fault.kind}: ${fault.message.split('\n')[0].replace(/\b(0x)?[0-9a-f]{6,}\b/g, '#')}`;
  const words = entry.modprobe.stderr.at(-1) ?? entry.dmesg.at(-1) ?? '';
  return `exit ${entry.modprobe.exit}, there ${expected}${words === '' ? '' : `: ${words}`}`;
}

function rank(differences: readonly { reason: string; module: string }[]): Difference[] {
  const modules = new Map<string, string[]>();
  for (const { reason, module } of differences) {
    const known = modules.get(reason);
    if (known === undefined) modules.set(reason, [module]);
    else known.push(module);
  }
  return [...modules]
    .map(([reason, names]) => ({ reason, modules: names }))
    .sort((a, b) => b.modules.length - a.modules.length || (a.reason < b.reason ? -1 : 1));
}

function table(differences: readonly Difference[]): string[] {
  return [
    '| what | modules | such as |',
    '|---|---|---|',
    ...differences.slice(0, RANKED).map(({ reason, modules }) => {
      const some = modules.slice(0, NAMED).join(', ');
      return `| ${reason.replaceAll('|', '\\|')} | ${modules.length} | ${some} |`;
    }),
    ...(differences.length > RANKED ? ['', `${differences.length} in all.`] : []),
  ];
}

function report(
  release: string,
  recorded: number,
  expected: readonly Recorded[],
  entries: readonly Entry[],
  seconds: number | undefined,
): string {
  const got = new Map(entries.map((entry) => [entry.module, entry]));
  const agrees = ({ module, modprobe }: Recorded): boolean =>
    got.get(module)?.modprobe.exit === modprobe.exit;
  const wrong = expected.filter((one) => !agrees(one));
  const right = expected.length - wrong.length;
  const troubled = expected.filter((one) => agrees(one) && (got.get(one.module)?.faults ?? []).length > 0);
  const reasons = (list: readonly Recorded[]): Difference[] =>
    rank(list.map(({ module, modprobe }) => ({ module, reason: reasonOf(got.get(module), modprobe.exit) })));
  return [
    `# Loading on ${release}`,
    '',
    `${expected.length} of the ${recorded} recorded modules, as this kernel has them, each in a freshly booted machine${seconds === undefined ? '' : `, ${seconds} s`}.`,
    'Made by `npm run parity -- --target VERSION`. Expected is what modprobe said on the recorded kernel, an older one,',
    'but for the few modules that this kernel was asked about in QEMU (`tests/parity`).',
    '',
    `    load ${right} of ${expected.length} (${((100 * right) / expected.length).toFixed(1)}%), ${right - troubled.length} of them without a fault later on`,
    '',
    '## What does not load as expected',
    '',
    ...table(reasons(wrong)),
    '',
    '## Loads as expected, with a fault',
    '',
    ...table(reasons(troubled)),
    '',
  ].join('\n');
}
