/**
 * npx tsx scripts/parity/record.ts [--every N] [--from K] [--list FILE --out FILE]
 *
 * Asks the real kernel, in QEMU, what it does with modules that ../shared/oracle has no recording of, in the way and in the
 * format of its README: all in one boot, one after another. Writes tests/parity/others.jsonl. `npm run parity` scores them
 * apart: what was built while looking at one half of the modules should hold for the other.
 *
 * --list asks about the modules that FILE names instead, and writes to --out; REAL_KERNEL_MODULES says which others there are in the
 * guest (ALL: those that a module may ask for while it runs, too). The kernel that is asked is real-kernel.sh's:
 * REAL_KERNEL_DEB names another package, and a folder `real-kernel/PACKAGE` of $XDG_CACHE_HOME that has the file `.unpacked`
 * stands for the package's content (a kernel of one's own, or one with modules of others besides its own). docs/kernels.md
 * has examples.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ModuleListing } from '../../src/linux/kallsyms/modules.js';
import type { RunReport } from '../../src/machine/run-report.js';
import { corpusTree } from '../../src/testing/corpus.js';
import { modulesOf } from './modules-of.js';
import { readLines } from './read-lines.js';

const ORACLE_FOLDER = new URL('../../../shared/oracle/', import.meta.url).pathname;
const ORACLE = join(ORACLE_FOLDER, '6.1.0-53-amd64.jsonl');
const OUTPUT = new URL('../../tests/parity/others.jsonl', import.meta.url);
/** They run for minutes; see the README of the recordings. */
const TOO_LONG = new Set(['tcrypt', 'test_bpf']);

/** The guest's script: between marks, what each command printed. Its shell takes busybox's own modprobe unless given a path. */
const SCRIPT = `
for module in $(cat /mods/list); do
  echo "@@module $module"
  /sbin/modprobe -v "$module" >/tmp/out 2>/tmp/err; echo "@@exit $?"
  cat /tmp/out; echo '@@stderr'; cat /tmp/err
  cat /proc/modules >/tmp/modules; cat /proc/sys/kernel/tainted >/tmp/tainted
  usleep 300000
  echo '@@log'; dmesg -c
  echo '@@modules'; cat /tmp/modules; echo '@@tainted'; cat /tmp/tainted
  /sbin/modprobe -v -r "$module" >/tmp/out 2>/tmp/err; echo "@@removed $?"
  cat /tmp/out; echo '@@stderr-of-removal'; cat /tmp/err
  usleep 300000
  echo '@@log-of-removal'; dmesg -c
  echo '@@left'; cut -d' ' -f1 /proc/modules
done
`;

/** A recording has what a report of modbox has; of /proc/modules those that were not there before. */
interface Recording
  extends Pick<
    RunReport,
    'module' | 'modprobe' | 'dmesg' | 'modules' | 'tainted' | 'remove' | 'dmesgAfterRemove' | 'left'
  > {
  readonly loadedBefore: readonly string[];
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

/** What a guest printed for one module, by its marks. */
function sectionsOf(
  text: string,
): Map<string, { readonly value: string; readonly lines: readonly string[] }> {
  const parts = text.split(/^@@/m).slice(1);
  return new Map(
    parts.map((part) => {
      const [head, ...rest] = part.split('\n');
      const [mark, value = ''] = head.split(' ');
      return [mark, { value, lines: lines(rest.join('\n')) }];
    }),
  );
}

/** A line of /proc/modules: name, size, reference count, users, state, address, taints. */
function listed(line: string): ModuleListing {
  const [name, size, refcnt, users, state, , taints = ''] = line.split(' ');
  const usedBy =
    users === '-' ? [] : users.split(',').filter((user) => user !== '' && user !== '[permanent]');
  const permanent = users.includes('[permanent]');
  const flags = taints.replace(/[()]/g, '');
  return {
    name,
    size: Number(size),
    refcnt: Number(refcnt),
    usedBy,
    permanent,
    state: state as ModuleListing['state'],
    taints: flags,
  };
}

const withoutTime = (line: string): string => line.replace(/^\[ *\d+\.\d+\] /, '');
const operands = (printed: readonly string[], command: string): string[] =>
  printed
    .filter((line) => line.startsWith(`${command} `))
    .map((line) =>
      line
        .slice(command.length + 1)
        .replace(/^\/lib\/modules\/[^/]+\//, '')
        .trim(),
    );

function recordingOf(text: string, loadedBefore: readonly string[]): Recording {
  const sections = sectionsOf(text);
  const section = (mark: string): { readonly value: string; readonly lines: readonly string[] } => {
    const found = sections.get(mark);
    if (!found) throw new Error(`the guest did not come to @@${mark} in: ${text.slice(0, 200)}`);
    return found;
  };
  return {
    module: section('module').value,
    loadedBefore,
    modprobe: {
      exit: Number(section('exit').value),
      insmod: operands(section('exit').lines, 'insmod'),
      stderr: section('stderr').lines,
    },
    dmesg: section('log').lines.map(withoutTime),
    modules: section('modules')
      .lines.map(listed)
      .filter(({ name }) => !loadedBefore.includes(name)),
    tainted: Number(section('tainted').lines[0]),
    remove: {
      exit: Number(section('removed').value),
      rmmod: operands(section('removed').lines, 'rmmod'),
      stderr: section('stderr-of-removal').lines,
    },
    dmesgAfterRemove: section('log-of-removal').lines.map(withoutTime),
    left: section('left').lines,
  };
}

/** Boots the kernel once, with a tree of `packed` modules, and has it load and unload every module of a list. */
function askKernel(modules: readonly string[], packed: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'modbox-record-'));
  writeFileSync(join(folder, 'list'), `${modules.join('\n')}\n`);
  writeFileSync(join(folder, 'script'), SCRIPT);
  const run = spawnSync(
    join(ORACLE_FOLDER, 'real-kernel.sh'),
    [join(folder, 'script'), join(folder, 'list')],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { REAL_KERNEL_TIMEOUT: '3000', ...process.env, REAL_KERNEL_MODULES: packed },
    },
  );
  if (run.status !== 0) process.stderr.write(`the guest ended early:\n${run.stdout.slice(-2000)}\n`);
  return run.stdout;
}

/** The modules of the kernel package that nobody has recorded. */
async function unrecorded(): Promise<string[]> {
  const tree = await corpusTree();
  if (tree === undefined) throw new Error('the kernel package cannot be had here');
  const recorded = new Set(readLines<Recording>(ORACLE).map(({ module }) => module));
  return modulesOf(tree).filter((module) => !recorded.has(module) && !TOO_LONG.has(module));
}

const { values } = parseArgs({
  options: {
    every: { type: 'string' },
    from: { type: 'string' },
    list: { type: 'string' },
    out: { type: 'string' },
  },
});
if ((values.list === undefined) !== (values.out === undefined)) throw new Error('--list goes with --out');
const all = values.list === undefined ? await unrecorded() : lines(readFileSync(values.list, 'utf8'));
const wanted = all.filter((_, i) => i % Number(values.every ?? 1) === Number(values.from ?? 0));
const packed = values.list === undefined ? 'ALL' : (process.env.REAL_KERNEL_MODULES ?? wanted.join(' '));
const blocks = askKernel(wanted, packed)
  .split(/^(?=@@module )/m)
  .filter((block) => block.startsWith('@@module ') && block.includes('@@left'));
let left: readonly string[] = [];
const recordings = blocks.map((block) => {
  const recording = recordingOf(block, left);
  left = recording.left;
  return recording;
});
writeFileSync(values.out ?? OUTPUT, recordings.map((recording) => `${JSON.stringify(recording)}\n`).join(''));
console.log(`${recordings.length} of ${wanted.length} modules recorded`);
