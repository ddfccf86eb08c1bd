/** npm run bench:cpu [NAME]: functions of real modules, natively, under qemu-user and in modbox. */
import { execFileSync } from 'node:child_process';
import { type Measurement, runModbox, runNative } from './engines.js';
import { WORKLOADS } from './workloads.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 300);

function haveQemu(): boolean {
  try {
    execFileSync('qemu-x86_64', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const same = (a: Measurement, b: Measurement): boolean =>
  Buffer.compare(Buffer.from(a.data), Buffer.from(b.data)) === 0;

const mean = (values: number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

const only = process.argv[2];
const qemu = haveQemu() && !process.env['NO_QEMU'];
const ratios: { group: string; modbox: number; qemu: number }[] = [];
const row = (...cells: string[]): void =>
  console.log(cells.map((cell, i) => (i ? cell.padStart(11) : cell.padEnd(20))).join(' '));

row('function', 'native ns', 'modbox ns', 'modbox x', 'qemu x', 'cold ms', 'result');
for (const w of WORKLOADS) {
  if (only && !w.name.includes(only) && w.group !== only) continue;
  let native = runNative(w, ROUNDS);
  const modbox = runModbox(w, ROUNDS);
  const again = runNative(w, ROUNDS);
  if (again.ns < native.ns) native = again;
  const emulated = qemu ? runNative(w, Math.ceil(ROUNDS / 4), 'qemu-x86_64') : undefined;
  const identical = same(native, modbox) && (!emulated || same(native, emulated));
  const ratio = modbox.ns / native.ns;
  const qemuRatio = emulated ? emulated.ns / native.ns : Number.NaN;
  ratios.push({ group: w.group, modbox: ratio, qemu: qemuRatio });
  row(
    w.name,
    native.ns.toFixed(1),
    modbox.ns.toFixed(1),
    ratio.toFixed(2),
    qemuRatio.toFixed(2),
    modbox.coldMs!.toFixed(1),
    identical ? 'identical' : 'DIFFERENT',
  );
  if (!identical) process.exitCode = 1;
}
for (const group of ['compute', 'vector']) {
  const own = ratios.filter((ratio) => ratio.group === group);
  if (own.length === 0) continue;
  const [modbox, emulated] = [own.map((r) => r.modbox), own.map((r) => r.qemu)];
  row(`geometric mean ${group}`, '', '', mean(modbox).toFixed(2), mean(emulated).toFixed(2));
}
