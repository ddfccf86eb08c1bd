import { readdirSync, readFileSync } from 'node:fs';
import { parseElf } from '../../src/formats/elf/index.js';
import { MachineError } from '../../src/machine/errors.js';
import { Machine } from '../../src/machine/linux/machine.js';
import { loadBundled } from '../../src/target/node/index.js';
import type { FuzzTarget, Seed } from './target.js';

const MODULES = new URL('../../tests/modules/', import.meta.url);
/** Milliseconds and work after which a machine's command is stopped: what the fuzzer calls a hang takes longer. */
const COMMAND_MS = 4000;
const COMMAND_WORK = 5e8;
/** What a module may take of the host's memory besides its machine's. */
const MEMORY = 'mem=96M';

/** Where damage is worth most: what the loader reads, and the code. */
function seed(name: string): Seed {
  const bytes = new Uint8Array(readFileSync(new URL(name, MODULES)));
  const elf = parseElf(bytes, name);
  const sections = elf.sections
    .filter(({ name: own, data }) => data.length > 0 && !/BTF|comment|note|strtab/.test(own))
    .map(({ offset, size }) => [offset, size] as const);
  const headers = [elf.header.shoff, elf.header.shnum * 64] as const;
  return { name, bytes, regions: [[0, 64], headers, headers, ...sections] };
}

/** Loads the damaged module into a machine, and removes what is there then. */
function load(bytes: Uint8Array, memory: WebAssembly.Memory | undefined): Machine {
  const end = performance.now() + COMMAND_MS;
  const machine = Machine.boot({
    target: loadBundled(),
    cmdline: MEMORY,
    workLimit: COMMAND_WORK,
    interrupt: () => (performance.now() > end ? 'timeout' : undefined),
    ...(memory && { memory }),
  });
  const attempt = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
    }
  };
  attempt(() => machine.insmod(bytes, '', 'fuzzed.ko'));
  for (const { name } of machine.lsmod()) attempt(() => machine.rmmod(name));
  const fault = machine.kernel.traps.reports.find(({ kind }) => kind === 'internal');
  if (fault) throw new Error(`${fault.message}\n${fault.trace.join('\n')}`);
  return machine;
}

let spare: WebAssembly.Memory | undefined;

export const MODULES_TARGET: FuzzTarget = {
  name: 'modules',
  seeds: () =>
    readdirSync(MODULES)
      .filter((name) => name.endsWith('.ko'))
      .map(seed),
  run: (bytes) => {
    const memory = spare;
    spare = undefined;
    spare = load(bytes, memory).release();
  },
};
