#!/usr/bin/env node
// Asks the real kernel what it does with the modules here, and writes that down in expected/NAME.json.
//
//   node record.mjs [NAME...]       (all scenarios of scenarios.mjs by default; one boot each, ~10 s)
//   node record.mjs 6.12 [NAME...]  (those of 6.12/scenarios.mjs on Debian's 6.12 kernel, into 6.12/expected)
//
// Needs gcc, Debian's qemu-system-x86, busybox-static, kmod and cpio, and the oracle's real-kernel.sh:
//   MODBOX_REAL_KERNEL=FILE         (default: shared/oracle/real-kernel.sh beside the repository)
//   REAL_KERNEL_DEB=FILE            the linux-image package of the 6.12 kernel (default: the corpus's)
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newerScenarios, RELEASE as NEWER_RELEASE } from './6.12/scenarios.mjs';
import { scenarios as olderScenarios } from './scenarios.mjs';
import { DEBIAN_MODULE, debianFileOf, needsDebian, variant } from './trust/variants.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const oracle = process.env.MODBOX_REAL_KERNEL ?? join(here, '../../../shared/oracle/real-kernel.sh');
const work = mkdtempSync(join(tmpdir(), 'modbox-record-'));
const sys = join(work, 'sys');
execFileSync('gcc', ['-O1', '-static', '-o', sys, join(here, 'tools/sys.c')]);
const newer = process.argv[2] === '6.12';
const scenarios = newer ? newerScenarios : olderScenarios;
const release = newer ? NEWER_RELEASE : '6.1.0-53-amd64';
/** Where the modules of this kernel and its recordings are. */
const folder = newer ? join(here, '6.12') : here;
mkdirSync(join(folder, 'expected'), { recursive: true });
if (newer && !process.env.REAL_KERNEL_DEB) {
  const debs = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'modbox/corpus/debs');
  process.env.REAL_KERNEL_DEB = join(debs, readdirSync(debs).find((f) => f.startsWith(`linux-image-${release}`)));
}

// So that addresses are the usual ones, and the same on every run.
const kernelArgs = 'nokaslr no5lvl';
// On a busy machine the guest fails to measure its clock, and never gets through the boot: tell it.
const mhz = /cpu MHz\s*: ([\d.]+)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
const tsc = mhz ? `tsc=reliable tsc_early_khz=${Math.round(Number(mhz) * 1000)}` : '';

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const stepOf = (step) => (typeof step === 'string' ? { run: step } : step);
/** The command that runs a step's script, as who is to run it. */
const runner = ({ as, without }) => [as !== undefined && `sys as ${as}`, without && `sys without ${without}`, 'sh /tmp/step'].filter(Boolean).join(' ');

/** The guest's script: runs each step in a shell of its own, and sends what came of it between marks. */
function guestScript(scenario) {
  const limit = scenario.limit ?? 20;
  return `
chmod 755 /; mkdir -p /tmp/bin; cp /mods/sys /tmp/bin/sys; export PATH=/tmp/bin:$PATH
# kmod's, not those that busybox has built in.
for a in insmod rmmod lsmod modinfo modprobe; do printf '%s() { /sbin/%s "$@"; }\\n' $a $a; done > /tmp/tools
sleep 1; dmesg -c >/dev/null
${scenario.setup ?? ''}
${scenario.dies ? 'dmesg -n 8' : ''}
step() {
  echo "@@run $1"
  { cat /tmp/tools; printf '%s\\n' "$2"; } > /tmp/step
  $3 > /tmp/out 2> /tmp/err &
  pid=$!; n=0
  while kill -0 $pid 2>/dev/null && [ $n -lt ${limit * 10} ]; do sleep 0.1; n=$((n+1)); done
  if kill -0 $pid 2>/dev/null && [ "$(cut -d' ' -f3 /proc/$pid/stat)" != Z ]; then code=hangs; else wait $pid; code=$?; fi
  sleep 0.2
  dmesg -r -c > /tmp/log
  echo "@@result $code"
  echo @@stdout; base64 /tmp/out; echo @@stderr; base64 /tmp/err; echo @@dmesg; base64 /tmp/log; echo @@done
}
${scenario.steps.map(stepOf).map((s, i) => `step ${i} ${quote(s.run)} ${quote(runner(s))}`).join('\n')}
`;
}

const decode = (lines) => Buffer.from(lines.join(''), 'base64').toString('utf8');
const lineList = (text) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
/** A line of the log without level and time stamp, and without what belongs to the emulated machine. */
const logLine = (line) => line.replace(/^(<\d+>)?\[ *\d+\.\d+\] /, '').replace(/^<\d+>/, '');
const noise = /^(random: |clocksource: |tsc: |input: |Freeing |hrtimer: interrupt took|perf: interrupt took|sched: RT throttling)/;
/** Addresses differ from boot to boot. */
const mask = (text) =>
  text.replace(/^\/tmp\/step: line \d+: /gm, 'sh: ').replace(/\b(Live|Loading|Unloading) 0x[0-9a-f]{16}/g, '$1 0x................');

function parse(output, scenario) {
  const steps = [];
  let section, parts;
  const console_ = [];
  for (const line of output.split('\n')) {
    let m;
    if ((m = /^@@run (\d+)/.exec(line))) {
      parts = {};
      section = undefined;
      const { run, ...who } = stepOf(scenario.steps[Number(m[1])]);
      steps.push({ command: run, ...who });
      console_.length = 0;
    } else if ((m = /^@@result (.*)/.exec(line))) {
      if (m[1] === 'hangs') steps.at(-1).hangs = true;
      else steps.at(-1).exit = Number(m[1]);
    } else if ((m = /^@@(stdout|stderr|dmesg)$/.exec(line))) parts[(section = m[1])] = [];
    else if (line === '@@done') {
      const step = steps.at(-1);
      step.stdout = mask(decode(parts.stdout));
      step.stderr = mask(decode(parts.stderr));
      step.dmesg = lineList(decode(parts.dmesg)).map(logLine).filter((l) => !noise.test(l));
      section = undefined;
    } else if (section && !/^\[ *\d+\.\d+\] /.test(line)) parts[section].push(line);
    else console_.push(line);
  }
  const last = steps.at(-1);
  if (last && last.stdout === undefined) {
    // The guest did not live to tell: what it still said is on the console.
    const died = console_.some((l) => /Kernel panic|Rebooting/.test(l));
    last[died ? 'panics' : 'hangsKernel'] = true;
    last.dmesg = console_.filter((l) => /^\[ *\d+\.\d+\] /.test(l)).map(logLine).filter((l) => !noise.test(l));
  }
  return steps;
}

// QEMU's console also goes to a file, to see whether the guest still says something.
const consoleFile = join(work, 'console');
const pidFile = join(work, 'pid');
mkdirSync(join(work, 'bin'));
const wrapper = join(work, 'bin/qemu-system-x86_64');
const qemu = execFileSync('which', ['qemu-system-x86_64'], { encoding: 'utf8' }).trim();
writeFileSync(wrapper, `#!/bin/bash\necho $$ > '${pidFile}'\nexec '${qemu}' "$@" > >(tee '${consoleFile}')\n`);
chmodSync(wrapper, 0o755);

const ownModules = ({ trees = {} }) => Object.values(trees['/'] ?? {}).join(' ');

/** Runs the script in the guest; ends QEMU when nothing has come from it for some time. */
async function boot(script, files, scenario) {
  for (const f of [consoleFile, pidFile]) rmSync(f, { force: true });
  const child = spawn(oracle, [script, ...files, sys], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: `${join(work, 'bin')}:${process.env.PATH}`, REAL_KERNEL_TIMEOUT: '900', REAL_KERNEL_MODULES: ownModules(scenario), REAL_KERNEL_ARGS: `${kernelArgs} ${tsc} ${scenario.cmdline ?? ''}` },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (d) => (output += d));
  const begun = Date.now();
  let size = 0, since = begun, panicked = false;
  const watch = setInterval(() => {
    const now = existsSync(consoleFile) ? statSync(consoleFile).size : 0;
    if (now !== size) { size = now; since = Date.now(); }
    const text = size > 0 ? readFileSync(consoleFile, 'latin1') : '';
    const patience = text.includes('Kernel panic') ? 0 : text.includes('@@run') ? 90 : 150;
    if (patience === 0 && !panicked) { panicked = true; return; } // let the panic's last lines come
    const silent = Date.now() - since > 1000 * patience;
    if ((silent || Date.now() - begun > 1000 * (scenario.atMost ?? 300)) && existsSync(pidFile)) {
      process.kill(Number(readFileSync(pidFile, 'utf8')));
      since = Date.now();
    }
  }, 500);
  await new Promise((done) => child.on('close', done));
  clearInterval(watch);
  return output;
}

const variants = join(work, 'variants');
mkdirSync(variants);
const debianFiles = new Map();
/** A module of Debian's, out of the package: that which variants are made of, or another one. */
function debianModule(file = DEBIAN_MODULE) {
  if (!debianFiles.has(file)) debianFiles.set(file, fromPackage(`./lib/modules/6.1.0-53-amd64/${file}`));
  return debianFiles.get(file);
}
function fromPackage(path) {
  const corpus = process.env.MODBOX_CORPUS ?? join(here, '../../../shared/corpus');
  const deb = readdirSync(corpus).find((f) => f.startsWith('linux-image-6.1.0-53-amd64_'));
  const tar = execFileSync('dpkg-deb', ['--fsys-tarfile', join(corpus, deb)], { maxBuffer: 2 ** 30 });
  return execFileSync('tar', ['-xO', path], { input: tar });
}

/**
 * Module trees below `/mods`, each with an index of depmod's: files by place below lib/modules/RELEASE, and the variant
 * there. That of `/` is the oracle's own, with the modules of those names.
 */
function makeTrees({ trees = {} }) {
  return Object.entries(trees).filter(([tree]) => tree !== '/').map(([tree, contents]) => {
    const root = join(work, 'trees', tree);
    for (const [place, name] of Object.entries(contents)) {
      const file = join(root, 'lib/modules', release, place);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, variant(name, needsDebian(name) ? debianModule(debianFileOf(name)) : undefined, release));
    }
    for (const list of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order']) writeFileSync(join(root, 'lib/modules', release, list), '');
    execFileSync('depmod', ['-b', root, release], { stdio: ['ignore', 'inherit', 'ignore'] });
    return root;
  });
}

const names = process.argv.slice(newer ? 3 : 2);
for (const name of names.length ? names : Object.keys(scenarios)) {
  const scenario = scenarios[name];
  if (!scenario) throw new Error(`no scenario ${name}`);
  const script = join(work, 'script');
  writeFileSync(script, guestScript(scenario));
  const files = [...new Set([...scenario.modules, 'hello'])].map((m) => join(folder, `${m}.ko`));
  for (const v of scenario.variants ?? []) {
    const file = join(variants, `${v}.ko`);
    writeFileSync(file, variant(v, needsDebian(v) ? debianModule(debianFileOf(v)) : undefined, release));
    files.push(file);
  }
  files.push(...makeTrees(scenario));
  const started = Date.now();
  let steps = [];
  for (let attempt = 1; attempt <= 3 && steps.length === 0; attempt++) steps = parse(await boot(script, files, scenario), scenario);
  if (steps.length === 0) { console.log(`${name}: nothing came`); continue; }
  const record = { kernel: release, args: kernelArgs, about: scenario.about, modules: scenario.modules,
    ...(scenario.variants && { variants: scenario.variants }), ...(scenario.trees && { trees: scenario.trees }), ...(scenario.cmdline && { cmdline: scenario.cmdline }), ...(scenario.setup && { setup: scenario.setup }), steps };
  writeFileSync(join(folder, 'expected', `${name}.json`), `${JSON.stringify(record, null, 2)}\n`);
  const end = steps.at(-1);
  const how = end.panics ? 'panics' : end.hangsKernel ? 'hangs the kernel' : steps.some((s) => s.hangs) ? 'hangs' : 'done';
  console.log(`${name}: ${steps.length} of ${scenario.steps.length} steps, ${how}, ${((Date.now() - started) / 1000).toFixed(0)} s`);
}
rmSync(work, { recursive: true });
