import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MemoryFiles } from '../../kmod/index.js';
import type { FaultReport } from '../../linux/traps/report.js';
import { Machine, type MachineOptions } from '../../machine/linux/machine.js';
import { Shell } from '../../machine/linux/shell/shell.js';
import { CapturedOutput } from '../../machine/terminal.js';
import { loadBundled } from '../../target/node/index.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));

/** The file of one of the project's own test modules. */
export function ownModule(name: string): Uint8Array {
  return new Uint8Array(readFileSync(`${MODULES}${name}.ko`));
}

/** A machine with the bundled kernel and some of the own test modules in /mods. */
export function machineWith(
  modules: readonly string[],
  options: Partial<Omit<MachineOptions, 'target' | 'files'>> = {},
): Machine {
  const files = new MemoryFiles(modules.map((name) => [`/mods/${name}.ko`, ownModule(name)]));
  return Machine.boot({ target: loadBundled(), files, ...options });
}

export interface ShellResult {
  readonly exit: number;
  readonly hangs: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in the machine's shell. */
export function shell(machine: Machine, command: string): ShellResult {
  const output = new CapturedOutput();
  const { exit, hangs } = new Shell(machine, output).run(command);
  return { exit, hangs, stdout: output.stdout, stderr: output.stderr };
}

/** The texts of the log from a line on. */
export function logFrom(machine: Machine, from = 0): string[] {
  return machine.dmesg(from).map(({ text }) => text);
}

/** Loads hello, and removes it: the lines that it logged meanwhile. */
export function runHello(machine: Machine): string[] {
  const from = machine.dmesg().length;
  machine.insmod(ownModule('hello'), 'whom=survivors', '/mods/hello.ko');
  machine.rmmod('hello');
  return logFrom(machine, from).filter((line) => line.startsWith('hello: ') && !/taint/.test(line));
}

export const HELLO_LOG = [
  'hello: Hello, survivors.',
  'hello: 2 numbers, their sum is 3',
  'hello: Goodbye, survivors.',
];

export function faults(machine: Machine): readonly FaultReport[] {
  return machine.kernel.traps.reports;
}
