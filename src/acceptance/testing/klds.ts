import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MemoryFiles } from '../../files/file-source.js';
import { sysctl } from '../../kld/tools/sysctl/sysctl.js';
import { FreebsdMachine, type FreebsdMachineOptions } from '../../machine/freebsd/machine.js';
import { runKld } from '../../machine/freebsd/module-run.js';
import type { FreebsdTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/freebsd/', import.meta.url));

/** The file of one of the project's own test modules for FreeBSD. */
export function ownKld(name: string): Uint8Array {
  return new Uint8Array(readFileSync(`${MODULES}${name}.ko`));
}

type Options = Partial<Omit<FreebsdMachineOptions, 'target' | 'files'>>;

/** A FreeBSD machine with the bundled kernel and some of the own test modules in /boot/modules. */
export function machineWithKlds(names: readonly string[], options: Options = {}): FreebsdMachine {
  const files = new MemoryFiles(names.map((name) => [`/boot/modules/${name}.ko`, ownKld(name)]));
  return FreebsdMachine.boot({
    target: loadBundled('freebsd/14.2-amd64') as FreebsdTarget,
    files,
    ...options,
  });
}

/** What a run of a kld came to. What is not told was in order: exit 0, nothing said, nothing left. */
export interface Outcome {
  readonly log?: readonly string[];
  /** Logged while it was unloaded. */
  readonly logAfter?: readonly string[];
  readonly load?: number;
  readonly errno?: string;
  /** What kldload and kldunload said. */
  readonly said?: readonly string[];
  readonly unload?: number;
  /** `kind: message`, addresses as 0x. */
  readonly faults?: readonly string[];
  readonly leftBehind?: readonly string[];
  readonly leaks?: readonly string[];
  readonly panicked?: string;
}

/** Lines of a panic that tell of registers, times and frames. */
const DUMP =
  /^(#\d|cpuid|time =|KDB|Uptime|r\w\w?:|\s*$|\t|code seg|processor efl|trap num|stack pointer|frame pointer|instruction pointer)/;

const withoutAddresses = (text: string): string =>
  text.replace(/0x[0-9a-f]{8,16}/g, '0x').replace(/\btid \d+/g, 'tid');

const lines = (all: readonly string[]): readonly string[] =>
  all.filter((line) => !DUMP.test(line)).map(withoutAddresses);

/** Loads a kld (and what it needs, of `others`), lets a moment pass, and unloads it. */
export function outcomeOf(name: string, others: readonly string[] = [], options: Options = {}): Outcome {
  const machine = machineWithKlds([name, ...others], options);
  const run = runKld(machine, `${name}.ko`, { now: () => 0, bootMs: 0 });
  const leftBehind = run.leftBehind.map(({ kind, name: what }) => `${kind} ${what}`);
  const all: Outcome = {
    log: lines(run.dmesg),
    logAfter: lines(run.dmesgAfterRemove),
    load: run.modprobe.exit,
    errno: run.errno ?? '',
    said: [...run.modprobe.stderr, ...run.remove.stderr],
    unload: run.remove.exit,
    faults: run.faults
      .filter(({ kind }) => kind !== 'left-behind')
      .map(({ kind, message }) => `${kind}: ${withoutAddresses(message)}`),
    leftBehind,
    leaks: run.leaks.map(
      ({ bytes, count, allocatedBy }) => `${bytes} in ${count} by ${allocatedBy.replace(/\+.*/, '')}`,
    ),
    panicked: withoutAddresses(machine.panicked ?? ''),
  };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => (typeof value === 'number' ? value !== 0 : value.length > 0)),
  );
}

/** Runs sysctl(8): what it wrote, or said. */
export function sysctlOn(machine: FreebsdMachine, ...args: readonly string[]): string {
  const { stdout, stderr } = machine.tool('sysctl', sysctl, args);
  return `${stdout}${stderr}`.trimEnd();
}
