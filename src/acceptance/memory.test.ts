import { describe, expect, it } from 'vitest';
import { MODULES } from '../linux/memory-map.js';
import { leaksSince } from '../machine/linux/leaks.js';
import type { Machine } from '../machine/linux/machine.js';
import { scenarios } from '../machine/linux/testing/recorded.js';
import { faults, logFrom, machineWith, shell } from './testing/machines.js';

/** Modules that load, are used as in their recordings, and are unloaded again. */
const WELL_BEHAVED = [
  'chardev',
  'debugfsmod',
  'exporter_importer',
  'hello',
  'initfail',
  'kthread_wait',
  'libuser_data',
  'libuser_string',
  'miscdev',
  'notifier',
  'params',
  'procseq',
  'sleeper',
  'sysfsattrs',
  'usercopy',
  'workq_timer',
];

const RECORDED = new Map(scenarios().map((scenario) => [scenario.name, scenario]));

/** Bytes in use by kind. Stacks of tasks that ended are kept for the next ones. */
function bytesByKind(machine: Machine): Record<string, number> {
  const bytes: Record<string, number> = {};
  for (const { kind, size } of machine.kernel.ledger.all())
    if (kind !== 'stack') bytes[kind] = (bytes[kind] ?? 0) + size;
  return bytes;
}

/** Pages of module memory that are mapped. */
function modulePages(machine: Machine): number {
  let pages = 0;
  for (let at = MODULES.start; at < MODULES.start + MODULES.size; at += 4096)
    if (machine.kernel.space.isMapped(at)) pages++;
  return pages;
}

function use(machine: Machine, name: string): void {
  for (const { command } of RECORDED.get(name)!.steps) shell(machine, command);
  for (const module of machine.lsmod()) machine.rmmod(module.name);
  machine.sleep(1e9);
}

describe('after a module is unloaded', () => {
  for (const name of WELL_BEHAVED)
    it(`not a byte is left of ${name}: heap, pages, per-CPU memory, module memory`, () => {
      const machine = machineWith([...RECORDED.get(name)!.modules, 'hello']);
      const { ledger, moduleMemory } = machine.kernel;
      const { mark } = ledger;
      // The kernel keeps what it makes for the first device of its kind, such as the class.
      use(machine, name);
      expect(leaksSince(machine.kernel, machine.archive, mark)).toEqual([]);
      const before = { bytes: bytesByKind(machine), pages: 0 };
      expect(before.bytes.module ?? 0).toBe(0);
      use(machine, name);
      const pages = modulePages(machine);
      expect({ bytes: bytesByKind(machine), pages }).toEqual(before);
      expect(faults(machine)).toEqual([]);
      // Addresses are free as well: the next one gets the first.
      const area = moduleMemory.allocate(4096, 'module');
      expect(area).toBe(MODULES.start + 4096);
      expect(moduleMemory.free(area)).toBe(true);
    });

  it('module memory can be used again, many times over', () => {
    const machine = machineWith(['hello']);
    shell(machine, 'insmod /mods/hello.ko');
    const first = machine.lsmod()[0];
    const addresses = new Set<string>();
    for (let i = 0; i < 50; i++) {
      shell(machine, 'rmmod hello');
      shell(machine, 'insmod /mods/hello.ko');
      addresses.add(shell(machine, 'cat /proc/modules').stdout);
    }
    expect(machine.lsmod()).toEqual([first]);
    expect(addresses.size).toBe(1);
  });
});

describe('a leak is reported', () => {
  it('when init fails and forgets its memory: size, kind, count and function of each', () => {
    const machine = machineWith(['initfail_leaky']);
    const { mark } = machine.kernel.ledger;
    expect(shell(machine, 'insmod /mods/initfail_leaky.ko').exit).toBe(1);
    expect(leaksSince(machine.kernel, machine.archive, mark)).toEqual([
      {
        kind: 'vmalloc',
        bytes: 12288,
        count: 1,
        allocatedBy: expect.stringMatching(/^initfail_leaky_init\+0x\w+\/0x\w+ \[initfail_leaky\]$/),
      },
      {
        kind: 'slab',
        bytes: 1000,
        count: 1,
        allocatedBy: expect.stringMatching(/^initfail_leaky_init\+0x\w+\/0x\w+ \[initfail_leaky\]$/),
      },
    ]);
    expect(machine.lsmod()).toEqual([]);
    expect(logFrom(machine)).toContain('initfail_leaky: no answer from the device');
  });

  it('together, where one place forgets again and again', () => {
    const machine = machineWith(['initfail_leaky']);
    const { mark } = machine.kernel.ledger;
    for (let i = 0; i < 3; i++) shell(machine, 'insmod /mods/initfail_leaky.ko');
    const leaks = leaksSince(machine.kernel, machine.archive, mark);
    expect(leaks.map(({ kind, bytes, count }) => ({ kind, bytes, count }))).toEqual([
      { kind: 'vmalloc', bytes: 36864, count: 3 },
      { kind: 'slab', bytes: 3000, count: 3 },
    ]);
  });

  it('only after the module is gone: what it holds while it is loaded is its own', () => {
    const machine = machineWith(['faulty_leak_kmalloc']);
    const { mark } = machine.kernel.ledger;
    shell(machine, 'insmod /mods/faulty_leak_kmalloc.ko');
    expect(leaksSince(machine.kernel, machine.archive, mark)).toEqual([]);
    machine.rmmod('faulty_leak_kmalloc');
    expect(leaksSince(machine.kernel, machine.archive, mark)).not.toEqual([]);
  });
});
