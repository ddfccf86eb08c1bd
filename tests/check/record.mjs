#!/usr/bin/env node
// Asks real kernels whether modules built for another kernel load, and writes their answers to expected/RELEASE.jsonl.
//
//   node record.mjs [RELEASE...]               all of RECORDINGS by default
//   node record.mjs --list RELEASE             only says which modules would be asked about
//   node record.mjs --versions [RELEASE...]    modules of another kernel, changed so that the kernel looks at every symbol:
//                                              to expected/RELEASE.versions.jsonl
//
// Needs Debian's qemu-system-x86, busybox-static, kmod, cpio and binutils, and fetches kernel packages with apt-get.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { boot, makeRoot } from './boot.mjs';
import { asIfFor, structModuleOf } from './fit.mjs';
import { sample } from './sample.mjs';
import { kernelPackage, moduleName, smallTree, writeScript } from './trees.mjs';

const SOURCE = 'linux-image-6.1.0-53-amd64';
const SEED = 4;
const RECORDINGS = [
  { package: 'linux-image-6.1.0-47-amd64', foreign: 200, own: 50 },
  { package: 'linux-image-6.12.115+deb12-amd64-unsigned', foreign: 200, own: 100 },
];
/** So many modules a boot, as long as none brings the guest down. */
const BATCH = 50;
/** Seconds that modprobe may take. */
const LIMIT = 40;
/** More lines of the log than this are only counted; so many that no symbol is lost where symbols are asked about. */
const LOG_LINES = { usual: 40, versions: 2000 };

const here = dirname(fileURLToPath(import.meta.url));

/** What is done with each module; it prints marks, and what commands said in base64. */
const guestScript = (numbers, names) => `
mount -t tmpfs tmp /tmp; mkdir -p /lib
save() { echo "@@$1 $code"; base64 /tmp/out; echo @@err; base64 /tmp/err; }
try() {
  "$@" > /tmp/out 2> /tmp/err &
  pid=$!; n=0
  while kill -0 $pid 2>/dev/null && [ $n -lt ${LIMIT * 20} ]; do usleep 50000; n=$((n+1)); done
  if kill -0 $pid 2>/dev/null && [ "$(cut -d' ' -f3 /proc/$pid/stat)" != Z ]; then code=hangs; else wait $pid; code=$?; fi
}
ask() {
  rm -f /lib/modules; ln -s /t/$1/lib/modules /lib/modules
  echo "@@module $1"
  dmesg -c > /dev/null
  before=$(cat /proc/sys/kernel/tainted)
  try /sbin/modprobe --dry-run --verbose $2; save dryrun
  try /sbin/modprobe $2; usleep 300000; save load
  hung=$code
  echo @@taint $before $(cat /proc/sys/kernel/tainted)
  echo @@dmesg; dmesg -r -c | base64
  echo @@modules; cut -d' ' -f1 /proc/modules
  echo @@flags $(cat /sys/module/$2/taint 2>/dev/null)
  [ $hung = hangs ] && { echo @@done; exit; }
  if grep -q "^$2 " /proc/modules; then try /sbin/modprobe -r $2; save remove; fi
  rounds=0
  while grep -q . /proc/modules && [ $rounds -lt 8 ]; do
    for m in $(cut -d' ' -f1 /proc/modules); do /sbin/rmmod $m 2>/dev/null; done; rounds=$((rounds+1)); done
  echo @@left $(cut -d' ' -f1 /proc/modules)
  echo @@done
  grep -q . /proc/modules && exit
  dmesg -r | grep -qE 'Oops|BUG:|general protection' && exit
}
${numbers.map((n, i) => `ask ${n} ${names[i]}`).join('\n')}
`;

const decode = (lines) => Buffer.from(lines.join(''), 'base64').toString('utf8');
const lineList = (text) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
const logLine = (line) => line.replace(/^<\d+>/, '').replace(/^\[ *\d+\.\d+\] /, '');
/** What the emulated machine says of itself. */
const NOISE = /^(random: |clocksource: |tsc: |hrtimer: interrupt took|perf: interrupt took|sched: RT throttling)/;

/** Records from the guest's output, by number of the module. The last may lack its end: `died`. */
function parse(output, release, logLines) {
  const within = (text) => text.replaceAll(`/lib/modules/${release}/`, '');
  const records = [];
  let record, lines;
  const parts = {};
  const finish = () => {
    for (const [part, key] of [['dryrun', 'dryRun'], ['load', 'load'], ['remove', 'remove']]) {
      if (!parts[part]) continue;
      const { code, out, err } = parts[part];
      record[key] = { status: code === 'hangs' ? code : Number(code), stdout: lineList(within(decode(out))).map((l) => l.trimEnd()), stderr: lineList(within(decode(err))) };
    }
    const log = lineList(decode(parts.dmesg ?? [])).map(logLine).filter((l) => !NOISE.test(l));
    record.dmesg = log.slice(0, logLines);
    if (log.length > logLines) record.dmesgMore = log.length - logLines;
    record.modules = parts.modules ?? [];
    record.taint = record.flags ?? '';
    delete record.flags;
    for (const key of Object.keys(parts)) delete parts[key];
  };
  for (const line of output.split('\n')) {
    const [, mark, rest] = /^@@(\w+) ?(.*)$/.exec(line) ?? [];
    if (mark === 'module') records.push((record = { number: Number(rest) }));
    else if (mark === 'dryrun' || mark === 'load' || mark === 'remove') parts[mark] = { code: rest, out: (lines = []), err: [] };
    else if (mark === 'err') lines = Object.values(parts).filter((p) => p.err).at(-1).err;
    else if (mark === 'dmesg' || mark === 'modules') parts[mark] = lines = [];
    else if (mark === 'taint') record.tainted = rest.split(' ').map(Number);
    else if (mark === 'flags') record.flags = rest;
    else if (mark === 'left') record.left = rest === '' ? [] : rest.split(' ');
    else if (mark === 'done') { finish(); record.whole = true; lines = undefined; }
    else if (lines && line !== '' && !/^\[ *\d+\.\d+\] /.test(line)) lines.push(line);
  }
  if (record && !record.whole) { finish(); record.died = true; record.console = output.split('\n').filter((l) => /^\[ *\d+\.\d+\] /.test(l)).map(logLine).slice(-20); }
  return records;
}

/** Asks `kernel` about all `questions`, `{ file, foreign? }` each, in as many boots as it takes. */
async function ask(kernel, questions, logLines, report) {
  const answers = new Map();
  let todo = questions.map((q, number) => ({ ...q, number }));
  while (todo.length > 0) {
    const batch = todo.slice(0, BATCH);
    const root = makeRoot();
    const names = batch.map((q) => smallTree(kernel, root, q.number, q));
    writeScript(root, guestScript(batch.map((q) => q.number), names));
    const records = parse(await boot(kernel.vmlinuz, root), kernel.release, logLines);
    rmSync(root, { recursive: true });
    if (records.length === 0) throw new Error(`${kernel.release}: the guest did not start`);
    for (const { number, whole, ...answer } of records) answers.set(number, answer);
    todo = todo.filter((q) => !answers.has(q.number));
    report(answers.size, questions.length, records.at(-1));
  }
  return questions.map((_, number) => answers.get(number));
}

/** Foreign modules as the kernel's own ones say they should be: the version of struct module, and its size. */
function fitStruct(kernel, folder, questions) {
  const { crc, size } = structModuleOf(kernel);
  return questions.map((question) => {
    const changed = join(folder, basename(question.file));
    writeFileSync(changed, asIfFor(readFileSync(question.foreign), crc, size));
    return { ...question, foreign: changed };
  });
}

function recordsOf(kernel, questions, answers) {
  return questions.map(({ from, file }, i) => ({
    kernel: kernel.release, from, file, name: moduleName(file), own: kernel.byName.get(moduleName(file)) ?? null, ...answers[i],
  }));
}

const args = process.argv.slice(2);
const listOnly = args.includes('--list');
const versionsOnly = args.includes('--versions');
const wanted = args.filter((a) => !a.startsWith('--'));
const source = kernelPackage(SOURCE);
mkdirSync(join(here, 'expected'), { recursive: true });
for (const recording of RECORDINGS) {
  const kernel = kernelPackage(recording.package);
  if (wanted.length > 0 && !wanted.includes(kernel.release)) continue;
  const foreign = sample(source.files, recording.foreign, SEED).map((file) => ({ from: source.release, file, foreign: join(source.modules, file) }));
  const own = sample(kernel.files, recording.own, SEED).map((file) => ({ from: kernel.release, file }));
  const changed = mkdtempSync(join(tmpdir(), 'modbox-check-'));
  const questions = versionsOnly ? fitStruct(kernel, changed, foreign) : [...foreign, ...own];
  if (listOnly) { console.log(questions.map((q) => `${q.from} ${q.file}`).join('\n')); continue; }
  const started = Date.now();
  const answers = await ask(kernel, questions, versionsOnly ? LOG_LINES.versions : LOG_LINES.usual, (done, all, last) => {
    console.log(`${kernel.release}: ${done} of ${all}, ${((Date.now() - started) / 1000).toFixed(0)} s${last.died ? `, died in ${questions[last.number].file}` : ''}${last.left?.length ? `, left: ${last.left}` : ''}`);
  });
  rmSync(changed, { recursive: true });
  const file = `${kernel.release}${versionsOnly ? '.versions' : ''}.jsonl`;
  writeFileSync(join(here, 'expected', file), recordsOf(kernel, questions, answers).map((r) => `${JSON.stringify(r)}\n`).join(''));
}
