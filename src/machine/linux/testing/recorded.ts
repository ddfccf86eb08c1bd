import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { debianFileOf, needsDebian, variant } from '../../../../tests/modules/trust/variants.mjs';
import { indexTree, MemoryFiles } from '../../../kmod/index.js';
import { type Capability, TaskCredentials } from '../../../linux/credentials.js';
import type { LinuxTarget } from '../../../target/index.js';
import { loadBundled } from '../../../target/node/index.js';
import { CORPUS_RELEASE, corpusTree } from '../../../testing/corpus.js';
import { CapturedOutput } from '../../terminal.js';
import { Machine } from '../machine.js';
import { Shell } from '../shell/shell.js';

const MODULES = fileURLToPath(new URL('../../../../tests/modules/', import.meta.url));

/** One command and what the real kernel made of it: see tests/modules/record.mjs. */
export interface Step {
  readonly command: string;
  /** User that takes the step, if not root. */
  readonly as?: number;
  /** Capability that root does not have in it. */
  readonly without?: Capability;
  readonly exit?: number;
  readonly hangs?: boolean;
  readonly panics?: boolean;
  readonly hangsKernel?: boolean;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly dmesg: readonly string[];
}

export interface Scenario {
  readonly name: string;
  /** Release of the kernel it was recorded on. */
  readonly kernel: string;
  readonly about: string;
  readonly modules: readonly string[];
  /** Files that are made: see tests/modules/trust/variants.mjs. */
  readonly variants?: readonly string[];
  /** Module trees below /mods (`/`: the machine's own): files by place below lib/modules/RELEASE, and the variant there. */
  readonly trees?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly setup?: string;
  /** More kernel parameters. */
  readonly cmdline?: string;
  readonly steps: readonly Step[];
}

/** What a step gave, in a form in which the real kernel and modbox can be compared. */
export interface Outcome {
  readonly command: string;
  /** 'dies': the real kernel went no further; modbox ends the process at fault and goes on. */
  readonly exit: number | 'hangs' | 'dies';
  readonly stdout: string;
  readonly stderr: string;
  readonly dmesg: readonly string[];
}

/** Recordings on the kernel of the bundled target. */
export function scenarios(): Scenario[] {
  return scenariosIn('');
}

/** Recordings on Debian's 6.12 kernel, with modules that are built for it. */
export function newerScenarios(): Scenario[] {
  return scenariosIn(NEWER);
}

/** Folder of the modules for 6.12, below that of the test modules. */
const NEWER = '6.12/';

function scenariosIn(folder: string): Scenario[] {
  const expected = `${MODULES}${folder}expected/`;
  return readdirSync(expected)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      ...(JSON.parse(readFileSync(expected + file, 'utf8')) as Omit<Scenario, 'name'>),
      name: folder + file.slice(0, -'.json'.length),
    }));
}

/** What the real kernel gave. A step that it did not survive has no output to compare. */
export function expected(scenario: Scenario): Outcome[] {
  return scenario.steps.map((step) => ({
    command: step.command,
    exit: step.hangsKernel || step.panics ? 'dies' : step.hangs ? 'hangs' : (step.exit ?? 0),
    stdout: maskText(step.stdout ?? ''),
    stderr: (step.stderr ?? '').replace(/\.\.\/libkmod\/\S+ \w+\(\) /g, ''),
    dmesg: essential(step.dmesg),
  }));
}

/** The same steps in modbox's shell, in a fresh machine with the test modules in /mods. */
export function actual(scenario: Scenario, options: ReplayOptions = {}): Outcome[] {
  return replay(scenario, options).map((outcome) => ({
    ...outcome,
    stdout: maskText(outcome.stdout),
    stderr: outcome.stderr.replace(/^modbox: .*\n/gm, ''),
    dmesg: essential(outcome.dmesg),
  }));
}

export interface ReplayOptions {
  readonly debian?: DebianModules;
  /** The kernel, the bundled one by default. */
  readonly target?: LinuxTarget;
  /** Looks at the machine between steps. */
  readonly afterStep?: (machine: Machine, outcome: Outcome) => void;
}

/** As actual(), with everything as modbox wrote it. */
export function replay(
  scenario: Scenario,
  { debian, target = loadBundled(), afterStep }: ReplayOptions = {},
): Outcome[] {
  const machine = Machine.boot({
    target,
    files: moduleFiles(scenario, debian),
    cmdline: scenario.cmdline ?? '',
  });
  if (scenario.setup) new Shell(machine, new CapturedOutput()).run(scenario.setup);
  const credentials = machine.kernel.get(TaskCredentials);
  return scenario.steps.map(({ command, as, without }) => {
    credentials.uid = as ?? 0;
    credentials.dropped.clear();
    if (without) credentials.dropped.add(without);
    const output = new CapturedOutput();
    const from = machine.dmesg().length;
    const { exit, hangs } = new Shell(machine, output).run(command);
    machine.sleep(200e6);
    const { stdout, stderr } = output;
    const dmesg = machine.dmesg(from).map(({ text }) => text);
    const outcome: Outcome = { command, exit: hangs ? 'hangs' : exit, stdout, stderr, dmesg };
    afterStep?.(machine, outcome);
    return outcome;
  });
}

/** Bytes of modules of Debian's package, by their place below /lib/modules/RELEASE. */
export type DebianModules = (file: string) => Buffer;

function moduleFiles(scenario: Scenario, debian: DebianModules | undefined): MemoryFiles {
  const { name, kernel, modules, variants = [], trees = {} } = scenario;
  const folder = MODULES + (name.startsWith(NEWER) ? NEWER : '');
  const bytesOf = (file: string): Buffer =>
    variant(file, needsDebian(file) ? debian?.(debianFileOf(file)) : undefined, kernel);
  const wanted = new Set([...modules, 'hello']);
  const files = new MemoryFiles([
    ...[...wanted].map((file) => [`/mods/${file}.ko`, readFileSync(`${folder}${file}.ko`)] as const),
    ...variants.map((file) => [`/mods/${file}.ko`, bytesOf(file)] as const),
  ]);
  for (const [tree, contents] of Object.entries(trees)) {
    const directory = `${tree === '/' ? '' : `/mods/${tree}`}/lib/modules/${kernel}`;
    for (const [place, file] of Object.entries(contents)) files.add(`${directory}/${place}`, bytesOf(file));
    for (const list of ['modules.builtin', 'modules.builtin.modinfo']) files.add(`${directory}/${list}`, '');
    for (const [index, bytes] of indexTree(files, directory)) files.add(`${directory}/${index}`, bytes);
  }
  return files;
}

/** Whether a scenario has files that are made of modules of Debian's. */
export function needsDebianModule({ variants = [], trees = {} }: Scenario): boolean {
  return [...variants, ...Object.values(trees).flatMap((tree) => Object.values(tree))].some(needsDebian);
}

/** Modules of Debian's, undefined where they cannot be had. */
export async function debianModules(): Promise<DebianModules | undefined> {
  const tree = await corpusTree();
  if (tree === undefined) return undefined;
  return (file) => readFileSync(`${tree}/lib/modules/${CORPUS_RELEASE}/${file}`);
}

function maskText(text: string): string {
  return text.replace(/\b(Live|Loading|Unloading) 0x[0-9a-f.]{16}/g, '$1 0x................');
}

/**
 * Lines of the log that say what happened. Out go registers, code bytes, stack and the kernel's own functions in
 * traces, and repeated frames, which depend on how the kernel was compiled and where it was loaded, and what modbox adds of its own.
 */
export function essential(lines: readonly string[]): string[] {
  return withoutFindings(lines)
    .filter((line) => !MACHINE_LINES.test(line))
    .map((line) =>
      line
        .replace(/\b(PID|pid|CPU|cpu): \d+/g, '$1: #')
        .replace(/^ \? /, ' ')
        .replace(/stuck for \d+s! \[(\w+):\d+\]/, 'stuck! [$1]')
        .replace(/^(note: \S+)\[\d+\]/, '$1[#]')
        .replace(/(scheduling while atomic: \w+)\/\d+/, '$1/#')
        .replace(/\b(?:0x)?[0-9a-f]{16}\b/g, '#')
        .replace(/\b0x[0-9a-f]{5,}\b/g, '#')
        // Frames of the kernel's own functions.
        .replace(/from process stack \(offset \d+/, 'from process stack (offset #')
        // Which object of a slab is given first is random.
        .replace(/@offset=\d+/, '@offset=#')
        .replace(/Tainted: \S.*$/, 'Tainted')
        // Lines and offsets in the kernel's own sources.
        .replace(/ at ([\w/-]+\.[ch])(?::\d+)? ([\w.]+)\+0x[0-9a-f]+\/0x[0-9a-f]+$/, ' at $1 $2'),
    )
    .filter((line, i, all) => !line.startsWith(' ') || line !== all[i - 1]);
}

/** Takes out what modbox reports and a kernel without debugging options does not notice. */
function withoutFindings(lines: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!/^={77}$/.test(lines[at])) {
      kept.push(lines[at]);
      continue;
    }
    while (at < lines.length && !/^-{77}$/.test(lines[at])) at++;
    while (/^(0x|[0-9a-f]{16}|Allocated in|Freed before in|Object)/.test(lines[at + 1] ?? '')) at++;
  }
  return kept;
}

const MACHINE_LINES = new RegExp(
  [
    '^(RSP|RAX|RDX|RBP|R10|R13|FS|CS|CR2|PKRU|Code|DR0|DR3|PGD|Hardware name|Stack|Call Trace|Modules linked in):?',
    '^ *<(/?TASK|/?IRQ|/?SOFTIRQ)>',
    '^RIP: ',
    '^---\\[ end trace',
    '^CPU: ',
    '^modbox',
    '^called from |^in \\w+$',
    // Functions of the kernel, what lay on the stack by chance, and functions of modbox.
    '^ (\\? )?[\\w.]+\\+0x[0-9a-f]+/0x[0-9a-f]+$',
    '^ \\? (?!\\S+ \\[)',
    // Padding before a function, to which nothing returns.
    '^ (\\? )?__pfx_',
    '^ [\\w/-]+$',
  ].join('|'),
);

const BAD_PAGE = 1 << 5;

/** A fault in a write of the shell itself ends the recorder's shell, and only a command of modbox's. */
export function sameOutcome(want: Outcome, given: Outcome): boolean {
  let got = given;
  if (want.exit === 'dies') return got.exit !== 0 && inOrder(lastWords(want.dmesg), got.dmesg);
  // What modbox found and a kernel without debugging options did not notice taints (TAINT_BAD_PAGE) too.
  if (want.command === 'cat /proc/sys/kernel/tainted' && !(Number(want.stdout) & BAD_PAGE))
    got = { ...got, stdout: `${Number(got.stdout) & ~BAD_PAGE}\n` };
  const tellsDeath = want.command.startsWith('echo ') && want.exit !== 0 && want.stderr === '';
  const stderr = tellsDeath ? '' : got.stderr;
  return JSON.stringify({ ...got, stderr }) === JSON.stringify(want);
}

/** What a dying kernel said, to the first line after which nothing can be relied on. */
function lastWords(lines: readonly string[]): readonly string[] {
  const end = lines.findIndex((line) => /^Kernel panic|^watchdog: BUG/.test(line));
  return end < 0 ? lines : lines.slice(0, end + 1);
}

/** Whether all of `wanted` is among `lines`, in its order. */
function inOrder(wanted: readonly string[], lines: readonly string[]): boolean {
  let at = 0;
  for (const line of lines) if (line === wanted[at]) at++;
  return at === wanted.length;
}
