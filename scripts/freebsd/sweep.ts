/**
 * npx vite-node scripts/freebsd/sweep.ts DIR [--every N] [--json FILE] [--write docs/freebsd.md]
 *
 * Loads and unloads every kld of a /boot/kernel, each in a freshly booted machine of freebsd/14.2-amd64, and tells what became of them.
 * Nothing of the folder is written to. Slow (a tenth of a second for each), so it is run by hand.
 */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MountedFiles } from '../../src/files/mounted-files.js';
import { DiskFiles } from '../../src/kmod/node/disk-files.js';
import { FreebsdMachine } from '../../src/machine/freebsd/machine.js';
import { runKld } from '../../src/machine/freebsd/module-run.js';
import type { RunReport } from '../../src/machine/run-report.js';
import { BUNDLED_FREEBSD, loadBundled } from '../../src/target/node/index.js';
import { type Outcome, outcomeOf, sweepText } from './sweep-report.js';

/** Seconds of the host that a kld gets. */
const SECONDS = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: 'string' }, json: { type: 'string' }, write: { type: 'string' } },
});
const [directory] = positionals;
if (directory === undefined) throw new Error('which folder of klds?');
const every = Number(values.every ?? 1);
const names = readdirSync(directory)
  .filter((name) => name.endsWith('.ko'))
  .filter((_, i) => i % every === 0);
const files = new MountedFiles('/boot/kernel', new DiskFiles(directory));
const target = loadBundled(BUNDLED_FREEBSD);
let memory: WebAssembly.Memory | undefined;

function run(name: string): RunReport | Error {
  const end = performance.now() + SECONDS * 1000;
  try {
    const machine = FreebsdMachine.boot({
      target,
      files,
      interrupt: () => (performance.now() > end ? 'timeout' : undefined),
      ...(memory && { memory }),
    });
    memory = undefined;
    const report = runKld(machine, `/boot/kernel/${name}`, { now: () => performance.now(), bootMs: 0 });
    memory = machine.release();
    return report;
  } catch (error) {
    memory = undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}

const outcomes: Outcome[] = [];
if (values.json !== undefined) writeFileSync(values.json, '');
for (const name of names) {
  const outcome = outcomeOf(name, run(name));
  outcomes.push(outcome);
  if (values.json !== undefined) appendFileSync(values.json, `${JSON.stringify(outcome)}\n`);
}
const text = sweepText(outcomes);
console.log(text);
if (values.write !== undefined) {
  const before = readFileSync(values.write, 'utf8');
  const [head] = before.split('<!-- sweep -->');
  writeFileSync(values.write, `${head}<!-- sweep -->\n\n${text}`);
}
