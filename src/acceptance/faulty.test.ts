import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FaultKind } from '../linux/errors.js';
import type { FaultReport } from '../linux/traps/report.js';
import { leaksSince } from '../machine/linux/leaks.js';
import type { Machine } from '../machine/linux/machine.js';
import { essential, scenarios } from '../machine/linux/testing/recorded.js';
import { DETECTED, DETECTED_ON_WRITE, type Expectation, LEAKS, STUCK } from './testing/faulty-modules.js';
import { faults, HELLO_LOG, logFrom, machineWith, runHello, shell } from './testing/machines.js';

const MODULES = fileURLToPath(new URL('../../tests/modules/', import.meta.url));
/** Faults that a kernel of another configuration or layout words in another way, or notices at another time. */
const LOG_DIFFERS = new Set([
  'abba_deadlock', // when the hung task detector looks
  'endless_wait',
  'endless_loop', // when the watchdog looks
  'free_static', // the real kernel takes the struct page of a module's page, wherever that is
  'kthread_left', // when memory that was freed is used again
  'timer_left',
  'work_left',
  'leak_cache', // SLUB's own dump of the cache
  'mutex_deadlock', // found at once here, after two minutes there
  'spin_deadlock', // found at once here, by a stall warning there
  'sleep_in_timer', // which task the timer interrupts
  'uaf_read', // what modbox writes into memory that is freed
  'stack_overflow', // which addresses it hashes
]);
/** Two lines on taints, and the first two of the fault. */
const LINES_COMPARED = 4;
const RECORDED = new Map(scenarios().map((scenario) => [scenario.name, scenario]));

function run(name: string, steps: readonly string[]): Machine {
  const machine = machineWith([`faulty_${name}`]);
  for (const step of steps) shell(machine, step);
  machine.sleep(200e6);
  return machine;
}

function expectReport(name: string, fault: FaultReport | undefined, kind: FaultKind): void {
  expect(fault, `a report of kind ${kind}`).toBeDefined();
  expect(fault?.module).toBe(`faulty_${name}`);
  expect(typeof fault?.address).toBe('bigint');
  expect(fault?.message).not.toBe('');
}

function expectTrace(name: string, fault: FaultReport, expected: Expectation): void {
  const places = [fault.at, ...fault.trace].join('\n');
  const fn = expected.trace ?? '[\\w.]+';
  expect(places).toMatch(new RegExp(`\\b${fn}\\+0x[0-9a-f]+/0x[0-9a-f]+ \\[faulty_${name}\\]`));
  expect(Object.keys(fault.registers)).toEqual(
    expect.arrayContaining(['RIP', 'EFLAGS', 'RAX', 'RBX', 'RCX', 'RDX', 'RSI', 'RDI', 'RSP', 'RBP', 'R15']),
  );
  for (const value of Object.values(fault.registers)) expect(value).toMatch(/^([0-9a-f]{8}){1,2}$/);
}

/** What the real kernel logged in the same steps, and the beginning of what this one did. */
function expectRecordedLog(machine: Machine, name: string, steps: readonly string[]): void {
  const scenario = RECORDED.get(`faulty_${name}${steps[0].includes('on_write') ? '_on_write' : ''}`);
  const recorded = (scenario?.steps ?? []).filter(({ command }) => steps.includes(command));
  const lines = essential(recorded.flatMap(({ dmesg }) => [...dmesg])).slice(0, LINES_COMPARED);
  expect(essential(logFrom(machine)).slice(0, lines.length)).toEqual(lines);
}

describe('a faulty module', () => {
  it('is in exactly one of the lists of this test', () => {
    const all = readdirSync(MODULES)
      .filter((file) => /^faulty_.*\.ko$/.test(file))
      .map((file) => file.slice('faulty_'.length, -'.ko'.length));
    const listed = [DETECTED, LEAKS, STUCK].flatMap((list) => Object.keys(list));
    expect(listed.sort()).toEqual(all.sort());
  });

  for (const [name, expected] of Object.entries(DETECTED))
    it(`${name} is reported as ${expected.kind}; then hello runs`, () => {
      const steps = expected.steps ?? [`insmod /mods/faulty_${name}.ko`];
      const machine = run(name, steps);
      const fault = faults(machine).find(({ kind }) => kind === expected.kind);
      expectReport(name, fault, expected.kind);
      if (!expected.later) expectTrace(name, fault!, expected);
      if (!LOG_DIFFERS.has(name)) expectRecordedLog(machine, name, steps);
      expect(runHello(machine)).toEqual(HELLO_LOG);
    });

  for (const [name, kind] of Object.entries(DETECTED_ON_WRITE))
    it(`${name} in a write to its device is reported as ${kind}; it is removed, then hello runs`, () => {
      const machine = run(name, [`insmod /mods/faulty_${name}.ko on_write=1`, 'echo go > /dev/modboxfault']);
      const fault = faults(machine).find((report) => report.kind === kind);
      expectReport(name, fault, kind);
      expectTrace(name, fault!, { kind });
      machine.rmmod(`faulty_${name}`);
      expect(machine.lsmod()).toEqual([]);
      expect(runHello(machine)).toEqual(HELLO_LOG);
    });

  for (const [name, expected] of Object.entries(LEAKS))
    it(`${name} is reported with what it left; then hello runs`, () => {
      const machine = machineWith([`faulty_${name}`]);
      const { mark } = machine.kernel.ledger;
      shell(machine, `insmod /mods/faulty_${name}.ko`);
      machine.rmmod(`faulty_${name}`);
      const found = leaksSince(machine.kernel, machine.archive, mark).map(
        ({ kind, bytes, allocatedBy }) => [kind, bytes, allocatedBy.replace(/\+0x\w+\/0x\w+/, '')] as const,
      );
      expect(found).toEqual(expected.map(([kind, bytes, fn]) => [kind, bytes, `${fn} [faulty_${name}]`]));
      expect(runHello(machine)).toEqual(HELLO_LOG);
    });

  for (const [name, message] of Object.entries(STUCK))
    it(`${name} cannot be removed; hello runs all the same`, () => {
      const machine = run(name, [`insmod /mods/faulty_${name}.ko`]);
      const { exit, stderr } = shell(machine, `rmmod faulty_${name}`);
      expect(exit).toBe(1);
      expect(stderr).toMatch(message);
      expect(machine.lsmod().map((module) => module.name)).toEqual([`faulty_${name}`]);
      expect(runHello(machine)).toEqual(HELLO_LOG);
    });
});
