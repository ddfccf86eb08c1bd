/** node --expose-gc probe.mjs MODULE BOOTS: boots machines in turn and prints what memory the process has. */
import { readFileSync } from 'node:fs';
import { Machine } from '../../src/machine/linux/machine.js';
import { loadBundled } from '../../src/target/node/index.js';

const [, , file, count] = process.argv;
const EVERY = 20;
const target = loadBundled();
const module = readFileSync(file);
const name = /([^/]+)\.ko$/.exec(file)?.[1] ?? '';

function sample(boots: number): void {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  console.log(JSON.stringify({ boots, rss, heap: heapUsed }));
}

let machine: Machine | undefined = Machine.boot({ target });
sample(1);
machine = undefined;
for (let boots = 2; boots <= Number(count); boots++) {
  machine = Machine.boot({ target });
  machine.insmod(module, '', file);
  machine.rmmod(name);
  machine = undefined;
  if (boots % EVERY === 0) sample(boots);
}
