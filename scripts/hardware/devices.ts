// Drivers with QEMU's devices, compared with what the real kernel did with the same: npx tsx scripts/hardware/devices.ts RECORDINGS [ID...] [--show]
//
// RECORDINGS: a file with an object a line (id, script, qemu, out), as the real kernel's runs of the same commands on the same devices were kept. Each
// case is run in a machine of its own. Compared are the parts load, use, log, bound and remove of what the script prints:
//   use     the words that are printed, whatever the order: `ls` prints columns on one side
//   log     the lines, numbers that differ from machine to machine masked, whatever the order (work in the background), without those of finding USB devices
//   bound   without the devices that every PC of QEMU's has, with or without the one in question
// The shell has no awk: sed does what it is asked for. The wget of the recordings died in its guest (a fault of that program's): it is left out of scripts and recordings.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QemuBoard } from '../../src/hardware/node/qemu/qemu-board.js';
import { DiskFiles } from '../../src/kmod/node/disk-files.js';
import { Machine } from '../../src/machine/linux/machine.js';
import { userTranslations } from '../../src/machine/linux/node/disk-translations.js';
import type { LinuxTarget } from '../../src/target/index.js';
import { corpusTree } from '../../src/testing/corpus.js';
import { imageTarget } from '../../src/testing/targets.js';

interface Recording {
  readonly id: string;
  readonly qemu: string;
  readonly script: string;
  readonly out: readonly string[];
}

const PARTS = ['load', 'use', 'log', 'bound', 'remove'] as const;
type Part = (typeof PARTS)[number];
type Outcome = Readonly<Record<Part, readonly string[]>>;

const args = process.argv.slice(2);
const show = args.includes('--show');
const [file, ...ids] = args.filter((word) => word !== '--show');
if (file === undefined) throw new Error('which recordings?');
const recordings = readFileSync(file, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Recording);
const root = await corpusTree();
const target = await imageTarget();
if (root === undefined || target === undefined) throw new Error("Debian's modules are not in the cache");

/** Lines that are there whatever is plugged in. */
const everywhere = new Set(
  partOf(recordings[0].out, 'bound').filter((line) =>
    recordings.every(({ out }) => partOf(out, 'bound').includes(line)),
  ),
);
/** Devices of every PC of QEMU's that do not have the same number on each. */
const OF_EVERY_PC = /^(pnp (rtc_cmos|serial|system)|cpu processor|serio atkbd) /;

function partOf(out: readonly string[], part: string): string[] {
  const lines = out.map((line) => line.replace(/\r$/, ''));
  const start = lines.indexOf(`## ${part}`);
  if (start < 0) return [];
  const end = lines.findIndex((line, i) => i > start && line.startsWith('## '));
  return lines.slice(start + 1, end < 0 ? undefined : end).filter((line) => line !== '');
}

/** What differs from machine to machine: addresses, numbers of interrupts, durations. */
const mask = (line: string): string =>
  line
    .replace(/0x[0-9a-f]+/gi, '0x#')
    .replace(/\b[0-9a-f]{8,16}\b/gi, '#')
    .replace(/\b\d+(\.\d+)? ?([KMG]i?B\/s|ms|us|ns|MHz)\b/g, '#$2')
    .replace(/\binput\/input\d+/g, 'input/input#')
    .replace(/\bevent\d+/g, 'event#')
    .replace(/\b(PID|CPU|irq|IRQ)[:= #]+\d+/gi, '$1 #')
    .trimEnd();

/** USB devices are found in the background: before the log is cleared, or after it. */
const ENUMERATION = /^usb \d-[\d.]+: (new|New USB|Product:|Manufacturer:|SerialNumber:)/;

/** Of wget's end; of QEMU to whoever ran it. */
const NOT_OF_THE_GUEST = /^(Segmentation fault$|wget\[\d+\]: segfault|Code: |qemu-system-x86_64: )/;

/** Without the PC's own keyboard in /proc/bus/input/devices, of which modbox's machine has none plugged in. */
function withoutI8042(lines: readonly string[]): readonly string[] {
  const start = lines.findIndex((line) => line.startsWith('I: Bus=0011'));
  if (start < 0) return lines;
  const end = lines.findIndex((line, i) => i > start && !/^[NPSUHB]: /.test(line));
  return [...lines.slice(0, start), ...lines.slice(end < 0 ? lines.length : end)];
}

/** Of a warning of the kernel's the line that says what and where: registers and frames below it are not compared. */
function withoutTraces(lines: readonly string[]): readonly string[] {
  let inTrace = false;
  return lines.filter((line) => {
    if (line.startsWith('------------[ cut here')) inTrace = true;
    const kept = !inTrace || line.startsWith('WARNING:');
    if (line.startsWith('---[ end trace')) inTrace = false;
    return kept;
  });
}

function outcomeOf(out: readonly string[]): Outcome {
  const lines = (part: Part): string[] => partOf(out, part).filter((line) => !NOT_OF_THE_GUEST.test(line));
  return {
    load: lines('load'),
    use: withoutI8042(lines('use'))
      .flatMap((line) => mask(line).split(/\s+/))
      .filter(Boolean)
      .sort(),
    log: withoutTraces(lines('log'))
      .map(mask)
      .filter((line) => !ENUMERATION.test(line))
      .sort(),
    bound: lines('bound').filter((line) => !everywhere.has(line) && !OF_EVERY_PC.test(line)),
    remove: withoutOldStatus(withoutTraces(lines('remove')).map(mask)),
  };
}

/**
 * kmod 30, which the recordings were made with, gives 1 where a module that the removed one used is still used by others, without a word; later ones,
 * as modbox's, do not.
 */
function withoutOldStatus(lines: readonly string[]): readonly string[] {
  return /^exit [01]$/.test(lines[0] ?? '') ? lines.slice(1) : lines;
}

/** The disk of 4 MiB that the recordings were made with. */
function makeDisk(path: string): void {
  const disk = Buffer.alloc(4 << 20);
  for (let i = 0; i < disk.length; i += 16)
    disk.write(createHash('md5').update(String(i)).digest('hex').slice(0, 16), i, 'latin1');
  writeFileSync(path, disk);
}

function run(recording: Recording, target: LinuxTarget, root: string): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'modbox-devices-'));
  makeDisk(join(folder, 'disk'));
  mkdirSync(join(folder, 'share'));
  writeFileSync(join(folder, 'share', 'a.txt'), 'shared text\n');
  const words = recording.qemu
    .replaceAll('DISK', join(folder, 'disk'))
    .replaceAll('SHARE', join(folder, 'share'))
    .split(/\s+/);
  const machine = Machine.boot({
    target,
    files: new DiskFiles(root),
    translations: userTranslations() ?? false,
  });
  try {
    machine.plugBoard(new QemuBoard(words));
    const script = recording.script
      .replace(/wget [^;\n]*;/g, '')
      .replaceAll(`awk '{print ($1>0)}'`, "sed 's/^[1-9][0-9]*$/1/'");
    const { stdout, stderr } = machine.exec(script);
    for (const fault of machine.faults())
      process.stdout.write(`    fault: ${fault.message} at ${fault.at}\n`);
    if (show && stderr !== '') process.stdout.write(`    stderr: ${stderr}\n`);
    return outcomeOf(stdout.split('\n'));
  } finally {
    machine.release();
    rmSync(folder, { recursive: true, force: true });
  }
}

function difference(want: readonly string[], got: readonly string[]): string {
  const left = [...got];
  const missing = want.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [...missing.map((line) => `      - ${line}`), ...left.map((line) => `      + ${line}`)].join('\n');
}

let agree = 0;
const chosen = recordings.filter(({ id }) => ids.length === 0 || ids.includes(id));
for (const recording of chosen) {
  const started = performance.now();
  const want = outcomeOf(recording.out);
  let got: Outcome;
  try {
    got = run(recording, target, root);
  } catch (error) {
    process.stdout.write(`${recording.id}: ${String(error)}\n`);
    continue;
  }
  const wrong = PARTS.filter((part) => JSON.stringify(want[part]) !== JSON.stringify(got[part]));
  if (wrong.length === 0) agree++;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `${recording.id}: ${wrong.length === 0 ? 'agrees' : `differs in ${wrong.join(', ')}`} (${seconds} s)\n`,
  );
  if (!show) continue;
  for (const part of wrong) {
    const text = difference(want[part], got[part]);
    process.stdout.write(
      `    ${part}\n${text === '' ? `      in another order:\n${got[part].map((line) => `      ${line}\n`).join('')}` : `${text}\n`}`,
    );
  }
}
process.stdout.write(`${agree} of ${chosen.length} agree\n`);
